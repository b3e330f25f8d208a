"""The status that a back end reads: the recorded one, unless it asks for the case itself."""

from typing import Any

import pytest

from aftersale.client import CaseNotFound, Cases, ServiceFault
from aftersale.errors import BadInput
from aftersale.records import Records, RecordsUnavailable
from aftersale.records import open as records_at
from tests.support.drawing import NOW, turn

NOBODY: Any = None
"""No connection to Temporal: whoever asked it would fail."""


async def test_a_status_is_read_from_the_records_without_asking_temporal(kept: Records) -> None:
    kept.turns.write([turn("C-1", 1, "Opened"), turn("C-1", 2, "Approved")], now=NOW)
    status = await Cases(NOBODY, kept).status("C-1")
    assert status == kept.turns.record("C-1")
    assert [entry.says for entry in status.timeline] == ["C-1 1: Opened", "C-1 2: Approved"]


async def test_a_case_that_is_not_recorded_is_not_found_and_may_be_asked_itself(kept: Records) -> None:
    with pytest.raises(CaseNotFound, match=r"case C-1 is not in the records; check its id; .* answers live=True"):
        await Cases(NOBODY, kept).status("C-1")


async def test_a_client_without_records_names_their_variable_and_the_live_case() -> None:
    with pytest.raises(ServiceFault, match=r"no records .* AFTERSALE_RECORDS_URL names, or ask .* live=True"):
        await Cases(NOBODY).status("C-1")


async def test_records_that_are_not_there_are_named() -> None:
    with records_at("sqlite:////nowhere/records.db") as gone, pytest.raises(RecordsUnavailable, match="no such file"):
        await Cases(NOBODY, gone).status("C-1")


async def test_what_cannot_be_a_case_id_is_not_looked_up(kept: Records) -> None:
    with pytest.raises(BadInput, match="case_id: must be 1 to 64"):
        await Cases(NOBODY, kept).status("a/b")

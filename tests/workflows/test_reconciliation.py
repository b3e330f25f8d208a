"""A case that was terminated by hand is found, closed and freed, and the platform gets the command that mends it."""

import asyncio
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from aftersale import records
from aftersale.client import Reconciliations
from aftersale.contract.commands import Approve
from aftersale.contract.status import Status
from aftersale.records import Records
from aftersale.vocabulary import CaseKind, CloseReason, RefundState, State
from tests.support.cases import request
from tests.support.market import ACTORS, Market, market
from tests.support.shell import run
from trial.server import temporal_command


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("reconciled")) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_is_at_work_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a minute after the end, when no activity of the case can be at work."""
    monkeypatch.setattr("aftersale.reconciliation.judgement.QUIET", timedelta())


@pytest.fixture
def kept(place: Market) -> Iterator[Records]:
    with records.open(place.records_url) as opened:
        yield opened


async def terminated(place: Market, kept: Records) -> dict[str, Any]:
    """The request of a return that awaits its merchant by the records, and was terminated by hand."""
    wanted = request()
    await place.cases.open(CaseKind.RETURN, wanted)
    await seen(kept, wanted, State.AWAITING_MERCHANT_REVIEW)
    await place.client.get_workflow_handle(f"case/{wanted['case_id']}").terminate(reason="by mistake")
    return wanted


async def seen(kept: Records, wanted: dict[str, Any], state: State) -> Status:
    """The record of a case as soon as it stands so."""
    async with asyncio.timeout(60):
        while (record := kept.turns.record(wanted["case_id"])) is None or record.state is not state:
            await asyncio.sleep(0.02)
    return record


async def reconciled(place: Market) -> Any:
    """What `aftersale reconcile` answers."""
    return (await run("reconcile", "--json", address=place.address, records_url=place.records_url)).json


async def test_a_terminated_case_is_closed_its_money_free_and_the_platform_told(place: Market, kept: Records) -> None:
    wanted = await terminated(place, kept)
    found = await reconciled(place)
    [each] = [each for each in found["discrepancies"] if each["case_id"] == wanted["case_id"]]
    assert (found["ok"], found["closed"], each["kind"]) == (False, 1, "case_terminated")
    assert "was terminated (by mistake)" in each["says"] and each["command"].startswith("temporal workflow reset")

    listed = await run("list", "--json", address=place.address, records_url=place.records_url)
    assert wanted["case_id"] not in [line["case_id"] for line in listed.json["cases"]]
    record = await seen(kept, wanted, State.CLOSED)
    assert (record.close_reason, record.next.party, record.deadlines) == (CloseReason.TERMINATED, None, ())
    assert record.refund.status is RefundState.NONE
    turns = [written.turn.seq for written in kept.turns.of(wanted["case_id"])]
    assert turns == list(range(1, len(turns) + 1))
    books = kept.ledger.order_books(wanted["order_id"])
    assert books is not None and [line.left_minor for line in books.lines] == [12900]
    assert kept.ledger.check() == []

    alert = await told(place, "platform", "discrepancy", wanted["case_id"])
    assert each["command"] in alert["says"]
    for party in ("buyer", "merchant"):
        assert "异常终止" in (await told(place, party, "case_closed", wanted["case_id"]))["says"]
    again = await reconciled(place)
    assert (again["new"], again["closed"], again["ok"]) == (0, 0, True)
    anew = {**request(), "order_id": wanted["order_id"]}
    assert (await place.cases.open(CaseKind.RETURN, anew)).state is State.AWAITING_MERCHANT_REVIEW


async def told(place: Market, to: str, event: str, case_id: str) -> dict[str, Any]:
    """The message that a party was sent; fails after a minute without it."""
    async with asyncio.timeout(60):
        while True:
            for message in await place.platform.inbox():
                if (message.get("case_id"), message.get("to"), message.get("event")) == (case_id, to, event):
                    return dict(message)
            await asyncio.sleep(0.05)


async def test_a_closed_case_that_the_alert_s_command_resets_goes_on(place: Market, kept: Records) -> None:
    wanted = await terminated(place, kept)
    found = await reconciled(place)
    [each] = [each for each in found["discrepancies"] if each["case_id"] == wanted["case_id"]]
    _, *arguments = shlex.split(each["command"])
    command = [temporal_command(), *arguments, "--address", place.address]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=60)
    await place.act(wanted["case_id"], Approve(actor=ACTORS["merchant"]))
    record = await seen(kept, wanted, State.AWAITING_BUYER_RETURN)
    assert record.close_reason is None and "Closed" not in [entry.event for entry in record.timeline]


async def test_a_namespace_has_one_schedule_however_many_workers_start(place: Market) -> None:
    reconciliations = Reconciliations(place.client)
    assert [await reconciliations.schedule(), await reconciliations.schedule()] == [True, False]
    handle = place.client.get_schedule_handle("reconciliation")
    await handle.trigger()
    async with asyncio.timeout(60):
        while not (await handle.describe()).info.recent_actions:
            await asyncio.sleep(0.1)
    await handle.delete()

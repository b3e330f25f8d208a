"""A turn, before any database has seen it."""

import base64
import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from aftersale import records
from aftersale.case.turn import Turn, digest, reassemble
from aftersale.contract.status import Entry, Status
from aftersale.temporal.plugin import LeanPayloadConverter
from tests.support.drawing import NOW, START, entry, message, status, turn

HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("[HT]-*.json"))


def returned(history: Path) -> Status:
    """What the workflow of a recorded history returned."""
    last = json.loads(history.read_text("utf-8"))["events"][-1]
    payload = last["workflowExecutionCompletedEventAttributes"]["result"]["payloads"][0]
    return Status.model_validate_json(base64.b64decode(payload["data"]))


def in_turns(whole: Status) -> list[Turn]:
    """The turns that a case would have written, two entries each."""
    steps = range(0, max(len(whole.timeline), 1), 2)
    told_by = [whole.model_copy(update={"timeline": whole.timeline[: step + 2]}) for step in steps]
    return [
        Turn.of(then, told=step, seq=number, at=START, run_id="run-1", history_length=10 * number)
        for number, (step, then) in enumerate(zip(steps, told_by, strict=True), 1)
    ]


@pytest.mark.parametrize("history", HISTORIES, ids=lambda path: path.stem)
def test_the_record_of_a_closed_case_is_what_its_workflow_returned(history: Path, copies: Path, tmp_path: Path) -> None:
    whole = returned(history)
    with records.open(f"sqlite:///{shutil.copy(copies, tmp_path)}") as kept:
        for each in in_turns(whole):
            kept.turns.write([each], now=NOW)
        assert kept.turns.record(whole.case_id) == whole


def test_turns_add_up_to_the_status_that_was_cut_into_them() -> None:
    whole = status("C-1", timeline=tuple(entry(f"step {number}") for number in range(7)))
    assert reassemble(in_turns(whole)) == whole
    assert reassemble([]) is None


def test_a_turn_survives_temporals_wire_with_its_digest() -> None:
    plain = turn("C-1", 1, messages=(message("C-1", 1),))
    converter = LeanPayloadConverter()
    [arrived] = converter.from_payloads(converter.to_payloads([plain]), [Turn])
    assert arrived == plain and digest(arrived) == digest(plain)


def test_the_digest_tells_what_a_turn_says_and_not_who_drew_it() -> None:
    plain = turn("C-1", 1)
    assert digest(plain.model_copy(update={"run_id": "another", "history_length": 99})) == digest(plain)
    for change in ({"at": NOW}, {"entries": ()}, {"messages": (message("C-1", 1),)}, {"seq": 2}):
        assert digest(plain.model_copy(update=change)) != digest(plain), change


def test_the_digest_does_not_change_where_a_later_version_knows_another_optional_field() -> None:
    class LaterEntry(Entry):
        weather: str | None = None

    plain = turn("C-1", 1)
    later = tuple(LaterEntry(**dict(each)) for each in plain.entries)
    assert digest(plain.model_copy(update={"entries": later})) == digest(plain)


def test_the_digest_of_a_turn_is_the_same_in_every_release() -> None:
    """A changed one voids turns that are retried across a deployment; do not mend this test, mend the digest."""
    assert digest(turn("C-1", 1, messages=(message("C-1", 1),))) == DIGEST


DIGEST = "2c91a5a643372993192a5113470c1ec487d396495a091158700bba3f612d9c4a"


def test_a_turn_of_two_cases_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"those of case C-1; draw one turn per case"):
        turn("C-1", 1, messages=(message("C-2", 1),))


def test_a_turn_that_repeats_the_timeline_is_refused() -> None:
    with pytest.raises(ValidationError, match="put what the turn added into entries"):
        turn("C-1", 1, timeline=(entry("again"),))


def test_a_message_whose_id_another_case_could_use_is_refused() -> None:
    with pytest.raises(ValidationError, match="message ids must begin with C-1/; rename 77"):
        turn("C-1", 1, messages=(message("C-1", 1).model_copy(update={"message_id": "77"}),))

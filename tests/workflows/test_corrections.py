"""A fact that arrives after a case has ended is on record, undoes nothing, and the platform hears of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from aftersale.case.corrections import CORRECTION, CorrectionTaken
from aftersale.client import Cases
from aftersale.contract.commands import Actor, ParcelEvent, ShipBack
from aftersale.records import Records
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.times import SECOND
from aftersale.vocabulary import CloseReason, MessageEvent, Outcome, Party
from tests.support.cases import BUYER, approved, at, ended, entry, opened, refusal, sent_back, stamp, told
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


@pytest.fixture
def kept(place: Workplace) -> Iterator[Records]:
    with records_of(place) as found:
        yield found


@pytest.fixture
def cases(place: Workplace) -> Cases:
    return Cases(place.client)


async def not_sent_back(place: Workplace) -> Live:
    """A return that closed because nothing was sent back."""
    live = await approved(place, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    assert (await ended(live)).close_reason is CloseReason.NOT_SENT_BACK
    return live


def case_id(live: Live) -> str:
    return live.handle.id.removeprefix("case/")


def shipped(when: str, buyer: str = "B-5") -> ShipBack:
    """The buyer's sending, as a back end received it."""
    return ShipBack(actor=Actor(party=Party.BUYER, id=buyer), carrier="sf", tracking_no="SF1", occurred_at=at(when))


def scan(when: str, event: str = "signed_for", event_id: str = "late") -> ParcelEvent:
    """A carrier's scan of what came back."""
    given = {"event_id": event_id, "leg": "return", "tracking_no": "SF1", "event": event, "occurred_at": at(when)}
    return ParcelEvent.model_validate(given)


async def test_a_sending_in_time_that_is_reported_after_the_end_goes_to_the_platform(
    place: Workplace, cases: Cases, kept: Records, stand_in: StandIn
) -> None:
    live = await not_sent_back(place)
    status = await cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="late-1")
    line = entry(status, "CorrectionRequested")
    assert (line.at, line.by, line.late_report) == (at("2024-06-10 10:00:00"), "buyer", True)
    assert "ship_back" in line.says.replace(" ", "_")
    assert "was reported after the case had ended" in line.says
    assert status.close_reason is CloseReason.NOT_SENT_BACK, "nothing is undone"
    assert (await told(stand_in, live, "platform", MessageEvent.CORRECTION_REQUESTED))["says"] == line.says
    recorded = kept.turns.record(case_id(live))
    assert recorded is not None
    assert (recorded.timeline[-1], recorded.model_copy(update={"timeline": (line,)})) == (line, status)
    assert [written.turn.seq for written in kept.turns.of(case_id(live))][-1] == len(kept.turns.of(case_id(live)))


async def test_the_same_fact_is_taken_once(place: Workplace, cases: Cases, kept: Records) -> None:
    live = await not_sent_back(place)
    for _ in range(3):
        await cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="late-1")
    await cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="late-2")
    recorded = kept.turns.record(case_id(live))
    assert recorded is not None
    assert [each.event for each in recorded.timeline].count("CorrectionRequested") == 2


def corrections(kept: Records, live: Live) -> int:
    recorded = kept.turns.record(case_id(live))
    assert recorded is not None
    return [each.event for each in recorded.timeline].count("CorrectionRequested")


async def test_an_id_under_which_a_fact_was_told_late_is_refused_for_another(
    place: Workplace, cases: Cases, kept: Records
) -> None:
    live = await not_sent_back(place)
    first = await cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="late-1")
    again = await cases.act(case_id(live), shipped("2024-06-10 09:00:00"), request_id="late-1")
    assert again == first, "a repeat may be stamped anew"
    other = shipped("2024-06-10 10:00:00").model_copy(update={"tracking_no": "SF2"})
    refused = await refusal(cases.act(case_id(live), other, request_id="late-1"))
    assert refused.code == "idempotency_conflict"
    assert str(refused).startswith("request_id: late-1 ")
    await cases.scan(case_id(live), scan("2024-06-20 10:00:00", event_id="scan-1"))
    refused = await refusal(cases.scan(case_id(live), scan("2024-06-21 10:00:00", event_id="scan-1")))
    assert refused.code == "idempotency_conflict"
    assert str(refused).startswith("event_id: scan-1 ")
    assert corrections(kept, live) == 2


async def test_an_id_that_the_case_took_before_its_end_is_refused_for_another_fact(
    place: Workplace, cases: Cases, kept: Records
) -> None:
    live = await opened(place, JUNE)
    approval = {"actor": {"party": "merchant", "id": "M-7"}, "occurred_at": stamp(JUNE)}
    await live.update("approve", {**approval, "request_id": "yes"})
    await live.until(at("2024-06-10 10:00:02"))
    await ended(live)
    refused = await refusal(cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="yes"))
    assert refused.code == "idempotency_conflict"
    assert corrections(kept, live) == 0


async def test_a_command_that_is_told_again_after_the_end_by_any_sdk_adds_nothing(
    place: Workplace, cases: Cases, kept: Records
) -> None:
    live = await opened(place, JUNE)
    approval = {"actor": {"party": "merchant", "id": "M-7"}, "occurred_at": stamp(JUNE)}
    approving = await live.update("approve", {**approval, "request_id": "yes"})
    await live.until(at("2024-06-10 10:00:02"))
    await ended(live)
    fact = {"case_id": case_id(live), "event_id": "yes", "fact": "approve", "given": approval}
    handle = await place.client.start_workflow(
        CORRECTION, fact, id=f"correction/{case_id(live)}/yes", task_queue=TASK_QUEUE, result_type=CorrectionTaken
    )
    assert (await handle.result()).entry == entry(approving, "Approved")
    refused = await refusal(cases.act(case_id(live), shipped("2024-06-10 10:00:00"), request_id="yes"))
    assert refused.code == "idempotency_conflict"
    assert corrections(kept, live) == 0


async def test_what_happened_in_the_second_of_the_end_or_later_is_refused(place: Workplace, cases: Cases) -> None:
    live = await not_sent_back(place)
    over = (await ended(live)).timeline[-1].recorded_at
    act = shipped(JUNE)
    said = str(await refusal(cases.act(case_id(live), act.model_copy(update={"occurred_at": over}))))
    assert "is over (closed 已关闭); legal now: nothing, the case is final" in said
    assert (await cases.act(case_id(live), act.model_copy(update={"occurred_at": over - SECOND}))).is_final


async def test_goods_that_come_back_after_the_end_are_told_whenever_that_is(
    place: Workplace, cases: Cases, stand_in: StandIn
) -> None:
    live = await not_sent_back(place)
    await cases.scan(case_id(live), scan("2024-06-20 10:00:00"))
    message = await told(stand_in, live, "platform", MessageEvent.CORRECTION_REQUESTED)
    assert message["says"].startswith("return parcel: signed_for at 2024-06-20")
    said = str(await refusal(cases.scan(case_id(live), scan("2024-06-20 10:00:00", "hub", "on-the-way"))))
    assert "the case is final" in said


async def test_nobody_s_silence_pays_twice_when_the_goods_are_reported_after_the_refund(
    place: Workplace, cases: Cases, kept: Records
) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    final = await ended(live)
    assert final.outcome is Outcome.REFUNDED
    await cases.scan(case_id(live), scan("2024-06-10 09:00:00"))
    recorded = kept.turns.record(case_id(live))
    assert recorded is not None
    assert entry(recorded, "CorrectionRequested").by == "carrier"
    assert recorded.refund == final.refund


async def test_another_buyer_s_fact_is_refused(place: Workplace, cases: Cases) -> None:
    live = await not_sent_back(place)
    said = str(await refusal(cases.act(case_id(live), shipped("2024-06-10 10:00:00", "B-6"))))
    assert "given.actor.id: is not this case's buyer; send the buyer's own reference" in said


@pytest.mark.parametrize(
    ("fact", "workflow_id", "said"),
    [
        ({}, "correction/C/e", "'case_id'"),
        ({"case_id": "C", "event_id": "e", "fact": "dance", "given": {}}, "correction/C/e", "fact"),
        (
            {"case_id": "C", "event_id": "e", "fact": "withdraw", "given": {}},
            "correction/C/f",
            "does not fit the workflow id",
        ),
        ({"case_id": "C", "event_id": "e", "fact": "withdraw", "given": {}}, "correction/C/e", "no case that the rec"),
        (None, "correction/none", "must be a JSON object with case_id"),
    ],
)
async def test_any_sdk_may_send_a_late_fact_and_learns_what_is_wrong_with_it(
    place: Workplace, fact: Any, workflow_id: str, said: str
) -> None:
    handle = await place.client.start_workflow(CORRECTION, fact, id=workflow_id, task_queue=TASK_QUEUE)
    answer = await handle.result()
    assert said in str(answer["problems"])
    assert answer.get("entry") is None


async def test_a_fact_of_a_case_that_runs_belongs_to_the_case(place: Workplace) -> None:
    live = await opened(place, JUNE)
    given = {"actor": {"party": BUYER[0], "id": BUYER[1]}, "occurred_at": stamp(JUNE)}
    fact = {"case_id": case_id(live), "event_id": "e", "fact": "withdraw", "given": given}
    handle = await place.client.start_workflow(
        CORRECTION, fact, id=f"correction/{case_id(live)}/e", task_queue=TASK_QUEUE
    )
    assert "is of a case that is still open; send it to the case itself" in str((await handle.result())["problems"])

"""The records have every turn of a case once, in order, whoever asks for it and whenever."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete

from aftersale.contract.status import Status
from aftersale.records import Records
from aftersale.records.database import engine, parse_url
from aftersale.records.tables import turns
from aftersale.vocabulary import CaseKind, CloseReason, MessageEvent, Outcome, Party, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    approved,
    at,
    ended,
    opened,
    quiet,
    refused,
    request,
    sent_back,
    sign_off,
    told,
)
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

RETURN = CaseKind.RETURN
JUNE = "2024-06-03 10:00:00"


@pytest.fixture(name="kept")
def kept_records(place: Workplace) -> Iterator[Records]:
    with records_of(place) as opened_records:
        yield opened_records


def case_id(live: Live) -> str:
    return live.handle.id.removeprefix("case/")


async def recorded(kept: Records, live: Live) -> Status | None:
    """The case's record, once nothing of the case is in hand."""
    await quiet(live)
    return kept.turns.record(case_id(live))


async def test_at_every_rest_the_record_is_the_status(place: Workplace, kept: Records) -> None:
    live = await opened(place, JUNE)
    for command, who, given in (
        ("approve", MERCHANT, {}),
        ("hold", PLATFORM, {"note": "a question"}),
        ("resume", PLATFORM, {}),
        ("ship_back", BUYER, {"carrier": "sf", "tracking_no": "SF1"}),
    ):
        await live.act(command, *who, **given)
        assert await recorded(kept, live) == await live.status()
    status = await sign_off(live, JUNE.replace("10:00", "10:01"))
    assert await recorded(kept, live) == status
    await live.act("confirm_receipt", *MERCHANT)
    final = await ended(live)
    assert final.outcome is Outcome.REFUNDED
    assert kept.turns.record(case_id(live)) == final


async def test_turns_are_numbered_without_a_gap_and_hold_each_entry_once(place: Workplace, kept: Records) -> None:
    live = await sent_back(place, JUNE)
    await live.until(at("2024-06-10 10:00:02"))
    final = await ended(live)
    written = kept.turns.of(case_id(live), void=True)
    assert [each.turn.seq for each in written] == list(range(1, len(written) + 1))
    assert [len(each.turn.entries) > 0 for each in written] == [True] * len(written)
    assert tuple(entry for each in written for entry in each.turn.entries) == final.timeline
    assert {each.turn.subject.merchant_id for each in written if each.turn.subject} == {"M-7"}


async def test_a_look_at_a_case_writes_no_turn(place: Workplace, kept: Records) -> None:
    live = await approved(place, JUNE)
    before = len(kept.turns.of(case_id(live)))
    await live.when_settled()
    await live.status()
    await live.scan("SF1", "hub", at(JUNE), "scan-1")
    await live.scan("SF1", "hub", at(JUNE), "scan-1")
    await quiet(live)
    assert len(kept.turns.of(case_id(live))) == before + 1, "the first scan is news, its repeat is not"


async def test_a_refused_request_leaves_a_record_of_why(place: Workplace, kept: Records) -> None:
    live = await opened(place, JUNE, claim_type="fresh_damage")
    final = await refused(live)
    record = kept.turns.record(case_id(live))
    assert record == final
    assert record.close_reason is CloseReason.REFUSED
    assert "claim_type" in str(record.problems)


async def test_a_request_under_another_s_id_leaves_that_one_s_record_alone(place: Workplace, kept: Records) -> None:
    mine = await approved(place, JUNE)
    before = kept.turns.of(case_id(mine), void=True)
    intruder = request(case_id=case_id(mine))
    await refused(await place.start(RETURN, intruder, at(JUNE), workflow_id=f"case/not-{case_id(mine)}"))
    assert kept.turns.of(case_id(mine), void=True) == before
    assert kept.turns.record(f"not-{case_id(mine)}") is None


async def test_a_refused_request_under_a_used_id_leaves_the_record_of_its_case_alone(
    place: Workplace, kept: Records
) -> None:
    wanted = request()
    first = await place.open(RETURN, wanted, at(JUNE))
    await first.act("withdraw", *BUYER)
    final = await ended(first)
    before = kept.turns.of(final.case_id, void=True)
    late = {**wanted, "requested_at": "2024-06-03T10:00:00+08:00"}
    for again in (late, {"case_id": wanted["case_id"]}):
        await refused(await place.start(RETURN, again, at("2024-07-10 10:00:00")))
    assert kept.turns.of(final.case_id, void=True) == before
    assert kept.turns.record(final.case_id) == final


async def test_records_restored_from_a_backup_get_back_what_they_lost(place: Workplace, kept: Records) -> None:
    live = await sent_back(place, JUNE)
    await quiet(live)
    lost = engine(parse_url(place.settings.records_url))
    with lost.begin() as connection:
        connection.execute(delete(turns).where(turns.c.case_id == case_id(live), turns.c.seq > 1))
    lost.dispose()
    assert len(kept.turns.of(case_id(live))) == 1
    await live.act("withdraw", *BUYER)
    assert kept.turns.record(case_id(live)) == await ended(live)


async def test_the_list_by_urgency_shows_the_case_as_it_stands(place: Workplace, kept: Records) -> None:
    live = await opened(place, JUNE, merchant_id="M-listed")
    await quiet(live)
    (line,) = kept.cases.find(merchant="M-listed")
    assert (line.case_id, line.state, line.party) == (case_id(live), State.AWAITING_MERCHANT_REVIEW, Party.MERCHANT)
    assert line.respond_by == at("2024-06-05 10:00:00")
    await live.act("approve", "merchant", "M-listed")
    await quiet(live)
    (line,) = kept.cases.find(merchant="M-listed")
    assert (line.state, line.party) == (State.AWAITING_BUYER_RETURN, Party.BUYER)


# What parties are told


async def test_each_turn_s_messages_reach_their_parties(place: Workplace, stand_in: StandIn) -> None:
    live = await approved(place, JUNE)
    asked = await told(stand_in, live, "merchant", MessageEvent.MOVE_AWAITED)
    assert (asked["state"], asked["respond_by"]) == ("awaiting_merchant_review", "2024-06-05T10:00:00+08:00")
    asked = await told(stand_in, live, "buyer", MessageEvent.MOVE_AWAITED)
    assert (asked["state"], asked["recipient"]) == ("awaiting_buyer_return", "B-5")


async def test_who_is_silent_is_reminded_before_the_silence_takes_effect(place: Workplace, stand_in: StandIn) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-04 22:00:00"))
    reminder = await told(stand_in, live, "merchant", MessageEvent.REMINDER)
    assert (reminder["respond_by"], reminder["on_timeout"]) == ("2024-06-05T10:00:00+08:00", "auto_approve")
    assert [entry.at for entry in (await live.status()).timeline if entry.event == "Reminded"] == [
        at("2024-06-04 22:00:00")
    ]
    await live.until(at("2024-06-05 10:00:02"))
    assert (await live.when_settled()).state is State.AWAITING_BUYER_RETURN

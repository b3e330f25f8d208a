"""Quotas: each party may give so much of what repeats, is refused by name beyond, and nobody else is touched (R32)."""

from typing import Any

import pytest

from aftersale import bounds
from aftersale.contract.quotas import Quotas
from aftersale.vocabulary import Command, Outcome, Party, State, WatchCommand
from tests.support.cases import BUYER, MERCHANT, PLATFORM, at, ended, entries, opened, refusal, ship_back
from tests.support.shipments import paid
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
PICTURE = {"uri": "oss://a.jpg"}


async def give(live: Live, times: int, command: str, *who: str, **given: Any) -> None:
    """A party gives a command so many times."""
    for _ in range(times):
        await live.act(command, *who, **given)


async def test_a_party_adds_evidence_fifty_times_and_the_others_are_not_touched(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await give(live, bounds.EVIDENCE_GIVEN, "add_evidence", *MERCHANT, evidence=[PICTURE])
    assert Command.ADD_EVIDENCE not in (await live.status()).next.commands
    refused = await refusal(live.act("add_evidence", *MERCHANT, evidence=[PICTURE]))
    assert refused.code == "illegal_move"
    assert "the merchant has used up its 50 add_evidence; legal now: approve, reject, offer" in str(refused)
    await live.act("add_evidence", *BUYER, evidence=[PICTURE])
    await live.act("approve", *MERCHANT)
    assert len(entries(await live.status(), "EvidenceAdded")) == bounds.EVIDENCE_GIVEN + 1


async def test_pieces_of_evidence_are_counted_over_all_that_a_party_adds(place: Workplace) -> None:
    live = await opened(place, JUNE)
    most = bounds.PIECES // bounds.EVIDENCE
    await give(live, most - 1, "add_evidence", *BUYER, evidence=[PICTURE] * bounds.EVIDENCE)
    await live.act("add_evidence", *BUYER, evidence=[PICTURE])
    refused = await refusal(live.act("add_evidence", *BUYER, evidence=[PICTURE] * bounds.EVIDENCE))
    assert (refused.code, "evidence: has more than the 49 pieces that the buyer may still add" in str(refused)) == (
        "bad_input",
        True,
    )
    await live.act("add_evidence", *BUYER, evidence=[PICTURE] * 49)
    refused = await refusal(live.act("add_evidence", *BUYER, evidence=[PICTURE]))
    assert "the buyer has used up its 200 pieces of evidence" in str(refused)


async def test_a_party_that_names_limits_for_ever_is_refused_and_the_case_goes_on(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await give(live, bounds.GIVEN, "agree_limit", *MERCHANT, clock="merchant_review", limit="P3D")
    refused = await refusal(live.act("agree_limit", *MERCHANT, clock="merchant_review", limit="P3D"))
    assert "the merchant has used up its 30 agree_limit" in str(refused)
    await live.act("agree_limit", *BUYER, clock="merchant_review", limit="P3D")
    await live.until(at("2024-06-06 10:00:02"))
    assert (await live.when_settled()).state is State.AWAITING_BUYER_RETURN, "its silence counts as ever"
    await ship_back(live, "2024-06-06 10:00:02")
    await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED


async def test_holds_are_counted_and_the_last_of_them_can_be_ended(place: Workplace) -> None:
    live = await opened(place, JUNE)
    for _ in range(bounds.GIVEN):
        await live.act("hold", *PLATFORM)
        await live.act("resume", *PLATFORM)
    refused = await refusal(live.act("hold", *PLATFORM))
    assert "the platform has used up its 30 hold" in str(refused)
    assert (await live.act("withdraw", *BUYER)).is_final


async def test_a_request_is_amended_ten_times_and_may_then_be_disputed(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("reject", *MERCHANT, reason_code="used")
    for _ in range(bounds.AMENDMENTS):
        if (await live.act("amend", *BUYER, reason_code="broken")).state is State.AWAITING_MERCHANT_REVIEW:
            await live.act("reject", *MERCHANT, reason_code="used")
    refused = await refusal(live.act("amend", *BUYER, reason_code="broken"))
    assert "the buyer has used up its 10 amend; legal now: escalate, withdraw" in str(refused)
    assert (await live.act("escalate", *BUYER, reason_code="unfair")).state is State.IN_ARBITRATION


async def test_what_comes_late_again_and_again_is_noted_so_often_for_each_party(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-05 10:00:02"))
    late = {"reason_code": "used", "occurred_at": "2024-06-04T10:00:00"}
    await give(live, bounds.CORRECTIONS, "reject", *MERCHANT, **late)
    refused = await refusal(live.act("reject", *MERCHANT, **late))
    assert "reject is too late, and the merchant has used up its 20 acts from stages that are over" in str(refused)
    await live.act("add_evidence", *BUYER, evidence=[PICTURE], occurred_at="2024-06-04T10:00:00")
    assert len(entries(await live.status(), "CorrectionRequested")) == bounds.CORRECTIONS + 1
    assert (await ship_back(live, "2024-06-05 10:00:02")).state is State.AWAITING_MERCHANT_RECEIPT


async def test_a_merchant_that_sets_delays_for_ever_is_refused_and_its_parcels_are_clicked(place: Workplace) -> None:
    live = await paid(place, JUNE)
    for _ in range(bounds.DELAYS):
        await live.act("set_delay", *MERCHANT, limit="P3D")
    refused = await refusal(live.act("set_delay", *MERCHANT, limit="P3D"))
    assert (refused.code, "the merchant has used up its 10 set_delay" in str(refused)) == ("illegal_move", True)
    assert (await live.act("click", *MERCHANT, carrier="sf", tracking_no="SF1")).dispatched_at == at(JUNE)


async def test_a_case_that_is_opened_again_and_again_says_in_the_end_to_ask_its_status(place: Workplace) -> None:
    live = await opened(place, JUNE)
    for _ in range(bounds.OPENINGS - 1):
        assert (await live.update("open", {})).timeline == ()
    refused = await refusal(live.update("open", {}))
    assert (refused.code, "ask the query status" in str(refused)) == ("already_open", True)
    assert (await live.act("approve", *MERCHANT)).state is State.AWAITING_BUYER_RETURN


async def test_a_repeat_is_answered_alike_so_often_and_its_party_asks_the_status_then(place: Workplace) -> None:
    live = await opened(place, JUNE)
    first = await live.act("add_evidence", *BUYER, evidence=[PICTURE], request_id="picture")
    for _ in range(bounds.REPEATS):
        assert await live.act("add_evidence", *BUYER, evidence=[PICTURE], request_id="picture") == first
    refused = await refusal(live.act("add_evidence", *BUYER, evidence=[PICTURE], request_id="picture"))
    assert refused.code == "already_taken"
    said = "picture (add_evidence) was taken, and the buyer has used up its 10 repeats of what was taken; ask the query"
    assert said in str(refused)
    approval = await live.act("approve", *MERCHANT, request_id="yes")
    assert await live.act("approve", *MERCHANT, request_id="yes") == approval, "the merchant has its own"
    assert len(entries(await live.status(), "EvidenceAdded")) == 1


async def test_what_a_quota_refuses_leaves_its_request_id_free(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await give(live, bounds.GIVEN, "agree_limit", *BUYER, clock="merchant_review", limit="P3D")
    limit = {"clock": "merchant_review", "limit": "P3D", "request_id": "last"}
    assert (await refusal(live.act("agree_limit", *BUYER, **limit))).code == "illegal_move"
    assert (await live.act("withdraw", *BUYER, request_id="last")).is_final


async def test_an_answer_has_the_lines_that_its_command_added_and_the_query_all(place: Workplace) -> None:
    live = await opened(place, JUNE)
    before = (await live.status()).timeline
    answer = await live.act("approve", *MERCHANT)
    assert [line.event for line in answer.timeline] == ["Approved", "DeadlineSet"]
    assert (await live.status()).timeline == (*before, *answer.timeline)


REPEATING = [Command.ADD_EVIDENCE, Command.AGREE_LIMIT, Command.AMEND, Command.HOLD, WatchCommand.SET_DELAY]


@pytest.mark.parametrize("command", REPEATING)
def test_what_repeats_is_refused_once_the_history_is_full(command: Command | WatchCommand) -> None:
    quotas = Quotas()
    quotas.note_history(bounds.HISTORY_BYTES - 1)
    assert quotas.used_up(Party.BUYER, command) is None
    quotas.note_history(bounds.HISTORY_BYTES)
    said = f"the history is full (8000000 bytes of 8000000), and takes no more {command}"
    assert quotas.used_up(Party.BUYER, command) == said


@pytest.mark.parametrize("command", REPEATING)
def test_what_repeats_is_refused_to_the_party_that_has_filled_its_part_of_the_timeline(
    command: Command | WatchCommand,
) -> None:
    quotas = Quotas()
    quotas.note_line("merchant", bounds.PARTY_BYTES)
    assert quotas.used_up(Party.BUYER, command) is None
    said = f"the merchant has filled its part of the timeline, 250000 bytes, so no more {command}"
    assert quotas.used_up(Party.MERCHANT, command) == said


@pytest.mark.parametrize("command", sorted(set(Command) - {*REPEATING}))
def test_what_moves_a_case_on_is_never_refused_for_what_its_history_holds(command: Command) -> None:
    quotas = Quotas()
    quotas.note_history(10 * bounds.HISTORY_BYTES)
    quotas.note_line("buyer", 10 * bounds.PARTY_BYTES)
    assert quotas.used_up(Party.BUYER, command) is None

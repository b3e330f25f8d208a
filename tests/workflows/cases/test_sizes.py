"""Every field and every count at its limit at once: a case takes all of it, stays below every size, and is finished."""

import json
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

from aftersale import bounds
from aftersale.contract.status import Status
from aftersale.times import local
from aftersale.vocabulary import CaseKind, Outcome, State
from tests.support.cases import at, ended, refusal, request, seen
from tests.support.filling import CODE, LONG, NOTE, PICTURES, full_evidence, full_request, items, reference
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

MOST = {"answer": 500_000, "status": 1_000_000, "history": 10_000_000}
"""Bytes. The server takes no payload over 2 MB, and no history over 50."""

MERCHANT, BUYER = ("merchant", reference("M-7")), ("buyer", reference("B-5"))
PLATFORM = ("platform", reference("officer-3"))
PARTIES = (MERCHANT, BUYER, PLATFORM)


@dataclass
class Filled:
    """A case that is filled; the largest answer is kept."""

    live: Live
    answer: int = 0

    async def give(self, command: str, who: tuple[str, str], **given: Any) -> Status:
        """Give a command that is taken."""
        status = await self.live.act(command, *who, **given)
        self.answer = max(self.answer, _size(status))
        return status

    async def refused(self, command: str, who: tuple[str, str], **given: Any) -> None:
        """Give a command for which the party has no quota left."""
        refused = await refusal(self.live.act(command, *who, **given))
        assert f"the {who[0]} has used up its" in str(refused), refused


async def test_a_case_that_is_filled_to_every_limit_is_finished(place: Workplace, stand_in: StandIn) -> None:
    asked = full_request("C-FULL", request()["order"])
    assert len(json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()) > 0.99 * bounds.REQUEST_BYTES
    case = Filled(await place.open(CaseKind.RETURN, asked, at("2024-06-03 10:00:00")))
    await _fill_what_all_may_give(case)
    await case.live.until(at("2024-06-05 10:00:05"))
    await _fill_corrections(case)
    await case.give("ship_back", BUYER, carrier=CODE, tracking_no=reference("SF1"), handover_method=CODE)
    await _fill_scans(case.live)
    await case.give("refuse_receipt", MERCHANT, reason_code=CODE, evidence=PICTURES)
    await _fill_amendments(case)
    await case.give("escalate", BUYER, reason_code=CODE, note=NOTE)
    await _fill_retries(case, stand_in)
    final = await ended(case.live)
    assert final.outcome is Outcome.REFUNDED
    found = {"answer": case.answer, "status": _size(final), "history": await _history(case.live)}
    assert all(found[name] <= most for name, most in MOST.items()), found
    assert found["history"] >= bounds.HISTORY_BYTES, f"not all of it was as large as it may be: {found}"


async def test_a_request_beyond_its_size_is_refused_and_says_how_to_mend_it(place: Workplace) -> None:
    asked = full_request("C-BIG", request()["order"])
    live = await place.open(CaseKind.RETURN, {**asked, "evidence": PICTURES}, at("2024-06-03 10:00:00"))
    (problem,) = (await ended(live)).problems
    assert problem.field == "request"
    assert problem.message.endswith("bytes as JSON; send at most 200000: fewer lines, tenders or words")


async def _fill_what_all_may_give(case: Filled) -> None:
    for _ in range(bounds.GIVEN):
        await case.give("hold", PLATFORM, note=NOTE)
        await case.give("resume", PLATFORM)
    await case.refused("hold", PLATFORM)
    for who in PARTIES:
        for number, pieces in enumerate(full_evidence()):
            await case.give("add_evidence", who, evidence=pieces, request_id=_key(who, number))
        await case.refused("add_evidence", who, evidence=PICTURES[:1])
        limits = cycle(["P2D", "PT48H1S"])
        for _ in range(bounds.GIVEN):
            await case.give("agree_limit", who, clock="merchant_review", limit=next(limits))
        await _fill_repeats(case, who)
        await case.refused("agree_limit", who, clock="merchant_review", limit="P2D")


async def _fill_repeats(case: Filled, who: tuple[str, str]) -> None:
    """Repeat what is small to the last time but one, and then what is as large as may be."""
    small: dict[str, Any] = {"evidence": PICTURES[:1], "request_id": _key(who, bounds.EVIDENCE_GIVEN - 1)}
    for _ in range(bounds.REPEATS - 1):
        await case.give("add_evidence", who, **small)
    await case.give("add_evidence", who, evidence=PICTURES, request_id=_key(who, 0))
    refused = await refusal(case.live.act("add_evidence", *who, **small))
    assert refused.code == "already_taken", refused


def _key(who: tuple[str, str], number: int) -> str:
    return f"{who[0]}-{number}"


async def _fill_corrections(case: Filled) -> None:
    late = {"clock": "merchant_review", "limit": "P2D", "occurred_at": "2024-06-04T10:00:00"}
    for who in PARTIES:
        for _ in range(bounds.CORRECTIONS):
            await case.give("agree_limit", who, **late)
        await case.refused("agree_limit", who, **late)


async def _fill_amendments(case: Filled) -> None:
    for _ in range(bounds.AMENDMENTS):
        if (await case.give("amend", BUYER, items=items(), reason_code=CODE)).state is State.AWAITING_MERCHANT_REVIEW:
            await case.give("reject", MERCHANT, reason_code=CODE, note=NOTE)
    await case.refused("amend", BUYER, reason_code=CODE)


async def _fill_scans(live: Live) -> None:
    when = local(at("2024-06-03 10:00:00"))
    scan = {"leg": "return", "tracking_no": reference("SF1"), "event": "hub", "occurred_at": when, "text": NOTE}
    for number in range(bounds.SCANS + 1):
        await live.handle.signal("parcel_event", {"event_id": reference(f"scan-{number}"), **scan})
    for number in range(bounds.REFUSED_SIGNALS + 1):
        await live.handle.signal("parcel_event", {f"{LONG * 60}{field}": number for field in range(bounds.PROBLEMS)})
    await live.when_settled()


async def _fill_retries(case: Filled, stand_in: StandIn) -> None:
    times = bounds.RETRIES
    await stand_in.arm("decline", key=case.live.handle.id, reason=LONG * 2 * bounds.REASON, times=times)
    lines = [{"order_line_id": item["order_line_id"], "amount_minor": 10**12} for item in items()]
    await case.give("rule", PLATFORM, outcome="refund", liability="merchant", lines=lines, note=NOTE)
    for number in range(bounds.RETRIES):
        await seen(case.live, partial(_is_declined, times=number + 1))
        await case.give("retry_refund", PLATFORM, tender=CODE)


def _is_declined(status: Status, times: int) -> bool:
    return sum(each.status == "failed" for each in status.refund.instructions) == times


def _size(status: Status) -> int:
    return len(status.model_dump_json().encode())


async def _history(live: Live) -> int:
    return int((await live.handle.describe()).raw_description.workflow_execution_info.history_size_bytes)

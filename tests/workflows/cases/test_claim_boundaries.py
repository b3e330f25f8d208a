"""Guarantee claims to the second: filed, decided, sent back and taken in on the last instant in time, and one later."""

import json
from datetime import timedelta
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from aftersale.client import Refusal
from aftersale.contract.request import CaseRequest
from aftersale.policy.explain import explain_bytes
from aftersale.temporal.plugin import plugin
from aftersale.times import SECOND, local
from aftersale.vocabulary import CaseKind, CloseReason, Outcome, Party, State
from tests.support.books import BOOK
from tests.support.cases import at, ended, entries, entry, refused, request, seen, yuan
from tests.support.claim_waits import CLAIM_WAITS, ClaimWait, awaited
from tests.support.claims import FRESH, JUNE, RASH, asked, decide, filed
from tests.support.offers import no_reason_problems
from tests.support.platform_fixtures import StandIn
from tests.support.steps import REFUSE_CLAIM
from tests.support.waits import stands
from trial.environment import Workplace
from trial.virtual_time import CalendarRunner, Leap
from worker import WORKFLOWS

REPLAYER = Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner())])
"""What a calendar leapt it leaps again."""

# Filed


@pytest.mark.parametrize(
    ("claimed", "clause", "last"),
    [
        (FRESH, "S4", "2024-06-03 18:00:00"),
        (RASH, "S5", "2024-08-01 18:00:00"),
    ],
    ids=["fresh goods, 24 hours", "cosmetics, sixty days of 24 hours"],
)
class TestTheWindowOfAClaim:
    """Counted from the carrier's sign-off of 2024-06-02 18:00:00, its end included."""

    async def test_is_open_to_its_last_instant(
        self, place: Workplace, claimed: dict[str, Any], clause: str, last: str
    ) -> None:
        live = await place.open(CaseKind.CLAIM, request(**claimed), at(last) + timedelta(milliseconds=999))
        assert (await live.status()).state is State.AWAITING_CLAIM_REVIEW

    async def test_is_over_a_second_later(
        self, place: Workplace, claimed: dict[str, Any], clause: str, last: str
    ) -> None:
        live = await place.open(CaseKind.CLAIM, request(**claimed), at(last) + SECOND)
        (problem,) = (await refused(live)).problems
        assert (problem.code, f"ended at {local(at(last))}" in str(problem)) == ("too_late", True)

    @pytest.mark.parametrize(("late", "closed"), [(0, None), (1, CloseReason.REFUSED)])
    async def test_counts_when_it_was_filed_and_not_when_it_came_in(
        self, place: Workplace, claimed: dict[str, Any], clause: str, last: str, late: int, closed: CloseReason | None
    ) -> None:
        filing = local(at(last) + late * SECOND)
        live = await place.open(CaseKind.CLAIM, request(**claimed, requested_at=filing), at(last) + timedelta(hours=23))
        assert (await live.status()).close_reason is closed

    async def test_is_what_the_book_explains(
        self, place: Workplace, claimed: dict[str, Any], clause: str, last: str
    ) -> None:
        clock = f"{claimed['claim_type']}_window"
        answer = explained(clock, kind="claim", started_at=claimed["order"]["signed_for_at"])
        assert (answer["due_at"], answer["exclusive"], answer["rules"]) == (local(at(last)), False, (clause,))


# Decided, sent back, taken in


SELDOM = {"withdrawal", "review by the merchant in the festival", "review by the platform, which declines"}
"""What others of its sort show as well; the soak plays all."""


def _params() -> list[Any]:
    marks = {name: [pytest.mark.soak] if name in SELDOM else [] for name in CLAIM_WAITS}
    return [pytest.param(wait, id=name, marks=marks[name]) for name, wait in CLAIM_WAITS.items()]


@pytest.fixture(params=_params())
def wait(request: pytest.FixtureRequest) -> ClaimWait:
    found = request.param
    assert isinstance(found, ClaimWait)
    return found


async def test_an_act_on_the_last_second_is_in_time(place: Workplace, wait: ClaimWait) -> None:
    live = await wait.begun(place)
    await live.until(wait.due - 2 * SECOND)  # as far ahead as a caller's clock may run: a slow machine fails no test
    await wait.act.take(live, wait.due)
    status = await stands(live, wait.leads_to)
    assert (wait.lapses(status), awaited(status)) == ([], wait.heard)


async def test_silence_takes_effect_one_second_after_the_last_and_an_act_of_then_meets_it(
    place: Workplace, wait: ClaimWait
) -> None:
    live = await wait.begun(place)
    await live.until(wait.lapse + SECOND)
    await seen(live, lambda status: bool(wait.lapses(status)))
    status = await stands(live, wait.silence)
    (lapse,) = wait.lapses(status)
    assert (lapse.by, lapse.clock, awaited(status)) == ("timer", wait.stands[1], wait.unheard)
    assert lapse.recorded_at >= wait.lapse, "not on the last second itself"
    try:
        await wait.act.take(live, wait.lapse)
    except Refusal as refusal:
        assert (refusal.code, wait.late) == ("illegal_move", None), refusal
    except RPCError as error:
        assert (error.status, wait.unheard) == (RPCStatusCode.NOT_FOUND, None), error
    status = await stands(live, wait.late or wait.silence)
    assert len(wait.lapses(status)) == 1


# Decided by the approvals service


@pytest.mark.parametrize(("late", "by"), [(0, Party.MERCHANT), (1, Party.PLATFORM)])
async def test_the_service_s_answer_is_the_merchant_s_to_the_last_second_and_then_the_platform_s(
    place: Workplace, stand_in: StandIn, late: int, by: Party
) -> None:
    case_id, due = f"C-merchant-{late}", at("2024-06-05 10:00:00")
    await decide(stand_in, f"{case_id}/claim", "approve", amount=yuan(4000))
    live = await filed(place, case_id=case_id, leap=Leap(2, due + late * SECOND))
    final = await ended(live)
    decided = entry(final, "ClaimDecided")
    assert (decided.by, decided.at > due) == (by, bool(late))
    assert [lapse.at for lapse in entries(final, "Lapsed")] == [due + SECOND] * late
    assert await asked(stand_in, live) == {"merchant": 1, **({"platform": 1} if late else {})}
    await REPLAYER.replay_workflow(await live.handle.fetch_history())
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 4000)


@pytest.mark.parametrize("late", [0, 1])
async def test_the_service_s_answer_for_the_platform_counts_after_its_last_second_but_an_officer_was_called(
    place: Workplace, stand_in: StandIn, late: int
) -> None:
    case_id, due = f"C-platform-{late}", at("2024-06-06 10:00:00")
    await decide(stand_in, f"{case_id}/claim/platform", "approve", amount=yuan(4000))
    live = await filed(place, case_id=case_id, leap=Leap(3, due + late * SECOND))
    await seen(live, lambda status: bool(entries(status, "ApprovalPending")))
    await REFUSE_CLAIM.take(live, at(JUNE))
    final = await ended(live)
    assert [(each.by, each.at > due) for each in entries(final, "ClaimDecided")] == [
        (Party.MERCHANT, False),
        (Party.PLATFORM, bool(late)),
    ]
    assert [(each.event, each.at) for each in final.timeline if each.event in {"Lapsed", "Alert"}] == [
        ("Lapsed", due + SECOND),
        ("Alert", due + SECOND),
    ][: 2 * late]
    assert (final.outcome, final.refund.amount_minor) == (Outcome.COMPENSATED, 4000)


# Returned without a reason


@pytest.mark.parametrize(
    ("signed_off", "ends"),
    [
        ("2024-06-02T23:59:59", "2024-06-10T00:00:00+08:00"),
        ("2024-06-03T00:00:00", "2024-06-11T00:00:00+08:00"),
        ("2024-06-03T00:00:01", "2024-06-11T00:00:00+08:00"),
        ("2024-06-02T15:59:59Z", "2024-06-10T00:00:00+08:00"),
        ("2024-02-09T23:59:59", "2024-02-17T00:00:00+08:00"),
        ("2024-02-22T12:00:00", "2024-03-01T00:00:00+08:00"),
    ],
)
def test_seven_days_without_a_reason_end_before_the_eighth_midnight(signed_off: str, ends: str) -> None:
    answer = explained("no_reason_window", started_at=signed_off)
    assert (answer["due_at"], answer["exclusive"], answer["on_timeout"]) == (ends, True, "no_new_case")
    returned = CaseRequest.model_validate(request(reason_code="no_reason", order={"signed_for_at": signed_off}))
    midnight = at(answer["due_at"])
    assert no_reason_problems(BOOK, returned, midnight - SECOND) == []
    assert [problem.code for problem in no_reason_problems(BOOK, returned, midnight)] == ["too_late"]


def explained(clock: str, **about: Any) -> dict[str, Any]:
    """What `aftersale policy explain` answers."""
    (answer,) = explain_bytes(BOOK, json.dumps({"clock": clock, **about}).encode())
    assert "error" not in answer, answer
    return answer

"""Whatever is sent, scanned, published and left undone: every case ends, pays at most once, and keeps its books."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from aftersale import records
from aftersale.case import Status
from aftersale.client import Cases
from aftersale.commands import Actor, AddEvidence, ParcelEvent, ScanEvent
from aftersale.kinds import CaseKind, ClaimType, CloseReason, Outcome, Party, RefundState
from aftersale.plugin import plugin, sandbox
from aftersale.request import Evidence
from aftersale.times import SECOND, local
from tests.cases import PLATFORM, at, item, line, refusal, request, working, yuan
from tests.claims import decide
from tests.courses import Course, Sort, Step
from tests.decisions import BOUGHT_WITH, PRICED, bounds, rightly_compensated
from tests.platform_fixtures import StandIn
from tests.policy.books import BOOK
from tests.sendings import EVIDENCE
from tests.walks import COMMANDS, KINDS
from trial.calendar import CalendarRunner
from trial.workplace import Live, Workplace
from worker import WORKFLOWS

COURSES = int(os.environ.get("COURSES", "400"))
"""How many courses the soak drives."""

SEED = int(os.environ.get("COURSES_SEED") or Random().randrange(2**32))
"""What the soak draws by: another number each time, and named where it fails, to draw the same again."""

DATES = ["2024-01-30 00:00:00", "2024-02-15 23:59:59", "2024-06-03 10:00:00"]
"""Before the festival's window, in its last second, and far from it."""

_NUMBERS = count(1)
"""Every course has ids of its own, also where the same case is drawn again."""


@st.composite
def requests(draw: st.DrawFn, kind: CaseKind) -> dict[str, Any]:
    """A request for one or two lines, for all pieces or some, of an order that left or did not."""
    lines, items = [], []
    for number in range(1, draw(st.integers(1, 2)) + 1):
        bought, paid = draw(st.integers(1, 3)), draw(st.integers(1, 30_000))
        points = draw(st.integers(0, paid))
        tenders = [{"tender": "points", "amount_minor": points}, {"tender": "cash", "amount_minor": paid - points}]
        lines.append(line(f"L{number}", bought, yuan(paid), tenders=tenders))
        items.append(item(f"L{number}", draw(st.integers(1, bought)), yuan(draw(st.integers(1, paid)))))
    order: dict[str, Any] = {"lines": lines}
    if draw(st.booleans()):
        order["labels"] = ["spring_festival_nonstop"]
    if kind is CaseKind.REFUND and draw(st.booleans()):
        order |= {"dispatched_at": None, "signed_for_at": None}
    return request(items=items, order=order, reason_code=draw(st.sampled_from(["quality", "no_longer_wanted"])))


ANSWERS = st.sampled_from([None, None, "decline", "approve", "beyond"])


@dataclass(frozen=True)
class Drawn:
    """A case as it is drawn; to a claim, what the approvals service answers for each tier: None, that a person will."""

    kind: CaseKind
    asked: dict[str, Any]
    answers: dict[str, str | None] = field(default_factory=dict)


@st.composite
def others(draw: st.DrawFn, kind: CaseKind) -> Drawn:
    """A case that is no claim, of an order that may have been bought with services."""
    asked = draw(requests(kind))
    if draw(st.integers(0, 3)) == 0:
        asked["order"]["services"] = ["freight_insurance", "home_pickup"]
        asked["pickup"] = {"address_ref": "A-9"}
    return Drawn(kind, asked)


@st.composite
def claims(draw: st.DrawFn) -> Drawn:
    """A claim of any type, of an order that was bought with what it takes, signed for six hours before."""
    type_ = draw(st.sampled_from(ClaimType))
    asked = draw(requests(CaseKind.CLAIM))
    asked |= {"claim_type": type_, "evidence": EVIDENCE, "pickup": {"address_ref": "A-9"}}
    with_it = BOUGHT_WITH[type_]
    more = draw(st.sampled_from([[], ["freight_insurance"], ["home_pickup"]]))
    asked["order"] |= {**with_it, "services": [*with_it.get("services", ()), *more]}
    return Drawn(CaseKind.CLAIM, asked, {"merchant": draw(ANSWERS), "platform": draw(ANSWERS)})


CASES = st.one_of(st.sampled_from(KINDS).flatmap(others), claims())

SORTS = [*Sort, *[Sort.MOVE] * 6, *[Sort.EDGE] * 3, *[Sort.SPOILED, Sort.TIME] * 2, Sort.SCAN]
STEP = st.builds(Step, st.sampled_from(SORTS), st.integers(0, 9999))
STEPS = st.integers(0, 16).flatmap(lambda many: st.lists(STEP, min_size=many, max_size=many))

FEW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=COURSES, derandomize=False)


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture
async def market(idle: Workplace) -> AsyncIterator[Workplace]:
    """A workplace whose book prices some of the claims."""
    async with working(idle, PRICED):
        yield idle


def test_any_course_ends_well(market: Workplace, idle_stand_in: StandIn, loop: asyncio.AbstractEventLoop) -> None:
    drawn(FEW, lambda *course: loop.run_until_complete(driven(market, idle_stand_in, *course)))


@pytest.mark.soak
def test_very_many_courses_end_well_and_between_them_do_everything(
    market: Workplace, idle_stand_in: StandIn, loop: asyncio.AbstractEventLoop
) -> None:
    told, outcomes = Counter[str](), Counter[str]()

    def drive(*course: Any) -> None:
        final = loop.run_until_complete(driven(market, idle_stand_in, *course))
        told.update(entry.event for entry in final.timeline)
        outcomes[str(final.outcome or final.close_reason)] += 1

    try:
        drawn(MANY, drive, seed(SEED))
    except BaseException as error:
        error.add_note(f"to draw the same courses again: COURSES={COURSES} COURSES_SEED={SEED} make soak")
        raise
    print(f"{outcomes.total()} courses by seed {SEED}: {dict(outcomes)}, {dict(told)}")
    undone = set(COMMANDS) - set(told)
    assert COURSES < 1000 or not undone, f"no course ever came to {undone}"
    assert COURSES < 1000 or set(outcomes) >= set(Outcome) | set(CloseReason) - {CloseReason.REFUSED}


def drawn(how: settings, drive: Callable[..., object], by: Callable[[Any], Any] = lambda search: search) -> None:
    """Drive courses that are drawn so: a case, a date and steps."""

    @by
    @how
    @given(case=CASES, date=st.sampled_from(DATES), steps=STEPS)
    def search(case: Drawn, date: str, steps: list[Step]) -> None:
        drive(case, date, steps)

    search()


async def driven(place: Workplace, stand_in: StandIn, drawn: Drawn, date: str, steps: list[Step]) -> Status:
    """Drive one case through the steps and to its end; what it leaves must be in order."""
    number, kind, asked = next(_NUMBERS), drawn.kind, drawn.asked
    case = {**asked, "case_id": f"{asked['case_id']}-{number}", "order_id": f"{asked['order_id']}-{number}"}
    if kind is CaseKind.CLAIM:
        case["order"] = {**case["order"], "signed_for_at": local(at(date) - timedelta(hours=6))}
        await _answering(stand_in, case, drawn.answers)

    async def arm(fault: dict[str, Any]) -> None:
        await stand_in.arm(**fault)

    live = await place.open(kind, case, at(date))
    course = Course(live, kind, case, arm=arm, revision=BOOK.revision)
    final = await course.run(steps)
    assert final == await course.live.status()
    await _takes_nothing_more(place, course.live, final)
    await _paid_once(stand_in, place, course.case, final)
    _recorded(place, final)
    await _sound(await course.live.handle.fetch_history(), replayed=number % 3 == 0)
    if number % 3 == 1:
        await _keeps_late_scans(place, final)
    return final


async def _answering(stand_in: StandIn, case: dict[str, Any], answers: dict[str, str | None]) -> None:
    """Have the approvals service answer so; what lies beyond what is asked cannot be taken."""
    most = bounds(case)[1]
    for tier, answer in answers.items():
        if answer is not None:
            amount = {"approve": {"amount": yuan(most)}, "beyond": {"amount": yuan(10**8)}}.get(answer, {})
            decides = "decline" if answer == "decline" else "approve"
            await decide(stand_in, f"case/{case['case_id']}/claim/{tier}", decides, **amount)


async def _keeps_late_scans(place: Workplace, final: Status) -> None:
    """A scan from before the end, and goods that come back after it, get a line each in the record; others do not."""
    end, cases = final.timeline[-1].recorded_at, Cases(place.client)

    def scan(number: int, event: ScanEvent, at: datetime) -> ParcelEvent:
        return ParcelEvent(event_id=f"late-{number}", leg="return", tracking_no="BACK", event=event, occurred_at=at)

    await cases.scan(final.case_id, scan(1, "hub", final.timeline[0].at - SECOND))
    await cases.scan(final.case_id, scan(2, "signed_for", end + timedelta(days=1)))
    said = await refusal(cases.scan(final.case_id, scan(3, "hub", end + timedelta(days=1))))
    assert said.code == "illegal_move"
    record = _record(place, final.case_id)
    assert [entry.event for entry in record.timeline[len(final.timeline) :]] == ["CorrectionRequested"] * 2
    assert record.refund == final.refund


async def _takes_nothing_more(place: Workplace, live: Live, final: Status) -> None:
    evidence = tuple(Evidence.model_validate(each) for each in EVIDENCE)
    act = AddEvidence(actor=Actor(party=Party.PLATFORM, id=PLATFORM[1]), evidence=evidence)
    said = await refusal(Cases(place.client).act(final.case_id, act))
    assert said.code == "illegal_move"
    assert str(said).endswith("legal now: nothing, the case is final")
    with pytest.raises(RPCError) as caught:
        await live.act("add_evidence", *PLATFORM, evidence=EVIDENCE)
    assert caught.value.status is RPCStatusCode.NOT_FOUND
    assert final == await live.status()


async def _paid_once(stand_in: StandIn, place: Workplace, case: dict[str, Any], final: Status) -> None:
    asked = (await stand_in.http.get("/payments")).json()
    paid = [row for row in asked if row["key"].startswith(f"case/{final.case_id}/")]
    succeeded = [each for each in final.refund.instructions if each.status is RefundState.SUCCEEDED]
    assert [row["key"] for row in paid] == [each.key for each in final.refund.instructions]
    assert [row["key"] for row in paid if row["times_moved"]] == [each.key for each in succeeded]
    assert sum(row["times_moved"] for row in paid) == len(succeeded) <= 1
    paid_out = final.outcome in {Outcome.REFUNDED, Outcome.COMPENSATED}
    assert paid_out == bool(succeeded) or final.refund.amount_minor == 0
    claimed = {each["order_line_id"]: each["requested"]["amount_minor"] for each in case["items"]}
    with records.open(place.settings.records_url) as kept:
        account = kept.ledger.order(case["order_id"])
        wrong = [each for each in kept.ledger.check() if each.order_id == case["order_id"]]
    assert account is not None
    assert not wrong
    settled = sum(row["amount_minor"] for row in paid if row["times_moved"])
    assert sum(each.settled_minor for each in account.lines) == sum(each.amount_minor for each in succeeded) == settled
    if final.outcome is Outcome.COMPENSATED:
        rightly_compensated(case, final, settled)
    for each in account.lines:
        assert 0 <= each.settled_minor <= claimed.get(each.order_line_id, 0) <= each.paid_minor
        assert (each.reserved_minor, each.processing_minor) == (0, 0)


def _recorded(place: Workplace, final: Status) -> None:
    assert _record(place, final.case_id) == final


def _record(place: Workplace, case_id: str) -> Status:
    """The record of a case, but for what the insurer says of it, which may come before or after."""
    with records.open(place.settings.records_url) as kept:
        record = kept.record(case_id)
    assert record is not None
    others = tuple(entry for entry in record.timeline if entry.event != "FreightInsured")
    return record.model_copy(update={"timeline": others})


async def _sound(history: WorkflowHistory, *, replayed: bool) -> None:
    """No task ran out of time, and the history replays; for tasks that failed, the place itself looks in the end."""
    for each in history.events:
        assert each.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
    if replayed:
        await Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner(sandbox()))]).replay_workflow(history)


def test_the_courses_are_of_every_kind_and_claim_what_every_guarantee_brings() -> None:
    assert {*KINDS, CaseKind.CLAIM} == set(CaseKind)
    assert set(BOUGHT_WITH) == set(ClaimType)

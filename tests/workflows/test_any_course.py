"""Whatever is sent, scanned, published and left undone: every case ends, pays at most once, and keeps its books."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
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
from aftersale.commands import Actor, AddEvidence
from aftersale.kinds import CaseKind, Command, Outcome, Party, RefundState
from aftersale.plugin import plugin, sandbox
from aftersale.request import Evidence
from tests.cases import PLATFORM, at, item, line, refusal, request, yuan
from tests.courses import Course, Sort, Step
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


CASES = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), requests(kind)))

SORTS = [*Sort, *[Sort.MOVE] * 6, *[Sort.EDGE] * 3, *[Sort.SPOILED, Sort.TIME] * 2, Sort.SCAN]
STEP = st.builds(Step, st.sampled_from(SORTS), st.integers(0, 9999))
STEPS = st.integers(0, 16).flatmap(lambda many: st.lists(STEP, min_size=many, max_size=many))

FEW = settings(
    max_examples=20,
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


def test_any_course_ends_well(place: Workplace, stand_in: StandIn, loop: asyncio.AbstractEventLoop) -> None:
    drawn(FEW, lambda *course: loop.run_until_complete(driven(place, stand_in, *course)))


@pytest.mark.soak
def test_very_many_courses_end_well_and_between_them_do_everything(
    place: Workplace, stand_in: StandIn, loop: asyncio.AbstractEventLoop
) -> None:
    told, outcomes = Counter[str](), Counter[str]()

    def drive(*course: Any) -> None:
        final = loop.run_until_complete(driven(place, stand_in, *course))
        told.update(entry.event for entry in final.timeline)
        outcomes[str(final.outcome or final.close_reason)] += 1

    try:
        drawn(MANY, drive, seed(SEED))
    except BaseException as error:
        error.add_note(f"to draw the same courses again: COURSES={COURSES} COURSES_SEED={SEED} make soak")
        raise
    print(f"{outcomes.total()} courses by seed {SEED}: {dict(outcomes)}, {dict(told)}")
    undone = {event for event, command in COMMANDS.items() if command is not Command.DECIDE_CLAIM} - set(told)
    assert COURSES < 1000 or not undone, f"no course ever came to {undone}"
    assert COURSES < 1000 or set(outcomes) >= set(Outcome) - {Outcome.COMPENSATED}


def drawn(how: settings, drive: Callable[..., object], by: Callable[[Any], Any] = lambda search: search) -> None:
    """Drive courses that are drawn so: a kind, a request, a date and steps."""

    @by
    @how
    @given(case=CASES, date=st.sampled_from(DATES), steps=STEPS)
    def search(case: tuple[CaseKind, dict[str, Any]], date: str, steps: list[Step]) -> None:
        drive(*case, date, steps)

    search()


async def driven(
    place: Workplace, stand_in: StandIn, kind: CaseKind, asked: dict[str, Any], date: str, steps: list[Step]
) -> Status:
    """Drive one case through the steps and to its end; what it leaves must be in order."""
    number = next(_NUMBERS)
    case = {**asked, "case_id": f"{asked['case_id']}-{number}", "order_id": f"{asked['order_id']}-{number}"}

    async def arm(fault: dict[str, Any]) -> None:
        await stand_in.arm(**fault)

    course = Course(await place.open(kind, case, at(date)), kind, case, arm, BOOK.revision)
    final = await course.run(steps)
    assert final == await course.live.status()
    await _takes_nothing_more(place, course.live, final)
    await _paid_once(stand_in, place, course.case, final)
    _recorded(place, final)
    await _sound(await course.live.handle.fetch_history(), replayed=number % 3 == 0)
    return final


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
    assert (final.outcome is Outcome.REFUNDED) == bool(succeeded) or final.refund.amount_minor == 0
    claimed = {each["order_line_id"]: each["requested"]["amount_minor"] for each in case["items"]}
    with records.open(place.settings.records_url) as kept:
        account = kept.ledger.order(case["order_id"])
        wrong = [each for each in kept.ledger.check() if each.order_id == case["order_id"]]
    assert account is not None
    assert not wrong
    settled = sum(row["amount_minor"] for row in paid if row["times_moved"])
    assert sum(each.settled_minor for each in account.lines) == sum(each.amount_minor for each in succeeded) == settled
    for each in account.lines:
        assert 0 <= each.settled_minor <= claimed.get(each.order_line_id, 0) <= each.paid_minor
        assert (each.reserved_minor, each.processing_minor) == (0, 0)


def _recorded(place: Workplace, final: Status) -> None:
    with records.open(place.settings.records_url) as kept:
        assert kept.record(final.case_id) == final


async def _sound(history: WorkflowHistory, *, replayed: bool) -> None:
    """No task ran out of time, and the history replays; for tasks that failed, the place itself looks in the end."""
    for each in history.events:
        assert each.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
    if replayed:
        await Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner(sandbox()))]).replay_workflow(history)


def test_the_courses_are_of_every_kind() -> None:
    assert set(KINDS) == set(CaseKind) - {CaseKind.CLAIM}

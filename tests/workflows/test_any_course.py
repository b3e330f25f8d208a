"""Whatever is sent, scanned, published and left undone: every case ends, pays at most once, and keeps its books."""

import asyncio
import os
from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Replayer

from aftersale import records
from aftersale.case import Status
from aftersale.kinds import CaseKind, RefundState
from aftersale.plugin import plugin, sandbox
from tests.cases import at, item, line, request, yuan
from tests.courses import DATES, KINDS, Course
from tests.platform_fixtures import StandIn
from trial.calendar import CalendarRunner
from trial.workplace import Workplace
from worker import WORKFLOWS

Case = tuple[CaseKind, dict[str, Any]]

_NUMBERS = count(1)
"""Every course has ids of its own, also where the same case is drawn again."""


@st.composite
def requests(draw: st.DrawFn, kind: CaseKind) -> dict[str, Any]:
    """A request for one or two lines, for all pieces or some, of an order that left or did not."""
    lines, items = [], []
    for number in range(1, draw(st.integers(1, 2)) + 1):
        bought, paid = draw(st.integers(1, 3)), draw(st.integers(1, 30_000))
        claimed = draw(st.integers(1, bought))
        lines.append(line(f"L{number}", bought, yuan(paid)))
        items.append(item(f"L{number}", claimed, yuan(draw(st.integers(1, paid)))))
    order: dict[str, Any] = {"lines": lines}
    if draw(st.booleans()):
        order["labels"] = ["spring_festival_nonstop"]
    if kind is CaseKind.REFUND and draw(st.booleans()):
        order |= {"dispatched_at": None, "signed_for_at": None}
    reason = draw(st.sampled_from(["quality", "no_longer_wanted"]))
    return request(items=items, order=order, reason_code=reason)


SEEDS = st.lists(st.integers(0, 2**32 - 1), max_size=12)
CASES = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), requests(kind)))

FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=int(os.environ.get("COURSES", "1000")), derandomize=False)
"""`COURSES=200 make soak` drives so many. A failure prints the case and every step that was taken."""


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@FEW
@given(case=CASES, date=st.sampled_from(DATES), seeds=SEEDS)
def test_any_course_ends_well(
    place: Workplace, stand_in: StandIn, loop: asyncio.AbstractEventLoop, case: Case, date: str, seeds: list[int]
) -> None:
    loop.run_until_complete(_driven(place, stand_in, case, date, seeds))


@pytest.mark.soak
@MANY
@given(case=CASES, date=st.sampled_from(DATES), seeds=SEEDS)
def test_very_many_courses_end_well(
    place: Workplace, stand_in: StandIn, loop: asyncio.AbstractEventLoop, case: Case, date: str, seeds: list[int]
) -> None:
    loop.run_until_complete(_driven(place, stand_in, case, date, seeds))


async def _driven(place: Workplace, stand_in: StandIn, drawn: Case, date: str, seeds: list[int]) -> None:
    kind, drawn_case = drawn
    case = {**drawn_case, **{name: f"{drawn_case[name]}-{next(_NUMBERS)}" for name in ("case_id", "order_id")}}

    async def decline(case_id: str) -> None:
        await stand_in.arm("decline", key=f"case/{case_id}/")

    course = Course(await place.open(kind, case, at(date)), case, decline)
    for seed in seeds:
        if not await course.step(seed):
            break
    final = await course.end()
    assert final == await course.live.status()
    _one_outcome_per_clock(final)
    await _paid_once(stand_in, place, case, final)
    await _without_failed_tasks(course)
    _recorded(place, final)


def _one_outcome_per_clock(final: Status) -> None:
    """Each start of a clock lapses once at most."""
    starts, lapses = Counter[str](), Counter[str]()
    for entry in final.timeline:
        if entry.clock is not None:
            starts[entry.clock] += entry.event == "DeadlineSet"
            lapses[entry.clock] += entry.event == "Lapsed"
            assert lapses[entry.clock] <= starts[entry.clock], f"{entry.clock} lapsed twice"


async def _paid_once(stand_in: StandIn, place: Workplace, case: dict[str, Any], final: Status) -> None:
    paid = {
        key: each for key, each in (await stand_in.payments()).items() if key.startswith(f"case/{case['case_id']}/")
    }
    succeeded = [each for each in final.refund.instructions if each.status is RefundState.SUCCEEDED]
    assert {each.key for each in succeeded} == {key for key, (status, _) in paid.items() if status == "succeeded"}
    assert sum(moved for _, moved in paid.values()) == len(succeeded) <= 1
    with records.open(place.settings.records_url) as kept:
        account = kept.ledger.order(case["order_id"])
    assert account is not None
    settled = sum(each.amount_minor for each in succeeded)
    assert sum(each.settled_minor for each in account.lines) == settled
    assert all(0 <= each.settled_minor <= each.paid_minor and not each.reserved_minor for each in account.lines)


async def _without_failed_tasks(course: Course) -> None:
    history = await course.live.handle.fetch_history()
    failed = {EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT}
    assert not [event for event in history.events if event.event_type in failed]
    replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner(sandbox()))])
    await replayer.replay_workflow(history)


def _recorded(place: Workplace, final: Status) -> None:
    with records.open(place.settings.records_url) as kept:
        assert kept.record(final.case_id) == final


def test_the_courses_are_of_every_kind() -> None:
    assert set(KINDS) == set(CaseKind) - {CaseKind.CLAIM}

"""The simulator itself: by one seed it does the same, it leaps over time, and it plays every workflow of the worker."""

import asyncio
import gc
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from weakref import ref

import pytest

from simulation.__main__ import BATCH, batches
from simulation.chance import Chance, Fault
from simulation.courses.plan import draw
from simulation.known import KNOWN, without_known
from simulation.loop import Standstill, VirtualLoop
from simulation.shrink import shrink
from simulation.simulate import CourseResult, Simulator, simulator
from worker import WORKFLOWS
from workflows.entity import Entity

COURSES = (0, 6, 8, 14, 17, 19, 33, 36, 50, 82, 96, 112, 114, 130, 138, 146, 223, 246, 259, 632)
NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)


def test_one_seed_draws_one_plan_and_another_another() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_one_seed_leads_to_one_course_step_by_step() -> None:
    first, again = simulator().run(11), simulator().run(11)
    assert first.log == again.log
    assert first.tried == again.tried


def test_a_step_that_is_left_out_leaves_what_the_others_draw() -> None:
    plan = draw(11)
    assert list(plan.only([0, 2]).steps) == [plan.steps[0], plan.steps[2]]


@cache
def tried() -> Counter[str]:
    """What some courses came to, which between them meet everything, and nearly all of it twice."""
    found = Counter[str]()
    for seed in COURSES:
        found += simulator().run(seed).tried
    return found


@pytest.mark.courses
def test_every_workflow_of_the_worker_is_played_with_children_and_new_runs() -> None:
    played = {name.removeprefix("workflow ").partition(",")[0] for name in tried() if name.startswith("workflow ")}
    assert {workflow.__name__ for workflow in WORKFLOWS} <= played
    assert tried()["workflow PolicyRollout, continued as new"]
    assert tried()["workflow Deliveries, continued as new"]


@pytest.mark.courses
def test_every_fault_that_is_not_known_happens() -> None:
    assert {fault.name for fault in without_known()} <= tried().keys()


def test_what_is_known_to_be_wrong_is_said_in_words() -> None:
    assert all(known.fault for known in KNOWN.values())
    left_out = {known.leaves_out for known in KNOWN.values() if known.leaves_out}
    assert without_known() == set(Fault) - left_out


def test_a_course_is_shrunk_to_the_steps_that_break_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: Simulator, seed: int, kept: list[int] | None = None, without: tuple[Fault, ...] = ()) -> CourseResult:
        steps = list(range(8)) if kept is None else list(kept)
        broken = AssertionError("broken") if {2, 5} <= set(steps) and Fault.LOST not in without else None
        return CourseResult(draw(seed), tried=Counter({"LOST": 1, "AWAY": 1}), steps=8, broken=broken)

    monkeypatch.setattr(Simulator, "run", run)
    kept, without, smallest = shrink(simulator(), simulator().run(3))
    assert (list(kept), list(without)) == ([2, 5], [Fault.AWAY])
    assert smallest.broken is not None


def test_every_course_that_is_asked_for_is_driven_once() -> None:
    seeds = [seed for batch in batches(100, 2 * BATCH + 3) for seed in batch]
    assert seeds == list(range(100, 100 + 2 * BATCH + 3))


def test_chance_draws_the_same_whether_or_not_a_fault_may_happen() -> None:
    with_it, without = Chance(5, {Fault.AWAY}), Chance(5, ())
    for _ in range(50):
        with_it.happens(Fault.AWAY)
        without.happens(Fault.AWAY)
    assert with_it.between(0, 10**9) == without.between(0, 10**9)
    assert with_it.happened["AWAY"] and not without.happened


def test_a_virtual_loop_leaps_over_forty_days() -> None:
    loop = VirtualLoop(NOON)
    loop.run(asyncio.sleep(timedelta(days=40).total_seconds()))
    assert loop.now == NOON + timedelta(days=40)


def test_a_virtual_loop_does_things_at_their_instant_and_in_their_order() -> None:
    loop, done = VirtualLoop(NOON), list[tuple[str, datetime]]()

    async def work() -> None:
        for name, after in (("second", 2), ("first", 1)):
            loop.at(NOON + timedelta(hours=after), lambda name=name: done.append((name, loop.now)))
        await asyncio.sleep(7200)

    loop.run(work())
    assert done == [("first", NOON + timedelta(hours=1)), ("second", NOON + timedelta(hours=2))]


def test_a_wait_for_what_will_never_come_is_said_to_be_one() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Standstill):
        VirtualLoop(NOON).run(work())


def test_a_workflow_is_let_go_of_once_its_course_is_over() -> None:
    simulator().run(14)  # some of its local activities wait for one another
    workflows = [ref(each) for each in gc.get_objects() if isinstance(each, Entity)]
    simulator().run(17)
    gc.collect()
    assert workflows and not [each for each in workflows if each()]

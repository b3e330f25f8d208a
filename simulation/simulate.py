"""Run courses: one by its seed, with all that must hold of it, and what it tells when something does not."""

import asyncio
import gc
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from random import Random

from temporalio.worker import UnsandboxedWorkflowRunner

from aftersale.contract.commands import Actor, AddEvidence, ParcelEvent, ScanEvent
from aftersale.contract.idempotency import CONFLICT
from aftersale.contract.request import CaseRequest, Evidence
from aftersale.contract.status import Status
from aftersale.errors import Refusal
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.temporal.steady_clock import SteadyClockRunner
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Outcome, Party
from simulation.chance import Chance, Fault
from simulation.courses import checks
from simulation.courses.books import books
from simulation.courses.case import CaseCourse
from simulation.courses.crowd import CrowdCourse
from simulation.courses.decisions import rightly_compensated
from simulation.courses.plan import Plan, draw
from simulation.courses.sendings import EVIDENCE
from simulation.courses.termination import terminate, until_money_moves
from simulation.courses.watch import WatchCourse
from simulation.house import House, World
from simulation.known import without_known
from simulation.loop import VirtualLoop
from simulation.temporal.instance import CONVERTER
from simulation.unheard import unheard
from trial.sandbox import sandbox


@dataclass
class CourseResult:
    """What a course came to: its log, how many steps it took, and what was tried in it."""

    plan: Plan
    without: frozenset[Fault] = frozenset()
    log: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    broken: BaseException | None = None

    @property
    def rule(self) -> str:
        """The name of the rule that does not hold."""
        return self.broken.rule if isinstance(self.broken, checks.Broken) else type(self.broken).__name__


class Simulator:
    """Runs courses, one after the other, in one house."""

    def __init__(self, *, sandboxed: bool = False, faults: Collection[Fault] | None = None) -> None:
        """Make the house; workflows run in the sandbox where that is asked for, which takes long."""
        self._house = House(books())
        self._runner = SteadyClockRunner(sandbox() if sandboxed else UnsandboxedWorkflowRunner())
        self._faults = without_known() if faults is None else faults
        gc.collect()
        gc.freeze()  # what stays for ever need not be looked through again and again
        gc.set_threshold(50_000, 20, 100)

    def run(self, seed: int, kept: Sequence[int] | None = None, without: Collection[Fault] = ()) -> CourseResult:
        """Run the course of a seed, or some of its steps alone, without some faults; it says what is broken."""
        plan = draw(seed)
        course = CourseResult(plan if kept is None else plan.only(kept), without=frozenset(without))
        loop = VirtualLoop(course.plan.begins)
        try:
            with checks.holding("nothing fails"), unheard() as failures:
                loop.run(self._driven(course))
            checks.of_what_is_unheard(failures)
        except Exception as error:
            course.broken = error
        return course

    async def _driven(self, course: CourseResult) -> None:
        plan = course.plan
        chance = Chance(plan.seed, frozenset(self._faults) - course.without, course.tried)
        with self._house.begin(self._runner, chance, plan.answers) as world:
            try:
                await _lived(world, course, chance)
            finally:
                world.server.check()  # what broke the server's side is why everything else fails


async def _lived(world: World, course: CourseResult, chance: Chance) -> None:
    """Open what the plan says, take its steps, bring everything to its end, and look at what is left."""
    plan = course.plan
    subject = str(plan.kind) if plan.subject == "case" else plan.subject
    course.log.append(f"a {subject} is opened: {plan.asked}")
    course.tried[f"kind {subject}"] += 1
    match plan.subject:
        case "case":
            await _case(world, course, chance)
        case "watch":
            await _watch(world, course, chance)
        case "crowd":
            await _crowd(world, course)
    await _others_end(world, course)
    checks.of_the_messages(world)
    if plan.seed % 50 == 0:
        await _messages_delivered(world)
    for run in world.server.all_runs:
        checks.of_a_run(run, replayed=plan.seed % 2 == 0)
        course.tried[f"workflow {run.born.type}, {run.status.lower().replace('_', ' ')}"] += 1


async def _case(world: World, course: CourseResult, chance: Chance) -> None:
    plan = course.plan
    case = CaseCourse(world, plan, f"case/{plan.asked['case_id']}", course.log.append, kind=plan.kind, asked=plan.asked)
    opened = await world.cases.open(plan.kind, plan.asked)
    if opened.problems:
        course.tried["ending refused"] += 1
        return
    await _steps(case, course, chance)
    if plan.seed % 25 == 23 and case.run.open and (plan.seed % 2 or await until_money_moves(world, case)):
        await terminate(world, case)
        course.tried["ending terminated"] += 1
        return
    final = await _ended(world, case, audited=plan.seed % 5 == 0)
    course.tried[f"ending {final.outcome or final.close_reason}"] += 1
    course.tried.update(f"event {entry.event}" for entry in final.timeline)
    if plan.seed % 5 == 1:
        await _takes_nothing_more(world, case)


async def _ended(world: World, case: CaseCourse, *, audited: bool) -> Status:
    """Bring a case to its end, and hold that against the rules."""
    final = await case.end()
    checks.of_the_end(world, final, audited=audited)
    if final.outcome is Outcome.COMPENSATED:
        with checks.holding("a claim is paid what the policy and the decision come to"):
            rightly_compensated(case.asked, final, final.refund.amount_minor)
    return final


async def _watch(world: World, course: CourseResult, chance: Chance) -> None:
    plan = course.plan
    watch = WatchCourse(world, plan, f"watch/{plan.asked['shipment_id']}", course.log.append)
    opened = await world.cases.watch(plan.asked)
    if opened.problems:
        course.tried["ending refused"] += 1
        return
    await _steps(watch, course, chance)
    final = await watch.end()
    course.tried[f"ending {final.end}"] += 1
    course.tried.update(f"event {entry.event}" for entry in final.timeline)


async def _crowd(world: World, course: CourseResult) -> None:
    crowd = CrowdCourse(world, course.plan, "case/C-0", course.log.append)
    asked = await crowd.opened()
    await crowd.told(Random(course.plan.seed))
    await crowd.end(asked)


async def _messages_delivered(world: World) -> None:
    """Have messengers carry what is owed, for half a day; every message arrives, under its id."""
    await world.server.client.start_workflow("Deliveries", 2, id="deliveries", task_queue=TASK_QUEUE)
    for _ in range(10):  # the first messenger may wait for its worker longer than that
        await asyncio.sleep(timedelta(hours=12).total_seconds())
        if not world.house.records.rows("SELECT 1 FROM outbox WHERE state = 'pending'"):
            break
    with checks.holding("every message that is owed arrives"):
        states = dict[str, str](world.house.records.rows("SELECT message_id, state FROM outbox"))
        waiting = [message_id for message_id, state in states.items() if state == "pending"]
        assert not waiting, f"{waiting} are still to be sent"
        missed = {message_id for message_id, state in states.items() if state == "sent"} - set(world.house.inbox.ids)
        assert not missed, f"{missed} count as sent, and did not arrive"
    world.server.runs["deliveries"].end("TERMINATED")


async def _steps(subject: CaseCourse | WatchCourse, course: CourseResult, chance: Chance) -> None:
    for step in course.plan.steps:
        chance.reseed(step.chance)
        course.steps += 1
        course.tried[f"step {step.sort}"] += 1
        if not await subject.step(step):
            break
    chance.reseed(course.plan.seed + 1)


async def _takes_nothing_more(world: World, case: CaseCourse) -> None:
    """Make sure that a case that is over takes nothing; what happened before its end is a correction."""
    case_id = case.asked["case_id"]
    final = await case.status()
    end = final.timeline[-1].recorded_at
    await asyncio.sleep(max(end - world.server.now, timedelta()).total_seconds())  # it may be stamped a little ahead
    with checks.holding("what comes after the end is told, and undoes nothing"):
        evidence = tuple(Evidence.model_validate(each) for each in EVIDENCE)
        act = AddEvidence(actor=Actor(party=Party.PLATFORM, id="officer-3"), evidence=evidence)
        try:
            await world.cases.act(case_id, act, request_id="too-late")
        except Refusal as refusal:
            assert refusal.code == "illegal_move", refusal
        else:
            raise AssertionError("an act after the end was taken")
        await _late_facts_under_one_id(world, case, act.model_copy(update={"occurred_at": end - SECOND}))
        await world.cases.scan(case_id, _scan("late-1", "hub", final.timeline[0].at - SECOND))
        await world.cases.scan(case_id, _scan("late-2", "signed_for", end + timedelta(days=1)))
        await world.server.settle()
        record = world.house.records.turns.record(case_id)
        assert record is not None
        added = [entry.event for entry in record.timeline[len(final.timeline) :] if entry.event != "FreightInsured"]
        assert added == ["CorrectionRequested"] * 3, added
        assert record.refund == final.refund


async def _late_facts_under_one_id(world: World, case: CaseCourse, act: AddEvidence) -> None:
    """Tell of an act from before the end: once, whatever else comes under its id, or under one that the case took."""
    case_id = case.asked["case_id"]
    other = act.model_copy(update={"evidence": act.evidence * 3})  # as no course sends it
    with checks.holding(checks.ONE_CONTENT):
        told = await world.cases.act(case_id, act, request_id="late")
        assert await world.cases.act(case_id, act, request_id="late") == told, "it was answered otherwise"
        for request_id in ("late", *(request_id for _, request_id in case.taken[:1])):
            try:
                await world.cases.act(case_id, other, request_id=request_id)
            except Refusal as refusal:
                assert refusal.code == CONFLICT, refusal
            else:
                raise AssertionError(f"something else was taken as {request_id}")


def _scan(event_id: str, event: ScanEvent, at: object) -> ParcelEvent:
    given = {"event_id": event_id, "leg": "return", "tracking_no": "BACK", "event": event, "occurred_at": at}
    return ParcelEvent.model_validate(given)


async def _others_end(world: World, course: CourseResult) -> None:
    """Bring claims that opened by themselves to their end, and wait for what else still runs."""
    for run in list(world.server.all_runs):
        if run.open and run.born.type == "Claim":
            (request,) = CONVERTER.payload_converter.from_payloads(run.born.given, [CaseRequest])
            asked = request.model_dump(mode="json", exclude_unset=True)
            course.log.append(f"claim {request.case_id} was opened by itself")
            claim = CaseCourse(
                world, course.plan, run.born.workflow_id, course.log.append, kind=CaseKind.CLAIM, asked=asked
            )
            claim.sender.chance = Random(course.plan.seed)
            await _ended(world, claim, audited=False)
            course.tried["claims opened by themselves"] += 1
    await world.server.settle(timedelta(days=3).total_seconds())
    with checks.holding("everything comes to its end"):
        still = [run.born.workflow_id for run in world.server.all_runs if run.open]
        assert not still, f"{still} still run"


@cache
def simulator(*, sandboxed: bool = False) -> Simulator:
    """Return the simulator of this process."""
    return Simulator(sandboxed=sandboxed)

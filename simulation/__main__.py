"""`python -m simulation`: drive many courses, print what was tried, and of what is broken the short course to it.

Exit status 1 where a rule does not hold.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from random import SystemRandom

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from simulation.chance import Fault
from simulation.known import KNOWN, lift
from simulation.shrink import shrink
from simulation.simulate import CourseResult, simulator

BATCH = 50
"""The courses that a process drives before it tells of them."""


@dataclass
class Tried:
    """The sum of some courses: how many, what was tried in them, and what broke."""

    courses: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tried") -> None:
        """Count others in."""
        self.courses += other.courses
        self.counts += other.counts
        self.failures += other.failures


def drive(seeds: Sequence[int], most: int) -> Tried:
    """Drive the courses of these seeds; each that breaks a rule, `most` of them, is shrunk and told in words."""
    tried, here = Tried(), simulator()
    for seed in seeds:
        course = here.run(seed)
        tried.courses += 1
        tried.counts += course.tried
        if course.broken is not None:
            tried.failures.append(told(course))
            if len(tried.failures) >= most:
                break
    return tried


def told(course: CourseResult) -> str:
    """Tell of a broken course, and of the shortest that still breaks, in words and as commands that play them again."""
    kept, without, smallest = shrink(simulator(), course)
    seed = course.plan.seed
    again = f"make simulate SEED={seed} COURSES=1"
    steps = ",".join(map(str, kept)) or "none"
    short = f"make simulate SEED={seed} STEPS={steps}"
    if without:
        short += f" WITHOUT={','.join(fault.name for fault in without)}"
    faults = [fault.words for fault in Fault if smallest.tried[fault.name]]
    lines = [
        f"course {seed} breaks a rule at step {course.steps}",
        f"  {smallest.broken}",
        "  the short course to it:",
        *(f"    {line}" for line in smallest.log),
        *(f"    on the way: {words}" for words in faults),
        f"  play it again:  {again}",
        f"  the short one:  {short}",
    ]
    return "\n".join(lines)


def played(seed: int, steps: str, without: str) -> int:
    """Play one course, or some of its steps, and print it step by step."""
    kept = None if steps == "all" else [int(step) for step in steps.split(",")] if steps != "none" else []
    left_out = [Fault[name] for name in without.split(",")] if without else []
    course = simulator().run(seed, kept, left_out)
    print("\n".join(course.log))
    print("\n".join(f"{name}: {times}" for name, times in sorted(course.tried.items())))
    print(f"broken at step {course.steps}: {course.broken}" if course.broken else "every rule held")
    return 1 if course.broken else 0


def batches(first: int, courses: int | None) -> Iterator[Sequence[int]]:
    """Return the seeds to drive, batch by batch; for ever where no number is given."""
    starts: Iterable[int] = count(0, BATCH) if courses is None else range(0, courses, BATCH)
    for start in starts:
        most = BATCH if courses is None else min(BATCH, courses - start)
        yield range(first + start, first + start + most)


def driven(chosen: argparse.Namespace, first: int, courses: int | None, console: Console) -> Tried:
    """Drive courses by several processes until all are done, the time is over, or too many break a rule."""
    tried, coming = Tried(), batches(first, courses)
    ends = time.monotonic() + 60 * chosen.minutes if chosen.minutes is not None else None

    def following() -> Sequence[int] | None:
        over = ends is not None and time.monotonic() > ends
        return None if over or len(tried.failures) >= chosen.failures else next(coming, None)

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("courses", total=courses)
        for each in _side_by_side(following, chosen):
            tried.add(each)
            progress.update(bar, completed=tried.courses)
    return tried


def _side_by_side(following: Callable[[], Sequence[int] | None], chosen: argparse.Namespace) -> Iterator[Tried]:
    """Drive batches, and give the sum of each as it ends; a single process drives them itself."""
    if chosen.processes == 1:
        while (batch := following()) is not None:
            yield drive(batch, chosen.failures)
        return
    with ProcessPoolExecutor(chosen.processes, initializer=lift, initargs=(chosen.known,)) as pool:
        working: set[Future[Tried]] = set()
        while True:
            while len(working) < 2 * chosen.processes and (batch := following()) is not None:
                working.add(pool.submit(drive, batch, chosen.failures))
            if not working:
                return
            done, working = wait(working, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()


def report(tried: Tried, took: float, processes: int) -> str:
    """Tell what was tried, so that it can be seen what was not."""
    sorts: dict[str, list[str]] = {}
    for name, times in sorted(tried.counts.items()):
        sort, _, value = name.partition(" ") if " " in name else ("fault", "", name)
        sorts.setdefault(sort, []).append(f"{value} {times}")
    rate = 60 * tried.courses / took if took else 0
    lines = [f"{sort}s: {', '.join(values)}" for sort, values in sorts.items()]
    known = [f"  {name}: {known.fault}" for name, known in KNOWN.items()]
    head = f"{tried.courses} courses in {took:.0f} s by {processes} process(es), {rate:.0f} a minute"
    return "\n".join([head, *lines, "known and left out until it is mended:", *known])


def _names(said: str) -> tuple[str, ...]:
    names = tuple(said.split(","))
    if unknown := [name for name in names if name not in KNOWN]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: write some of {', '.join(KNOWN)}")
    return names


def main() -> int:
    """Drive courses, and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description="Drive courses without a server.")
    parser.add_argument("--seed", type=int, help="the first course's seed; another one each time where it is left out")
    parser.add_argument("--courses", type=int, help="how many courses; 2,000 unless minutes are given")
    parser.add_argument("--minutes", type=float, help="for how long, rather than how many")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many processes; one a core")
    parser.add_argument("--failures", type=int, default=3, help="after how many broken courses to stop")
    parser.add_argument("--steps", help="play the seed's course with these of its steps alone: 0,3,7, all or none")
    parser.add_argument("--without", default="", help="play it without these faults, by their names")
    parser.add_argument("--known", type=_names, default=(), help="let these known faults happen, by their names")
    chosen = parser.parse_args()
    lift(chosen.known)
    console = Console()
    seed = chosen.seed if chosen.seed is not None else SystemRandom().randrange(10**9)
    if chosen.steps is not None or chosen.courses == 1:
        return played(seed, chosen.steps or "all", chosen.without)
    courses = chosen.courses if chosen.courses is not None or chosen.minutes is not None else 2_000
    began = time.monotonic()
    tried = driven(chosen, seed, courses, console)
    print(f"seeds from {seed} on: {report(tried, time.monotonic() - began, chosen.processes)}")
    for failure in tried.failures:
        print(failure)
    print(f"{tried.courses - len(tried.failures)} passed, {len(tried.failures)} failed")
    return 1 if tried.failures else 0


if __name__ == "__main__":
    sys.exit(main())

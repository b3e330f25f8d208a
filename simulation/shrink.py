"""Shrink a course that breaks a rule to as few steps and faults as still break it."""

from collections.abc import Sequence

from simulation.chance import Fault
from simulation.simulate import CourseResult, Simulator


def shrink(simulator: Simulator, broken: CourseResult) -> tuple[Sequence[int], Sequence[Fault], CourseResult]:
    """Leave out steps, then faults, as long as the same rule breaks; what is kept, what is left out, and the course."""
    seed, rule = broken.plan.seed, broken.rule
    smallest, without = broken, list[Fault]()
    kept = list(range(broken.steps))

    def breaks(kept: Sequence[int], without: Sequence[Fault]) -> CourseResult | None:
        tried = simulator.run(seed, kept, without)
        return tried if tried.broken is not None and tried.rule == rule else None

    size = max(len(kept) // 2, 1)
    while size:
        for start in reversed(range(0, len(kept), size)):
            fewer = kept[:start] + kept[start + size :]
            if tried := breaks(fewer, without):
                kept, smallest = fewer, tried
        size //= 2
    for fault in Fault:
        if smallest.tried[fault.name] and (tried := breaks(kept, [*without, fault])):
            without, smallest = [*without, fault], tried
    return kept, without, smallest

"""Whatever is sent, scanned, published and left undone, and whatever goes wrong around it: every rule holds."""

import pytest

from simulation.__main__ import told
from simulation.simulate import simulator

COURSES = 3_000
"""How many courses are driven here, by the seeds from 0 on: the same each time."""

PART = 25
SANDBOXED = range(5_000, 5_020)


AT_ONCE = 1
"""How many parts the fast lane drives."""

PARTS = [
    pytest.param(first, marks=() if first < AT_ONCE * PART else pytest.mark.courses)
    for first in range(0, COURSES, PART)
]


@pytest.mark.parametrize("first", PARTS)
def test_every_rule_holds_in_the_courses_from(first: int) -> None:
    for seed in range(first, first + PART):
        course = simulator().run(seed)
        assert course.broken is None, told(course)


@pytest.mark.courses
def test_every_rule_holds_in_the_sandbox_too() -> None:
    for seed in SANDBOXED:
        course = simulator(sandboxed=True).run(seed)
        assert course.broken is None, told(course)

"""Open cases as the records keep them: returns whose clocks run, with what was asked about each."""

from typing import Any

from aftersale.case.case import Case
from aftersale.case.projection import status
from aftersale.case.turn import Turn
from aftersale.vocabulary import State
from tests.support.files import a_case

JUNE = "2024-06-03 10:00:00"

NOTICE = """
id = "of-june"
title = {{ en = "a notice made for a test" }}
zone = "Asia/Shanghai"
tier = "notice"
announced = {announced}
status = "{status}"
source = "made for a test"
[[window]]
id = "june"
from = 2024-06-01T00:00:00
to   = 2024-06-30T23:59:59
[[rule]]
id = "T1"
says = "a clause"
clock = "buyer_return"
key = "started"
window = "june"
effect = {{ {effect} }}
"""


def text(effect: str = 'set = "P14D"', announced: str = "2024-06-04", status: str = "draft") -> str:
    """A notice on the clocks of buyers that started in June 2024, as its file says it."""
    return NOTICE.format(effect=effect, announced=announced, status=status)


def open_file(state: State = State.AWAITING_BUYER_RETURN, since: str = JUNE, **changes: Any) -> Case:
    """The file of a return that entered its stage then."""
    return a_case(state, since, **changes)


def turn_of(case: Case, *, asked: bool = True) -> Turn:
    """The first turn of a case that stands so; an older version did not write what was asked."""
    clocks = case.running if asked else ()
    standing = status(case, case.since)
    return Turn.of(
        standing, told=0, seq=1, at=case.since, run_id="run-1", history_length=10, subject=case.subject, clocks=clocks
    )

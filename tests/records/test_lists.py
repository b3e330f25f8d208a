"""Lists of cases: the most urgent first, page by page."""

from datetime import timedelta

import pytest

from aftersale.records import CaseLine, Place, Records
from aftersale.times import SECOND
from aftersale.vocabulary import State
from tests.support.drawing import DUE, NOW, turn


@pytest.fixture
def four(kept: Records) -> Records:
    """Cases due in the order C-3, C-1, C-4 (at the same second), one on hold, one closed."""
    kept.turns.write([turn("C-1", 1, respond_by=DUE)], now=NOW)
    kept.turns.write([turn("C-2", 1, respond_by=None, held_since=NOW)], now=NOW)
    kept.turns.write([turn("C-3", 1, respond_by=DUE - SECOND, merchant="M-8")], now=NOW)
    kept.turns.write([turn("C-4", 1, respond_by=DUE)], now=NOW)
    kept.turns.write([turn("C-5", 1, final=True)], now=NOW)
    return kept


def ids(lines: list[CaseLine]) -> list[str]:
    return [line.case_id for line in lines]


def test_open_cases_come_by_deadline_and_those_without_one_last(four: Records) -> None:
    assert ids(four.cases.find()) == ["C-3", "C-1", "C-4", "C-2"]


def test_a_state_is_asked_for_even_where_it_is_final(four: Records) -> None:
    assert ids(four.cases.find(state=State.COMPLETED)) == ["C-5"]
    assert ids(four.cases.find(state=State.AWAITING_MERCHANT_REVIEW)) == ["C-3", "C-1", "C-4", "C-2"]
    assert four.cases.find(state=State.REFUNDING) == []


def test_a_merchant_sees_its_own_cases(four: Records) -> None:
    assert ids(four.cases.find(merchant="M-8")) == ["C-3"]
    assert ids(four.cases.find(merchant="M-7", state=State.COMPLETED)) == ["C-5"]


def test_due_before_an_instant_leaves_out_that_instant(four: Records) -> None:
    assert ids(four.cases.find(due_before=DUE)) == ["C-3"]
    assert ids(four.cases.find(due_before=DUE + SECOND)) == ["C-3", "C-1", "C-4"]
    assert ids(four.cases.find(due_before=DUE + timedelta(days=9000))) == ["C-3", "C-1", "C-4"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_pages_add_up_to_the_list(four: Records, size: int) -> None:
    seen: list[str] = []
    after: Place | None = None
    while page := four.cases.find(limit=size, after=after):
        seen += ids(page)
        after = page[-1].place
    assert seen == ["C-3", "C-1", "C-4", "C-2"]


def test_a_deadline_that_moves_moves_the_case(four: Records) -> None:
    four.turns.write([turn("C-1", 2, respond_by=DUE - timedelta(days=1))], now=NOW)
    assert ids(four.cases.find())[0] == "C-1"


def test_a_naive_instant_is_refused(four: Records) -> None:
    with pytest.raises(Exception, match="has no zone; give an aware instant"):
        four.cases.find(due_before=DUE.replace(tzinfo=None))


@pytest.mark.parametrize("years", [-2000, -60, 0, 60, 7900])
def test_instants_of_any_year_come_back_as_they_were(kept: Records, years: int) -> None:
    due = DUE.replace(year=DUE.year + years)
    kept.turns.write([turn("C-1", 1, respond_by=due)], now=NOW)
    [case] = kept.cases.find()
    assert case.respond_by == due and str(case.respond_by) == str(due)

"""A whole Spring Festival, two ways: on paper by the rules, and lived through by workflows; every deadline agrees."""

from collections import Counter
from functools import cache

import pytest

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome
from simulation.courses.walks import BESIDE
from tests.model.clauses import ORDINARY, computed
from tests.model.living import lived
from tests.model.orders import HUB, PICKUP, Shipment, by_hand, judged, shipments
from tests.model.population import Person, population
from tests.model.simulation import Played, played
from tests.model.watching import found, wanted, watched
from tests.support.books import BOOK
from tests.support.cases import all_of
from trial.environment import Workplace

CLAUSES = {"S11", "S13", "S14", "S22", "S23", "S24", "S25", "S26", "S27", "S28"}


@cache
def on_paper() -> list[tuple[Person, Played]]:
    return list(played(BOOK, population(1200, seed=20240210)))


@cache
def orders() -> list[Shipment]:
    return shipments(2000, 20240222, BOOK)


def test_every_deadline_on_paper_is_the_one_computed_by_hand() -> None:
    for person, paper in on_paper():
        for ran in paper.ran:
            by_hand = computed(person, ran.clock, ran.tier, ran.started_at)
            assert (ran.due_at, ran.rules) == by_hand, (person, ran)


def test_the_festival_comes_to_every_clause_every_clock_and_every_end() -> None:
    ran = [each for _, paper in on_paper() for each in paper.ran]
    assert {rule for each in ran for rule in each.rules} == CLAUSES
    assert {(each.clock, each.lapsed) for each in ran} == {
        (clock, lapsed) for clock in (*ORDINARY, Clock.CLAIM_REVIEW) for lapsed in (True, False)
    }
    assert {paper.ends for _, paper in on_paper()} == {
        *set(Outcome) - {Outcome.REPLACED},
        *set(CloseReason) - {CloseReason.REFUSED, CloseReason.CANCELLED, CloseReason.TERMINATED},
    }
    ends = Counter((person.kind, person.labelled, person.dispatched_at is None) for person, _ in on_paper())
    assert all(ends[kind, labelled, False] for kind in CaseKind for labelled in (True, False))
    assert ends[CaseKind.REFUND, True, True] and ends[CaseKind.REFUND, False, True]


# Orders: two thousand of them leave in time, late, or not at all


def test_every_order_s_verdict_is_the_one_computed_by_hand() -> None:
    for shipment in orders():
        assert judged(BOOK, shipment) == by_hand(shipment), shipment


def test_the_orders_come_to_every_verdict() -> None:
    verdicts = [judged(BOOK, shipment) for shipment in orders()]
    assert Counter(verdict.late for verdict in verdicts).keys() == {True, False}
    found = Counter(clock for verdict in verdicts for clock in verdict.violations)
    assert set(found) == {*PICKUP, *HUB}
    assert sum(not verdict.violations for verdict in verdicts) > len(orders()) // 10


async def test_watches_come_to_the_same_verdicts(place: Workplace) -> None:
    await _watched_alike(place, orders()[:12])


@pytest.mark.soak
async def test_a_hundred_watches_come_to_the_same_verdicts(place: Workplace) -> None:
    await _watched_alike(place, orders()[12::19][:100])


async def _watched_alike(place: Workplace, sample: list[Shipment]) -> None:
    papers = [judged(BOOK, shipment) for shipment in sample]
    finals = await all_of(watched(place, shipment, paper) for shipment, paper in zip(sample, papers, strict=True))
    for shipment, paper, final in zip(sample, papers, finals, strict=True):
        assert found(final) == wanted(shipment, paper), shipment


# Cases, lived through


async def test_workflows_live_through_it_as_it_is_on_paper(place: Workplace) -> None:
    await _agree(place, on_paper()[:12])


@pytest.mark.soak
async def test_a_hundred_workflows_live_through_it_as_it_is_on_paper(place: Workplace) -> None:
    await _agree(place, on_paper()[12::11][:100])


async def _agree(place: Workplace, sample: list[tuple[Person, Played]]) -> None:
    finals = await all_of(lived(place, person, paper) for person, paper in sample)
    for (person, paper), final in zip(sample, finals, strict=True):
        assert (final.outcome or final.close_reason) == paper.ends, (person, paper)
        assert _deadlines(final) == [(ran.clock, ran.due_at, ran.rules) for ran in paper.ran], (person, paper)
        assert _lapses(final) == paper.lapses, (person, paper)


def _deadlines(final: Status) -> list[tuple[object, ...]]:
    set_ = [entry for entry in final.timeline if entry.event == "DeadlineSet" and entry.clock not in BESIDE]
    return [(entry.clock, entry.due_at, entry.rules) for entry in set_]


def _lapses(final: Status) -> list[tuple[object, object]]:
    return [(entry.clock, entry.at) for entry in final.timeline if entry.event == "Lapsed"]

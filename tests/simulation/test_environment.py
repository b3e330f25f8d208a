"""The workplace on the simulator: it keeps a case's time as the server does, and lets nothing pass that may not be."""

import asyncio
from pathlib import Path

import pytest

from aftersale.contract.status import Ending
from aftersale.times import SECOND
from aftersale.vocabulary import Outcome, State
from simulation.environment import Fittings, simulated
from simulation.temporal.history import Diverged
from simulation.temporal.instance import TaskFailed
from tests.support.cases import MERCHANT, approved, at, ended, opened, sent_back, told
from tests.support.lanes import ON_SERVER
from tests.support.places import records_of, simulator, stand_in
from tests.support.platform_fixtures import StandIn, until
from trial.environment import Workplace
from workflows.cases.desk import Desk
from workflows.cases.procedures.refund import refund_only

__all__ = ["simulator", "stand_in"]

JUNE = "2024-06-03 10:00:00"
LATE = "2024-06-10 10:00:00"


@pytest.fixture
def place(simulator: Workplace) -> Workplace:
    return simulator


async def test_a_case_stands_at_the_second_it_is_moved_to_while_others_stand_where_they_were(place: Workplace) -> None:
    first, other = await approved(place, JUNE), await approved(place, "2024-02-05 12:00:00")
    assert await first.until(at(LATE))
    assert (await first.now(), await other.now()) == (at(LATE), at("2024-02-05 12:00:00"))
    assert (await first.status()).state is State.AWAITING_BUYER_RETURN
    assert not await first.until(at(LATE) + 2 * SECOND)
    assert await first.now() == at(LATE) + SECOND, "it ended at its own time"


async def test_a_case_that_waits_for_somebody_does_not_end_by_itself(place: Workplace) -> None:
    live = await opened(place, JUNE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(live.handle.result(), 0.2)
    assert await live.now() == at(JUNE)


async def test_what_is_held_outside_goes_on_once_it_is_let_go(place: Workplace, stand_in: StandIn) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm("hold", key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    await until(stand_in.holding, [f"{live.handle.id}/refund/1"])
    assert (await live.status()).state is State.REFUNDING
    await stand_in.http.post("/faults/release")
    assert (await ended(live)).outcome is Outcome.REFUNDED
    assert await stand_in.payments() == {f"{live.handle.id}/refund/1": ("succeeded", 1)}
    assert (await told(stand_in, live, "buyer", "case_completed"))["recipient"] == "B-5"
    with records_of(place) as kept:
        assert kept.ledger.check() == []


@pytest.mark.parametrize("fault", ["reset", "lose_answer"])
async def test_a_connection_that_breaks_is_one_that_fails(place: Workplace, stand_in: StandIn, fault: str) -> None:
    live = await sent_back(place, JUNE)
    await stand_in.arm(fault, key=live.handle.id)
    await live.act("confirm_receipt", *MERCHANT)
    assert (await ended(live)).outcome is Outcome.REFUNDED
    assert await stand_in.armed() == []
    assert [moved for _, moved in (await stand_in.payments()).values()] == [1]


async def test_workflow_code_that_raises_fails_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    async def raises(_: Desk) -> Ending:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("workflows.cases.types.return_goods", raises)
    with pytest.raises(TaskFailed, match="a mistake"):
        async with simulated(Fittings()) as place:
            await opened(place, JUNE)


async def test_a_run_that_does_not_replay_fails_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Diverged, match="task 3 of case/"):
        async with simulated(Fittings()) as place:
            await sent_back(place, JUNE)
            monkeypatch.setattr("workflows.cases.types.return_goods", refund_only)


def test_what_is_told_on_the_server_is_there_and_has_its_reason() -> None:
    for named, reason in ON_SERVER.items():
        file, _, test = named.partition("::")
        assert reason and f"def {test}(" in (Path("tests") / file).read_text() + "def (", named

"""At every stage: an act and the deadline in one workflow task. One outcome, by when a thing happened (R4, R15)."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from aftersale.client import Refusal
from aftersale.contract.status import Status
from aftersale.times import SECOND
from tests.support.case_waits import WAITS
from tests.support.cases import all_of, quiet, working
from tests.support.posting import sending
from tests.support.steps import HOLD
from tests.support.waits import Wait, arrived, met, standing
from trial.environment import Live, Workplace

Race = tuple[Status, Refusal | None]
"""How a case stands in the end, and the refusal that its act met, if any."""

IN_TIME, TOO_LATE = timedelta(0), SECOND

SAME_STAGE = ("tagged", "ordinary", "S22", "before dispatch", "never signed off")
UNLIKE = {name: wait for name, wait in WAITS.items() if not any(words in name for words in SAME_STAGE)}
"""One wait for each sort of stage and each kind of case that has it."""

HELD = {
    name: replace(wait, act=HOLD, leads_to=wait.stands, late=wait.silence if goes_on else None)
    for name, goes_on in {
        "review of a return": True,
        "offer": True,
        "sending back": False,
        "reshipment": True,
        "receipt of what was repaired": False,
        "evidence": True,
    }.items()
    for wait in [WAITS[name]]
}
"""The same for the platform's hold; where the silence leads on, a late one holds what follows."""


def at_once(waits: Mapping[str, Wait], *names: str) -> pytest.MarkDecorator:
    """A few of the waits in every run, where the server's own batching counts; all of them in the soak.

    The simulator has acts and deadlines meet at every stage, in every order.
    """
    few = {name: waits[name] for name in names}
    ways = [pytest.param(few, id="a few"), pytest.param(waits, id="all", marks=pytest.mark.soak)]
    return pytest.mark.parametrize("waits", ways)


of_each = at_once(UNLIKE, "review of a return", "sending back", "after a breach")
of_holds = at_once(HELD, "review of a return", "sending back")


async def overdue(place: Workplace, waits: Mapping[str, Wait]) -> list[Live]:
    """Cases whose clocks have run out while no worker was there to see it; their reminders were sent before."""

    async def nearly(wait: Wait) -> Live:
        live = await wait.begun(place)
        await live.until(wait.due - timedelta(minutes=30))
        await quiet(live)
        return live

    async with working(place):
        cases = await all_of(map(nearly, waits.values()))
    await all_of(live.until(wait.lapse, handled=False) for live, wait in zip(cases, waits.values(), strict=True))
    return cases


async def raced(place: Workplace, waits: Mapping[str, Wait], late: timedelta) -> dict[str, Race]:
    """What comes of acts that reach their cases together with the deadline, dated on the last second or later."""

    async def race(live: Live, wait: Wait) -> Race:
        refused = None
        try:
            await wait.act.take(live, wait.due + late)
        except Refusal as refusal:
            refused = refusal
        goal = (wait.late or wait.silence) if late else wait.leads_to
        return await arrived(live, goal), refused

    cases = await overdue(place, waits)
    races = [await sending(live, partial(race, wait=wait)) for live, wait in zip(cases, waits.values(), strict=True)]
    async with working(place):
        return dict(zip(waits, await asyncio.gather(*races), strict=True))


@of_each
async def test_an_act_of_the_last_second_that_is_handled_after_the_deadline_wins(
    idle: Workplace, waits: Mapping[str, Wait]
) -> None:
    for name, (status, refused) in (await raced(idle, waits, IN_TIME)).items():
        wait = waits[name]
        assert (refused, standing(status), wait.lapses(status)) == (None, wait.leads_to, []), name


@of_each
async def test_an_act_of_one_second_later_finds_the_silence_executed(
    idle: Workplace, waits: Mapping[str, Wait]
) -> None:
    for name, (status, refused) in (await raced(idle, waits, TOO_LATE)).items():
        wait = waits[name]
        assert standing(status) == (wait.late or wait.silence), name
        assert [(lapse.by, lapse.clock) for lapse in wait.lapses(status)] == [("timer", wait.stands[1])], name
        if wait.late:
            assert refused is None, f"{name}: what is legal after the silence is taken"
        else:
            where = met(wait.silence)
            assert refused and refused.code == "illegal_move", name
            assert f" is not legal in state {where} ({where.words}); legal now: " in str(refused), name
            assert all(command in str(refused).split("legal now")[1] for command in status.next.commands), name


@of_holds
async def test_a_hold_of_the_last_second_stops_the_silence(idle: Workplace, waits: Mapping[str, Wait]) -> None:
    for name, (status, refused) in (await raced(idle, waits, IN_TIME)).items():
        wait = waits[name]
        assert (refused, standing(status), wait.lapses(status)) == (None, wait.stands, []), name
        assert status.held_since == wait.due, name


@of_holds
async def test_a_hold_of_one_second_later_holds_what_follows_the_silence(
    idle: Workplace, waits: Mapping[str, Wait]
) -> None:
    for name, (status, refused) in (await raced(idle, waits, TOO_LATE)).items():
        wait = waits[name]
        assert (standing(status), len(wait.lapses(status))) == (wait.silence, 1), name
        assert status.held_since == (wait.lapse if wait.late else None), name
        assert (refused is None) is (wait.late is not None), f"{name}: {refused}"

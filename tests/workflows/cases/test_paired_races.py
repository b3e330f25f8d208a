"""Two things in one workflow task, at every stage: of contradicting commands one is taken, and no scan is lost."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pytest
from temporalio.api.enums.v1 import EventType

from aftersale.client import Refusal
from aftersale.contract.status import Status
from aftersale.vocabulary import State
from tests.support.case_waits import WAITS
from tests.support.cases import all_of, entry, quiet, working
from tests.support.posting import sending
from tests.support.steps import (
    ACCEPT,
    AMEND,
    APPROVE,
    AWARD,
    BACK,
    CONFIRM,
    DECLINE,
    DELIVERED,
    DISMISS,
    DISPATCH,
    ESCALATE,
    IRREPARABLE,
    OFFER,
    RECEIVE,
    REFUSE,
    REJECT,
    SHIP,
    WITHDRAW,
    Act,
    SignOff,
)
from tests.support.waits import (
    DISMISSED,
    ON_ITS_WAY,
    PAID,
    REJECTED,
    RESHIPPED,
    TO_CHOOSE,
    TO_HEAR,
    TO_INSPECT,
    TO_RECEIVE,
    TO_REPLACE,
    TO_REVIEW,
    TO_SEND,
    WITHDRAWN,
    Standing,
    arrived,
    met,
    standing,
)
from trial.environment import Live, Workplace

ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
TASK_DONE = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


@dataclass(frozen=True)
class Pair:
    """Two things that happen to a case at once, the first sent first; `refused` is where the second is refused."""

    wait: str
    first: Act | SignOff
    second: Act | SignOff
    leads_to: Standing
    refused: State | None = None


@dataclass(frozen=True)
class Came:
    """What came of a pair."""

    status: Status
    first: Refusal | None
    second: Refusal | None
    tasks: list[int]
    """How many updates each workflow task accepted."""


def either(name: str, one: Act, to: Standing, other: Act, to_other: Standing) -> dict[str, Pair]:
    """Two commands of which only one can be taken, in both orders."""
    return {
        f"{name}: {one.command} first": Pair(name, one, other, to, met(to)),
        f"{name}: {other.command} first": Pair(name, other, one, to_other, met(to_other)),
    }


CONTRADICTING = {
    **either("review of a return", APPROVE, TO_SEND, REJECT, REJECTED),
    **either("review of an exchange", OFFER, TO_CHOOSE, REJECT, REJECTED),
    **either("offer", ACCEPT, TO_SEND, DECLINE, REJECTED),
    **either("inspection of a return", CONFIRM, PAID, REFUSE, REJECTED),
    **either("repair", DISPATCH, ON_ITS_WAY, IRREPARABLE, TO_CHOOSE),
    **either("after a breach", DISPATCH, ON_ITS_WAY, AMEND, PAID),
    **either("escalation", AMEND, TO_REVIEW, ESCALATE, TO_HEAR),
    **either("evidence", AWARD, PAID, DISMISS, DISMISSED),
}

ANSWERED = {wait.act.command: name for name, wait in WAITS.items() if isinstance(wait.act, Act)} | {
    "amend": "amendment"
}
"""A wait for each command that answers one."""

# The simulator has withdrawals meet whatever else there is; these are for the soak.
WITHDRAWN_FIRST = {
    f"withdrawn before {command}": Pair(name, WITHDRAW, WAITS[name].act, WITHDRAWN, State.CLOSED)
    for command, name in ANSWERED.items()
    if command != "withdraw"
}
WITHDRAWN_SECOND = {
    f"withdrawn after {command}": Pair(name, wait.act, WITHDRAW, WITHDRAWN)
    if isinstance(wait.leads_to[0], State)
    else Pair(name, wait.act, WITHDRAW, wait.leads_to, met(wait.leads_to))
    for command, name in ANSWERED.items()
    if command != "withdraw"
    for wait in [WAITS[name]]
}

SCANNED = {
    "a receipt, then its sign-off": Pair("sign-off of a return", CONFIRM, BACK, PAID),
    "a sign-off, then the receipt": Pair("sign-off of a return", BACK, CONFIRM, PAID),
    "a sign-off and the refusal of the goods": Pair("sign-off of a return", REFUSE, BACK, REJECTED),
    "a sign-off and a withdrawal": Pair("sign-off of a return", WITHDRAW, BACK, WITHDRAWN),
    "a sign-off and the receipt of an exchange": Pair("sign-off of an exchange", BACK, CONFIRM, TO_REPLACE),
    "a sign-off, then the sending": Pair("sending back", BACK, SHIP, TO_INSPECT),
    "a delivery, then the dispatch": Pair("reshipment", DELIVERED, DISPATCH, TO_RECEIVE),
    "a delivery and its confirmation": Pair("sign-off of what was missing", DELIVERED, RECEIVE, RESHIPPED),
    "a delivery and a withdrawal": Pair("sign-off of what was missing", WITHDRAW, DELIVERED, WITHDRAWN),
}


async def taken(live: Live, step: Act | SignOff) -> Refusal | None:
    """The refusal of something that happens now, or None."""
    try:
        await step.take(live, await live.now())
    except Refusal as refused:
        return refused
    return None


async def together(place: Workplace, pairs: Mapping[str, Pair]) -> dict[str, Came]:
    """What comes of pairs that both wait when a worker comes."""

    async def begun(pair: Pair) -> Live:
        live = await WAITS[pair.wait].begun(place)
        await quiet(live)
        return live

    async def came(live: Live, pair: Pair, first: asyncio.Task[Refusal | None]) -> Came:
        second = await taken(live, pair.second)
        return Came(await arrived(live, pair.leads_to), await first, second, await accepted(live))

    async with working(place):
        cases = await all_of(map(begun, pairs.values()))
    coming = []
    for live, pair in zip(cases, pairs.values(), strict=True):
        first = await sending(live, partial(taken, step=pair.first))
        coming.append(await sending(live, partial(came, pair=pair, first=first)))
    async with working(place):
        return dict(zip(pairs, await asyncio.gather(*coming), strict=True))


async def accepted(live: Live) -> list[int]:
    """How many updates each workflow task accepted."""
    counts: list[int] = []
    async for event in live.handle.fetch_history_events():
        if event.event_type == TASK_DONE:
            counts.append(0)
        elif event.event_type == ACCEPTED:
            counts[-1] += 1
    return counts


def says_where(refused: Refusal | None, state: State) -> bool:
    """Whether a refusal names the state that it met, and what is legal there."""
    wanted = f" is not legal in state {state} ({state.words}); legal now: "
    return refused is not None and refused.code == "illegal_move" and wanted in str(refused)


async def test_of_two_contradicting_commands_the_first_is_taken_and_the_other_learns_where_that_led(
    idle: Workplace,
) -> None:
    for name, came in (await together(idle, CONTRADICTING)).items():
        pair = CONTRADICTING[name]
        assert (came.first, standing(came.status)) == (None, pair.leads_to), name
        assert pair.refused and says_where(came.second, pair.refused), f"{name}: {came.second}"
        assert 2 in came.tasks, f"{name}: both came in one task"


@pytest.mark.soak
async def test_a_withdrawal_that_comes_first_ends_the_case_whatever_comes_with_it(idle: Workplace) -> None:
    for name, came in (await together(idle, WITHDRAWN_FIRST)).items():
        assert (came.first, standing(came.status)) == (None, WITHDRAWN), name
        assert says_where(came.second, State.CLOSED), f"{name}: {came.second}"
        assert "nothing, the case is final" in str(came.second), name
        assert 2 in came.tasks, f"{name}: both came in one task"


@pytest.mark.soak
async def test_a_withdrawal_that_comes_second_ends_the_case_unless_that_is_over_or_paid(idle: Workplace) -> None:
    for name, came in (await together(idle, WITHDRAWN_SECOND)).items():
        pair = WITHDRAWN_SECOND[name]
        assert (came.first, standing(came.status)) == (None, pair.leads_to), name
        if pair.refused:
            assert says_where(came.second, pair.refused), f"{name}: {came.second}"
        else:
            assert came.second is None, f"{name}: {came.second}"
        assert 2 in came.tasks, f"{name}: both came in one task"


async def test_of_a_scan_and_a_command_both_are_kept(idle: Workplace) -> None:
    for name, came in (await together(idle, SCANNED)).items():
        assert (came.first, came.second) == (None, None), name
        assert standing(came.status) == SCANNED[name].leads_to, name
        assert entry(came.status, "ParcelScanned").says.endswith("signed_for"), name
        assert len(came.status.refund.instructions) == (SCANNED[name].leads_to == PAID), name

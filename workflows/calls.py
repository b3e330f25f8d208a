"""Kinds of activity calls: local, in the house, visible, or out of it, each with its time limits and retries."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

A = TypeVar("A")
R = TypeVar("R")

_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_attempts=2)
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))

UNANSWERED = (ActivityError, ApplicationError, TimeoutError)
"""How a local activity fails: its error arrives bare, not within an ActivityError as that of a normal one does."""

_LIFE = timedelta(seconds=5)
"""Patient with those who are asked, impatient with a dead worker: whoever waits for an answer gives signs of life."""

_ROUNDS = 10
"""How many times conditions are looked at: more than there are steps from what arrives to the commands it leads to."""


async def call_out(ask: Callable[[Any, A], Awaitable[R]], given: A, summary: str) -> R:
    """Ask somebody outside the house until there is a definitive answer, giving signs of life meanwhile."""
    return await workflow.execute_activity_method(
        ask,
        given,
        start_to_close_timeout=timedelta(minutes=1),
        heartbeat_timeout=_LIFE,
        retry_policy=PATIENT,
        summary=summary,
    )


async def in_house(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A, summary: str) -> R:
    """Ask the house at once; where it has no answer, as a normal activity that operators see, until it has."""
    try:
        return await at_once(ask, given)
    except UNANSWERED:
        return await visibly(ask, given, summary)


async def at_once(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A) -> R:
    """Ask by a local activity, one at a time in each workflow; what else is to be done goes before the answer.

    A replay brings the answers of all that were asked together in one activation, whichever came first when they were
    given, and together with what came meanwhile where the workflow task was renewed (a heartbeat) before the answer.
    What follows from an answer would then come in another order than history has it.
    """
    async with _in_turn():
        try:
            answer: R = await workflow.execute_local_activity_method(
                ask,
                given,
                start_to_close_timeout=timedelta(seconds=2),
                schedule_to_close_timeout=timedelta(seconds=3),
                retry_policy=_SOON,
            )
        except UNANSWERED:
            await _all_else()
            raise
        await _all_else()
        return answer


def _in_turn() -> asyncio.Lock:
    """Return the lock before the local activities of this workflow.

    It is kept with the workflow object and goes with it: it knows the event loop, and by it the workflow, that waits.
    """
    lock: asyncio.Lock = vars(workflow.instance()).setdefault("_in_turn", asyncio.Lock())
    return lock


def take_failure(task: "asyncio.Task[Any]") -> None:
    """Take a task's failure as it ends, since nobody may await it: asyncio reports one that nobody has taken."""
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _all_else() -> None:
    """Let everything else go first that can go on in this activation, with what follows from it."""
    looks = iter(range(1, _ROUNDS))
    go_on = asyncio.get_running_loop().call_soon

    def is_over() -> bool:
        go_on(_nothing)  # conditions are looked at once more only where something has run meanwhile
        return next(looks, None) is None

    await workflow.wait_condition(is_over)


def _nothing() -> None:
    """Do nothing."""


async def visibly(ask: Callable[[Any, A], Awaitable[R]] | Callable[[Any, A], R], given: A, summary: str) -> R:
    """Ask the house by a normal activity, which operators see, until it answers."""
    return await workflow.execute_activity_method(
        ask,
        given,
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=PATIENT,
        summary=summary,
    )

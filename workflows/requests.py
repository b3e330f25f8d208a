"""Requests that a case or a watch has taken, by their ids: a repeat gets the first answer, other content is refused.

The memory is made anew by every replay, since it holds what was accepted, and history has that. It grows by one with
each update that a run takes, of which the server allows 2,000; cases and watches never go on in a new run.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from aftersale.contract.commands import Act
from aftersale.contract.idempotency import conflict, fingerprint
from aftersale.errors import BadInput, bad_input
from aftersale.vocabulary import Command, WatchCommand

A = TypeVar("A", bound=Act)
T = TypeVar("T")


@dataclass
class Taken(Generic[T]):
    """What was taken under a request id, and how it was answered, once it is."""

    command: Command | WatchCommand
    fingerprint: str
    answer: T | None = None
    failure: ApplicationError | None = None

    async def await_answer(self) -> T:
        """Return the answer again, or raise the failure again, once there is one."""
        await workflow.wait_condition(lambda: self.answer is not None or self.failure is not None)
        if self.answer is None:
            assert self.failure is not None
            raise self.failure
        return self.answer


class Requests(Generic[T]):
    """The requests of one run whose updates are answered by a `T`."""

    def __init__(self) -> None:
        """Nothing was taken yet."""
        self._taken: dict[str, Taken[T]] = {}

    def find(self, command: Command | WatchCommand, act: Act) -> Taken[T] | None:
        """Return what was taken under the act's request id; None where it is new. Raises BadInput for other content."""
        known = self._taken.get(act.request_id or "")
        if known is not None and known.fingerprint != fingerprint(command, act):
            raise BadInput([conflict("request_id", f"{act.request_id} ({known.command})")])
        return known

    async def take_once(self, command: Command | WatchCommand, act: Act, take: Callable[[], Awaitable[T]]) -> T:
        """Take an act, and keep how it was answered; a repeat is answered alike. Raises as `find`."""
        known = self.find(command, act)
        if known is not None:
            return await known.await_answer()
        self._taken[act.request_id or ""] = taken = Taken[T](command, fingerprint(command, act))
        try:
            taken.answer = await take()
        except ApplicationError as error:
            taken.failure = error
            raise
        return taken.answer


def with_request_id(act: A) -> A:
    """Return an act under its request id, which is that of its update where it names none. Raises BadInput.

    An id that is the update's as well binds nothing: the server would answer any other content with the first answer,
    and no workflow would ever see it.
    """
    update = workflow.current_update_info()
    assert update is not None, "commands are updates"
    if act.request_id is None:
        return act.model_copy(update={"request_id": update.id})
    if act.request_id == update.id:
        said = "is the update id as well, under which Temporal answers whatever comes; leave that to your SDK"
        raise bad_input("request_id", said)
    return act

"""How a workflow is given commands: judged at the door, taken inside, and what is refused is refused in words."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from aftersale.errors import Problem
from aftersale.vocabulary import Command, WatchCommand


class Taker(Protocol):
    """A workflow that can be given commands."""

    def _check(self, command: Any, given: Any) -> None:
        """Refuse at the door what can be refused; nothing is written to history then."""

    async def _take(self, command: Any, given: Any) -> Any:
        """Take the command, and answer with the status."""


def update(command: Command | WatchCommand) -> object:
    """The update of a command, with its validator; it takes whatever any SDK sends."""

    async def handler(self: Taker, given: Any = None) -> Any:
        return await self._take(command, given)

    def validator(self: Taker, given: Any = None) -> None:
        self._check(command, given)

    handler.__name__ = validator.__name__ = command.value
    made = workflow.update(name=command.value, description=command.words)(handler)
    made.validator(validator)
    return made


async def wait_until(true: Callable[[], bool]) -> None:
    """Wait until it is true, and still is when the caller goes on: what else was woken may have changed it."""
    while not true():
        await workflow.wait_condition(true)


def failure(problems: Sequence[Problem]) -> ApplicationError:
    """Problems as a caller gets them: all in words, the first one's code as the type."""
    said = "; ".join(str(problem) for problem in problems)
    return ApplicationError(said, *problems, type=problems[0].code, non_retryable=True)


def unknown(name: str, served: Iterable[str]) -> ApplicationError:
    """The refusal of an update that is none."""
    said = f"{name} is no command here; use one of {', '.join(served)}"
    return failure([Problem(code="illegal_move", field="", message=said)])

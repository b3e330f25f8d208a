"""Refusals: how an update fails, so that its caller learns why from any SDK."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from aftersale.errors import BadInput, CommandRefused, Problem


@contextmanager
def failing_updates() -> Iterator[None]:
    """Fail the update with the problems of input that cannot be read and of commands that are refused."""
    try:
        yield
    except BadInput as error:
        raise failure(error.problems) from error
    except CommandRefused as refusal:
        raise failure([refusal.problem]) from refusal


def failure(problems: Sequence[Problem]) -> ApplicationError:
    """Return problems as a caller gets them: all in words, the first one's code as the type."""
    said = "; ".join(str(problem) for problem in problems)
    return ApplicationError(said, *problems, type=problems[0].code, non_retryable=True)


def unknown(name: str, served: Iterable[str]) -> ApplicationError:
    """Return the refusal of an update that is none."""
    said = f"{name} is no command here; use one of {', '.join(served)}"
    return failure([Problem(code="illegal_move", field="", message=said)])

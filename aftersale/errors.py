"""The errors that this package raises on purpose: they say what is wrong, and what to do next."""

import re
import reprlib
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ValidationError, model_validator

from aftersale.bounds import PROBLEM, PROBLEMS, cut


class Problem(BaseModel):
    """One thing that is wrong with what was given. `field` is a dotted path; `message` ends with the remedy."""

    code: str = "bad_input"
    field: str
    message: Annotated[str, AfterValidator(partial(cut, most=PROBLEM))]

    @model_validator(mode="before")
    @classmethod
    def _coded(cls, given: Any) -> Any:
        """Count the code as given, since what was not set is left out when a case writes its history."""
        return {"code": "bad_input", **given} if isinstance(given, dict) else given

    def __str__(self) -> str:
        """Return the field first: that is what the reader will look for."""
        return f"{self.field}: {self.message}" if self.field else self.message


class AftersaleError(Exception):
    """The root of what this package raises on purpose."""


class BadInput(AftersaleError):
    """What was given cannot be taken; `problems` names every field and its remedy."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def bad_input(field: str, message: str, code: str = "bad_input") -> BadInput:
    """Return the error for one field that cannot be taken."""
    return BadInput([Problem(code=code, field=field, message=message)])


class PolicyGap(AftersaleError):
    """The policy book has no answer; the message names what it knows."""


class PolicyFault(AftersaleError):
    """A policy file is wrong; the message names file, rule and remedy."""


class Refusal(AftersaleError):
    """A case did not take what was sent. `code` tells programs why, the message people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class ServiceFault(AftersaleError):
    """The Temporal server cannot be reached as set, or does not serve this caller; the message says what to look at."""


class CaseNotFound(AftersaleError):
    """No case of this id is known to the service."""


class NoAnswer(AftersaleError):
    """The service did not answer in time; what was sent may still be applied.

    After a command, `act` (an `aftersale.contract.commands.Act`) and `request_id` are what to repeat it with: it is
    then applied once, and as of the instant at which it was first received.
    """

    def __init__(self, message: str, act: Any = None, request_id: str | None = None) -> None:
        self.act, self.request_id = act, request_id
        super().__init__(message)


_REMEDIES = {
    "missing": "is required; add it",
    "extra_forbidden": "is not a known field; remove it or correct its spelling",
}

_FORMS = {
    "string_type": "write a text, in quotes",
    "string_unicode": "write a text of whole characters",
    "bool_type": "write true or false, without quotes",
    "int_type": "write a whole number",
    "tuple_type": "write a list, in [ ]",
    "list_type": "write a list, in [ ]",
    "dict_type": "write an object, in { }",
    "model_type": "write an object, in { }",
}


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Return what pydantic found wrong, in words that name the field and the remedy."""
    return [
        Problem(field=".".join([*([prefix] if prefix else []), *_path(found["loc"])]), message=_message(found))
        for found in error.errors(include_url=False)
    ]


def first_problems(problems: list[Problem], name: str) -> list[Problem]:
    """Return as many problems as a reader takes in; what is said of a payload stays smaller than a payload may be."""
    if len(problems) <= PROBLEMS:
        return problems
    first, more = problems[:PROBLEMS], problems[PROBLEMS:]
    said = f"has {len(more)} problems more; mend these first"
    return [*first, Problem(code=more[0].code, field=name, message=said)]


def _path(loc: tuple[int | str, ...]) -> list[str]:
    """Return the way to the field as its author sees it, without pydantic's own names for keys and `<alternatives>`."""
    return [_clipped(str(part)) for part in loc if part != "[key]" and not str(part).startswith("<")]


def _message(found: Any) -> str:
    kind = found["type"]
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if kind == "value_error":
        return str(found["ctx"]["error"])
    said = _FORMS.get(kind) or re.sub(r"^\w+ (?=should )", "", found["msg"])
    return f"{said}; given {_clipped(reprlib.repr(found['input']))}"


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


class CommandRefused(AftersaleError):
    """A command that is not taken; the problem says why, and what is legal now."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def refusal(code: str, field: str, message: str) -> CommandRefused:
    """Return the refusal of a command, for one reason."""
    return CommandRefused(Problem(code=code, field=field, message=message))

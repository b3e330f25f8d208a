"""Errors that say which field is wrong and what to do next."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError


class Problem(BaseModel):
    """One thing that is wrong with what was given. `field` is a dotted path; `message` ends with the remedy."""

    code: str = "bad_input"
    field: str
    message: str

    def __str__(self) -> str:
        """The field first: that is what the reader will look for."""
        return f"{self.field}: {self.message}" if self.field else self.message


class AftersaleError(Exception):
    """The root of what this package raises on purpose."""


class BadInput(AftersaleError):
    """What was given cannot be taken; `problems` names every field and its remedy."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Say all that is wrong at once."""
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class PolicyGap(AftersaleError):
    """The policy book has no answer; the message names what it knows."""


class PolicyFault(AftersaleError):
    """A policy file is wrong; the message names file, rule and remedy."""


_REMEDIES = {
    "missing": "is required; add it",
    "extra_forbidden": "is not a known field; remove it or correct its spelling",
}


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """What pydantic found wrong, in words that name the field and the remedy."""
    return [
        Problem(field=".".join([*([prefix] if prefix else []), *_path(found["loc"])]), message=_message(found))
        for found in error.errors(include_url=False)
    ]


def _path(loc: tuple[int | str, ...]) -> list[str]:
    return [str(part) for part in loc]


def _message(found: Any) -> str:
    kind = found["type"]
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if kind == "value_error":
        return str(found["ctx"]["error"])
    said = found["msg"][:1].lower() + found["msg"][1:]
    return f"{said}; given {_shown(found['input'])}"


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}…"

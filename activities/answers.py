"""Lenient reading of what services outside answer: unknown fields are left aside, words beyond their length are cut.

What is needed and missing, or of another type, is a fault all the same. What we send is as strict as ever.
"""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from aftersale.bounds import REASON, REFERENCE, cut
from aftersale.errors import problems_of
from aftersale.schema import Schema

A = TypeVar("A", bound=Schema)

_SHOWN = {"reason": REASON, "note": REASON, "reference": REFERENCE}
"""Read by people alone: cut, since a payment must not be unreadable for the words beside it."""

_COMPARED = {"provider_ref": REFERENCE}
"""What the books are compared by: refused, since two that were cut alike would count as one."""

_MOST_NAMED = 5
"""How many fields a fault names."""


class UnreadableAnswer(Exception):
    """An answer that says nothing that can be relied on; the words name the fields, and repeat no value."""


def read_answer(model: type[A], content: bytes) -> A:
    """Return what was answered. Raises UnreadableAnswer."""
    try:
        return model.model_validate(_bounded(from_json(content)), extra="ignore")
    except ValidationError as error:
        fields = [problem.field or "the whole" for problem in problems_of(error)]
        more = f" and {len(fields) - _MOST_NAMED} more" if len(fields) > _MOST_NAMED else ""
        raise UnreadableAnswer(", ".join(fields[:_MOST_NAMED]) + more) from None
    except ValueError:  # no JSON at all
        raise UnreadableAnswer("the whole") from None


def _bounded(said: Any) -> Any:
    return {name: _bounded_text(name, value) for name, value in said.items()} if isinstance(said, dict) else said


def _bounded_text(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _COMPARED and (len(value) > _COMPARED[name] or "\0" in value):
        raise UnreadableAnswer(f"{name}, which must have {_COMPARED[name]} characters at most, and no NUL")
    if name in _SHOWN:
        most, text = _SHOWN[name], value.replace("\0", "\N{REPLACEMENT CHARACTER}")  # no database keeps a NUL
        return cut(text, most)
    return value

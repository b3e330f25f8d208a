"""Questions in, explanations out: the JSON face of the policy book."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from aftersale.errors import AftersaleError, problems_of
from aftersale.facts import Question
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.times import local

SHOWN = (
    "due_at",
    "exclusive",
    "ordinary_due_at",
    "limit",
    "waived",
    "rules",
    "policy_version",
    "on_timeout",
    "counts_for_score",
    "because",
)
"""The fields of an answer, in the order in which they are written."""


def shown(deadline: Deadline) -> dict[str, Any]:
    """A deadline as `policy explain` answers it: instants in the policy's zone, durations as the rule wrote them."""
    answer: dict[str, Any] = {name: getattr(deadline, name) for name in SHOWN}
    answer["due_at"] = deadline.due_at and local(deadline.due_at)
    answer["ordinary_due_at"] = local(deadline.ordinary_due_at)
    return answer


def explain(book: Book, given: object) -> dict[str, Any]:
    """The answer to one decoded question, or `{"error": …}` that names the field and the remedy."""
    try:
        return shown(book.ask(Question.model_validate(given)))
    except ValidationError as error:
        if not isinstance(given, dict):
            return {"error": 'a question is a JSON object such as {"clock": "merchant_review", "started_at": "…"}'}
        return {"error": "; ".join(str(problem) for problem in problems_of(error))}
    except AftersaleError as error:
        return {"error": str(error)}


def explain_text(book: Book, text: str) -> Iterator[dict[str, Any]]:
    """The answers to one JSON object, or to JSON Lines in their order; blank lines are skipped."""
    try:
        yield explain(book, _decode(text))
    except ValueError:
        yield from _explain_lines(book, text.split("\n"))


def _explain_lines(book: Book, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            given = _decode(line)
        except ValueError as error:
            yield {"error": f"not a JSON object: {error}; write one question per line"}
        else:
            yield explain(book, given)


def _decode(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"field {next(name for name in names if names.count(name) > 1)!r} is given twice; keep one")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

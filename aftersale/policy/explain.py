"""Questions in, explanations out: the JSON face of the policy book."""

import json
import re
import reprlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from aftersale.errors import AftersaleError, problems_of
from aftersale.inert import inert_json
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline, ExplainedDeadline
from aftersale.policy.facts import Question
from aftersale.times import local

SHOWN = tuple(name for name in ExplainedDeadline.model_fields if name not in Question.model_fields)
"""The fields of an answer, in the order in which they are written."""


_UNDECODED = re.compile("[\udc80-\udcff]")


def answer_as_json(deadline: Deadline) -> dict[str, Any]:
    """Return a deadline as `policy explain` answers it.

    Instants in the policy's zone, durations as the rule wrote them.
    """
    answer: dict[str, Any] = {name: getattr(deadline, name) for name in SHOWN}
    answer["due_at"] = deadline.due_at and local(deadline.due_at)
    answer["ordinary_due_at"] = local(deadline.ordinary_due_at)
    return answer


def explain(book: Book, given: object) -> dict[str, Any]:
    """Return the answer to one decoded question, or `{"error": …}` that names the field and the remedy."""
    try:
        return answer_as_json(book.ask(Question.model_validate(given)))
    except ValidationError as error:
        if not isinstance(given, dict):
            return {"error": 'a question is a JSON object such as {"clock": "merchant_review", "started_at": "…"}'}
        return {"error": "; ".join(str(problem) for problem in problems_of(error))}
    except AftersaleError as error:
        return {"error": str(error)}


def explain_bytes(book: Book, data: bytes) -> Iterator[dict[str, Any]]:
    """Return the answers to a file of questions; what is not UTF-8 is answered by an error in its place."""
    return explain_text(book, data.decode("utf-8-sig", "surrogateescape"))


def explain_text(book: Book, text: str) -> Iterator[dict[str, Any]]:
    """Return the answers to one JSON object, or to JSON Lines in their order; blank lines are skipped."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        yield {
            "error": 'no question given; write a JSON object such as {"clock": "merchant_review", "started_at": "…"}'
        }
    for asked in [text] if len(lines) > 1 and _is_one(text, lines) else lines:
        try:
            given = _decode(asked)
        except ValueError as error:
            yield {"error": f"not a JSON object: {error}; write one object per line"}
        else:
            yield explain(book, given)


def json_line(answer: dict[str, Any]) -> str:
    """Return an answer as one line of JSON: nothing in it ends a line, steers a terminal or cannot be encoded."""
    return inert_json(json.dumps(answer, ensure_ascii=False))


def _is_one(text: str, lines: list[str]) -> bool:
    """Tell whether many lines are one object, printed with indents.

    Also where it is broken, so that it is told once.
    """
    try:
        json.loads(text)
    except ValueError:
        return lines[0].strip() == "{" and not any(_is_object(line) for line in lines)
    except RecursionError:
        return False
    return True


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _decode(text: str) -> Any:
    if _UNDECODED.search(text):
        raise ValueError("it is not UTF-8; save it as UTF-8")
    try:
        return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno} " if error.lineno > 1 else ""
        raise ValueError(f"{error.msg} at {line}column {error.colno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"field {reprlib.repr(twice)} is given twice; keep one")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

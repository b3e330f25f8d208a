"""Worked examples put to the book: every [[example]] of a policy file is a test of it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from aftersale.errors import AftersaleError, BadInput, problems_of
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.rules import Example, PolicyFile, PresaleQuestion
from aftersale.times import local


def question(file: PolicyFile, example: Example) -> Question:
    """Return the question of an example, its instants in the file's zone. Raises BadInput where it is none."""
    try:
        return Question.model_validate(_in_zone(example.given, file.tz))
    except ValidationError as error:
        raise BadInput(problems_of(error, "given")) from None


def verdict(book: Book, file: PolicyFile, example: Example) -> str | None:
    """Say why the example does not come out, or None where it does."""
    if example.presale is not None:
        return _presale_verdict(book, file, example, example.presale)
    try:
        answer = book.ask(question(file, example))
    except AftersaleError as error:
        if example.error is not None and example.error in str(error):
            return None
        wanted = f"an error with {example.error!r}" if example.error else "an answer"
        return f"expects {wanted}, but the book refuses: {error}"
    differs = _differs(_expected(file, example), _answered(answer, example))
    if differs is None and example.because and not any(example.because in line for line in answer.because):
        return f"expects a reason with {example.because!r}, but the book explains: {'; '.join(answer.because)}"
    return differs


def _presale_verdict(book: Book, file: PolicyFile, example: Example, asked: PresaleQuestion) -> str | None:
    at, as_of = asked.at.replace(tzinfo=file.tz), asked.as_of and asked.as_of.replace(tzinfo=file.tz)
    try:
        answer = book.presale(at, asked.promise, as_of)
    except AftersaleError as error:
        return f"expects an answer, but the book refuses: {error}"
    if example.cap == answer.cap == "category" and not example.rules:
        # Ordinary either way: nobody took it away, or an older notice has given it back.
        answer = answer.model_copy(update={"rules": ()})
    return _differs(_presale_words(example), _presale_words(answer))


def _presale_words(given: Any) -> str:
    return f"allowed {given.allowed}, cap {given.cap} by {_names(given.rules)}"


def _expected(file: PolicyFile, example: Example) -> str:
    if example.error is not None:
        return f"an error with {example.error!r}"
    due = "waived" if example.due is None else f"due {local(example.due.replace(tzinfo=file.tz))}"
    return f"{due}{_end(example.exclusive)} by {_names(example.rules)}"


def _answered(answer: Deadline, example: Example) -> str:
    due = "waived" if answer.due_at is None else f"due {local(answer.due_at)}"
    return f"{due}{_end(answer.exclusive if example.exclusive is not None else None)} by {_names(answer.rules)}"


def _end(exclusive: bool | None) -> str:
    return {None: "", True: " exclusive", False: " inclusive"}[exclusive]


def _names(rules: tuple[str, ...]) -> str:
    return " ".join(rules) or "no rule"


def _differs(expected: str, answered: str) -> str | None:
    return None if expected == answered else f"expects {expected}, but the book answers {answered}"


def _in_zone(given: Any, zone: ZoneInfo) -> Any:
    if isinstance(given, datetime):
        return given.replace(tzinfo=zone)
    if isinstance(given, dict):
        return {name: _in_zone(each, zone) for name, each in given.items()}
    return [_in_zone(each, zone) for each in given] if isinstance(given, list) else given

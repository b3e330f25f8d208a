"""The book in the checkout, and small books made for one test."""

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.load import load, read
from aftersale.policy.rules import Example, PolicyFile
from aftersale.times import local, parse_instant

ROOT = Path(__file__).parents[2] / "policies"
BOOK = load(ROOT)
EXAMPLES = [(file, example) for file in BOOK.files for example in file.example]
OTHER_YEARS = [read(path) for path in sorted((ROOT / "examples").glob("*.toml"))]


def ask(clock: str, started_at: str, *, book: Book = BOOK, **given: Any) -> Deadline:
    """The book's answer to a question, written as JSON writes it."""
    return book.ask(Question.model_validate({"clock": clock, "started_at": started_at, **given}))


def due(answer: Deadline) -> str:
    """When the clock runs out, as people in the policy's zone read it."""
    assert answer.due_at is not None
    return local(answer.due_at)[:19]


def notice(
    *rules: dict[str, Any], windows: Mapping[str, tuple[str, str | None]] | None = None, **given: Any
) -> PolicyFile:
    """A notice made for one test: its rules bind the merchant's review unless they say otherwise."""
    return PolicyFile.model_validate(
        {
            "id": "notice",
            "title": {"en": "a notice made for a test"},
            "zone": "Asia/Shanghai",
            "tier": "notice",
            "announced": date(2024, 1, 1),
            "source": "made for a test",
            "window": [_window(name, *ends) for name, ends in (windows or {}).items()],
            "rule": [{"says": "a clause", "clock": "merchant_review", **rule} for rule in rules],
            **given,
        }
    )


def _window(name: str, start: str, end: str | None) -> dict[str, Any]:
    return {"id": name, "from": at(start)} | ({"to": at(end)} if end else {})


def with_notices(*notices: PolicyFile) -> Book:
    """The ordinary limits and agreements of the book, with these notices in the place of the published ones."""
    return Book([*(file for file in BOOK.files if file.tier in (None, "agreement")), *notices])


def at(text: str) -> datetime:
    """A date-time as a notice prints it."""
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    """An instant from what people in the policy's zone read."""
    return parse_instant(text)


def copied(target: Path) -> Path:
    """A copy of the policy book, to be spoilt."""
    return Path(shutil.copytree(ROOT, target / "policies"))


def by_name(name: str) -> tuple[PolicyFile, Example]:
    """The example of the book with this name, and its file."""
    return next((file, example) for file, example in EXAMPLES if example.name == name)


def crowded(others: int) -> Book:
    """The book with so many more notices, none of which concerns the merchant's review."""
    clocks = ["buyer_return", "escalation", "payout"]
    files = [
        notice(
            {"id": "N1", "clock": clocks, "effect": {"set": "P9D"}, "when": {"regions_any": [f"r{n}"]}},
            id=f"notice-{n}",
        )
        for n in range(others)
    ]
    return Book([*BOOK.files, *files])

"""Compare two books: the clocks that they answer differently, for which facts, by which rules. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

from aftersale.errors import AftersaleError
from aftersale.policy.authoring.samples import Preorder, preorders, questions
from aftersale.policy.book import Book, PresaleAnswer
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.times import local

A = TypeVar("A")

Answer = Deadline | PresaleAnswer | str
"""A deadline, a pre-sale's cap, or why the book refuses."""

_COMPARED = ("due_at", "waived", "exclusive", "rules", "on_timeout", "counts_for_score", "extension", "reminders")


@dataclass(frozen=True)
class Difference:
    """One question that two books answer differently."""

    asked: Question | Preorder
    old: Answer
    new: Answer

    @property
    def clock(self) -> str:
        """The clock that was asked for, or `presale`."""
        return str(self.asked.clock) if isinstance(self.asked, Question) else "presale"

    @property
    def moved(self) -> timedelta | None:
        """How far the deadline moves: later is positive; None where there is not one on each side."""
        old, new = _due(self.old), _due(self.new)
        return new - old if old and new else None

    @property
    def way(self) -> str:
        """What becomes different, in words, without how far."""
        if self.moved:
            return "later" if self.moved > timedelta() else "earlier"
        if isinstance(self.old, Deadline) and isinstance(self.new, Deadline):
            return _beside_the_instant(self.old, self.new)
        if isinstance(self.old, str) or isinstance(self.new, str):
            return "refused" if isinstance(self.new, str) else "answered"
        if isinstance(self.old, PresaleAnswer) and isinstance(self.new, PresaleAnswer) and self.old.cap != self.new.cap:
            return f"cap {self.new.cap} instead of {self.old.cap}"
        return "same cap: other rules"


def change(alike: Sequence[Difference]) -> str:
    """Return what becomes different in questions that differ the same way, with how far: `3 days to 8 days later`."""
    way = alike[0].way
    distances = sorted({abs(each.moved) for each in alike if each.moved})
    ends = dict.fromkeys(distance_in_words(each) for each in (*distances[:1], *distances[-1:]))
    return " ".join([*([" to ".join(ends)] if ends else []), way])


def differences(old: Book, new: Book) -> Iterator[Difference]:
    """Return every question, taken from either book, that the two answer differently.

    Asked are the examples of both, and for each clause both sides of every edge and each value of every fact it names:
    enough to find each clause that changed, not all the facts for which it does.
    """
    for asked in _once(chain(questions(old), questions(new))):
        before, after = _answer(old.ask, asked), _answer(new.ask, asked)
        if _compared(before) != _compared(after):
            yield Difference(asked, before, after)
    for preorder in dict.fromkeys(chain(preorders(old), preorders(new))):
        one, other = _answer(old.presale, *preorder), _answer(new.presale, *preorder)
        if one != other:
            yield Difference(preorder, one, other)


def settings(old: Book, new: Book) -> Iterator[tuple[str, str, str]]:
    """Give the figures of policy that are no clock of their own and differ: their name, the old one and the new one."""
    before, after = _figures(old), _figures(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, before.get(name, "none"), after.get(name, "none")


def facts_in_words(asked: Question | Preorder) -> str:
    """Return the facts of a question that differ from what is taken for granted: `started 2024-…, kind refund`."""
    if isinstance(asked, Preorder):
        known = f", as of {_wall(asked.as_of)}" if asked.as_of else ""
        return f"set {_wall(asked.at)}, promise {asked.promise}{known}"
    told = asked.model_dump(exclude_defaults=True, exclude={"clock"})
    return ", ".join(_flat({"started_at": told.pop("started_at"), **told}))


def answer_in_words(answer: Answer) -> str:
    """Say when the clock runs out, and by which rules."""
    match answer:
        case str():
            return f"refused: {answer}"
        case PresaleAnswer():
            return f"{'allowed' if answer.allowed else 'not allowed'}, cap {answer.cap}, {_by(answer.rules)}"
        case Deadline():
            return f"{_wall(answer.due_at) if answer.due_at else 'waived'}, {_by(answer.rules)}"


def distance_in_words(distance: timedelta) -> str:
    """Return an elapsed time as people say it: `18 days 3 h`."""
    minutes, seconds = divmod(distance.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = ((distance.days, "day" if distance.days == 1 else "days"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in units if count)


def _figures(book: Book) -> dict[str, str]:
    values = {str(row.id): row.value for file in book.binding for row in file.setting}
    values |= {str(row.id): str(row.most) for file in book.binding for row in file.ceiling}
    return values | {str(row.id): " ".join(row.words) for file in book.binding for row in file.keywords}


def _once(asked: Iterable[Question]) -> Iterator[Question]:
    """Return each question the first time it comes, and no sooner than it is wanted.

    A reader may stop at any difference.
    """
    seen = set[str]()
    for each in asked:
        if (written := each.model_dump_json()) not in seen:
            seen.add(written)
            yield each


def _answer(ask: Callable[..., A], *asked: object) -> A | str:
    try:
        return ask(*asked)
    except AftersaleError as error:
        return str(error)


def _compared(answer: Deadline | str) -> object:
    return answer if isinstance(answer, str) else [getattr(answer, name) for name in _COMPARED]


def _due(answer: Answer) -> datetime | None:
    return answer.due_at if isinstance(answer, Deadline) else None


def _beside_the_instant(old: Deadline, new: Deadline) -> str:
    """Return what differs while the instant does not move, or where one side has none."""
    if old.waived != new.waived:
        return "waived" if new.waived else "no longer waived"
    names = {"rules": "other rules", "on_timeout": f"{new.on_timeout} instead of {old.on_timeout}"}
    changed = [name for name in _COMPARED if getattr(old, name) != getattr(new, name)]
    return "same instant: " + ", ".join(names.get(name, f"other {name}") for name in changed)


def _by(rules: tuple[str, ...]) -> str:
    return f"by {' '.join(rules)}" if rules else "ordinary"


def _wall(instant: datetime) -> str:
    return local(instant)[:19].replace("T", " ")


def _flat(told: dict[str, Any], of: str = "") -> Iterator[str]:
    for field, value in told.items():
        name = of + field.removesuffix("_at").replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, "" if field == "order" else f"{name} ")
        elif isinstance(value, datetime):
            yield f"{name} {_wall(value)}"
        elif isinstance(value, tuple):
            yield f"{name} {' '.join(value) or 'none'}"
        else:
            yield f"{name} {'none' if value is None else str(value).lower() if isinstance(value, bool) else value}"

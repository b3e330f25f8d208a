"""Last year's notice moved to another year by an anchor day. Text in, text out: comments and layout stay. Pure.

A parser that gives TOML back with its comments would be one more dependency for what is a walk over four kinds of
token; whether the walk was right, the loader judges, which reads what it wrote.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from aftersale.errors import bad_input

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' r"'''.*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|" r"#[^\n]*|\n|[^\"'#\n]+", re.DOTALL
)
"""A string, a comment, a line's end, or what stands between them."""

_DAY = re.compile(r"(?<![\d-])(\d{4}-\d\d-\d\d)([Tt ]\d\d:\d\d:\d\d)?(?![\d-])")
_MONTH_AND_DAY = re.compile(r"(?<![\d-])(\d\d)-(\d\d)(?![\d-])")
_CODE = re.compile(r"[\"']+[\w./-]*[\"']+", re.ASCII)
_HEAD = re.compile(r"(id|status|source|supersedes|repealed)\s*=")
REVIEW = "  # review: "
"""What marks a line that someone has to hold against the new text."""

_OPENING = "# A draft, made from"


@dataclass(frozen=True)
class Anchor:
    """A day of the old year, and the day of the new one on which it falls."""

    old: date
    new: date

    @property
    def by(self) -> timedelta:
        """How far every date moves."""
        return self.new - self.old

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Return an anchor from `2024-02-10=2027-02-06`. Raises BadInput, with the form that is wanted."""
        days = text.split("=")
        try:
            old, new = (date.fromisoformat(day) for day in days)
        except ValueError:
            said = f"{text!r} is not two days; write the old day and the new one, such as 2024-02-10=2027-02-06"
            raise bad_input("--anchor", said) from None
        if old == new:
            raise bad_input("--anchor", "both days are the same; name the new year's")
        return cls(old, new)


def transpose(text: str, old_id: str, new_id: str, anchor: Anchor, supersedes: tuple[str, ...] = ()) -> tuple[str, int]:
    """Return the text of the new notice, a draft, and how many dates moved. Every line that changed keeps what it was.

    The new notice goes before the old one where both hold: a clause without an end would outlive its year.
    """
    yielding = ", ".join(f'"{each}"' for each in (old_id, *supersedes))
    rows = {
        "id": f'id = "{new_id}"',
        "status": 'status = "draft"',
        "supersedes": f"supersedes = [{yielding}]",
        "source": f'source = "no text yet: the clauses of {old_id}, {_days(anchor.by)}"{REVIEW}name the new notice',
    }
    lines = list(_headed(list(_lines(_unmarked(text), anchor)), rows))
    return "\n".join([*_preface(old_id, anchor), *(line for line, _ in lines)]), sum(dates for _, dates in lines)


def _unmarked(text: str) -> str:
    """Return the text without what an earlier draft added to it, so that a draft of a draft has one mark to a line."""
    if text.startswith(_OPENING):
        text = text.split("\n", 3)[3]
    return re.sub(rf"{REVIEW}[^\n]*", "", text)


def _preface(old_id: str, anchor: Anchor) -> list[str]:
    return [
        f"{_OPENING} {old_id} by `aftersale policy draft`: every date is {_days(anchor.by)},",
        f"# so that {anchor.old} falls on {anchor.new}. It binds nobody. A line marked `review` says what it was.",
        "# Once the new notice is published, hold each line to it and remove the mark; name the source, and publish.",
    ]


def _days(by: timedelta) -> str:
    return f"{abs(by.days)} days {'later' if by.days > 0 else 'earlier'}"


def _headed(lines: list[tuple[str, int]], rows: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Return the lines with the rows of the file's head in the place of the old ones, or after the id."""
    end = next((at for at, (line, _) in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    old = {found[1] for line, _ in lines[:end] if (found := _HEAD.match(line))}
    for at, (line, dates) in enumerate(lines):
        found = _HEAD.match(line) if at < end else None
        if found is None:
            yield line, dates
        elif found[1] in rows:
            yield rows[found[1]], 0
        if found is not None and found[1] == "id":
            yield from ((row, 0) for name, row in rows.items() if name not in old)


def _lines(text: str, anchor: Anchor) -> Iterator[tuple[str, int]]:
    """Return every line with its dates moved and, where any were, what they had been; with the number of its dates."""
    line, was = "", list[str]()
    for token in [*_TOKEN.findall(text), "\n"]:
        if token != "\n":
            line += _moved(token, anchor, was)
            continue
        yield line + (f"{REVIEW}was {', '.join(was)}" if was else ""), len(was)
        line, was = "", []


def _moved(token: str, anchor: Anchor, was: list[str]) -> str:
    """Return a token with its dates moved; in words also days without a year, and the year by itself.

    Notes what they were.
    """
    token = _DAY.sub(partial(_noted, was, lambda found: _later(found[1], anchor) + (found[2] or "")), token)
    if token[0] not in "\"'#" or _CODE.fullmatch(token):
        return token
    token = _MONTH_AND_DAY.sub(partial(_noted, was, partial(_nearest, anchor)), token)
    year = rf"(?<![\d-]){anchor.old.year}(?![\d-])"
    return re.sub(year, partial(_noted, was, lambda _: str(anchor.new.year)), token)


def _noted(was: list[str], move: Callable[[re.Match[str]], str], found: re.Match[str]) -> str:
    moved = move(found)
    if moved != found[0]:
        was.append(found[0])
    return moved


def _later(day: str, anchor: Anchor) -> str:
    try:
        return (date.fromisoformat(day) + anchor.by).isoformat()
    except OverflowError:
        raise bad_input("--anchor", f"moves {day} beyond the calendar; name a nearer day") from None
    except ValueError:
        return day  # digits in a comment that are no day of the calendar


def _nearest(anchor: Anchor, found: re.Match[str]) -> str:
    """Give a day that is printed without its year: of the years around the anchor, the one in which it lies closest."""
    days = []
    for year in (anchor.old.year - 1, anchor.old.year, anchor.old.year + 1):
        try:
            days.append(date(year, int(found[1]), int(found[2])))
        except ValueError:
            continue
    if not days:
        return found[0]
    return (min(days, key=lambda day: abs(day - anchor.old)) + anchor.by).isoformat()[5:]

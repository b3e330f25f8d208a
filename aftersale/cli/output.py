"""Print answers to a terminal: text that parties wrote made inert, tables, one line of JSON."""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from aftersale.policy.explain import json_line

WIDTH = 160
"""The width of a table where no terminal says how wide it is."""

_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's control, format, surrogate and separator characters: escape sequences, changes of direction, line ends."""

_UNITS = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600))
"""How a distance in time is counted, in seconds: the unit, its size, and up to where it serves."""


def say(text: str, *, nl: bool = True) -> None:
    """Print on standard output, in UTF-8: a terminal that claims ASCII still gets the Chinese terms."""
    typer.echo(text.encode(errors="backslashreplace"), nl=nl)


def say_json(answer: dict[str, Any]) -> None:
    """Print an answer as one line of JSON."""
    say(json_line(answer))


def warn(text: str) -> None:
    """Print on standard error what is to be known beside the answer, or instead of it."""
    typer.echo(f"aftersale: {inert(text)}", err=True)


def draw(*parts: RenderableType, width: int = WIDTH) -> None:
    """Print tables and texts: as wide as the terminal, or `width` where there is none."""
    console = Console(width=None if sys.stdout.isatty() else width)
    with console.capture() as drawn:
        console.print(*parts)
    say(drawn.get(), nl=False)


def table(title: str, columns: Sequence[str | Column], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table of texts, each made inert."""
    made = Table(*columns, title=title, title_justify="left")
    for row in rows:
        made.add_row(*(Text(inert(str(cell))) for cell in row))
    return made


def inert(text: str) -> str:
    """Text that parties wrote, for a terminal: what would steer it, or reorder a line, is shown instead of obeyed."""
    if text.isprintable():
        return text
    return "".join(
        repr(character)[1:-1] if character != "\n" and unicodedata.category(character) in _STEERING else character
        for character in text
    )


def from_now(instant: datetime, now: datetime) -> str:
    """Say how far off an instant is, in its largest whole unit: `in 3 h`, `12 min ago`."""
    seconds = int((instant - now).total_seconds())
    count = abs(seconds)
    unit, size = next(((unit, size) for unit, size, upto in _UNITS if count < upto), ("d", 24 * 3600))
    return f"in {count // size} {unit}" if seconds >= 0 else f"{count // size} {unit} ago"

"""Print answers to a terminal: text that parties wrote made inert, tables, one line of JSON."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from aftersale.inert import inert, inert_json
from aftersale.policy.explain import json_line
from aftersale.schema import Schema

WIDTH = 160
"""The width of a table where no terminal says how wide it is."""

_UNITS = (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 48 * 3600))
"""How a distance in time is counted, in seconds: the unit, its size, and up to where it serves."""


def say(text: str, *, nl: bool = True) -> None:
    """Print on standard output, in UTF-8: a terminal that claims ASCII still gets the Chinese terms."""
    typer.echo(text.encode(errors="backslashreplace"), nl=nl)


def say_json(*answers: dict[str, Any] | Schema) -> None:
    """Print answers as lines of JSON, with what would steer a terminal as escapes."""
    say("\n".join(as_json_line(each) for each in answers))


def as_json_line(answer: dict[str, Any] | Schema) -> str:
    """Return an answer as one line of JSON."""
    return json_line(answer) if isinstance(answer, dict) else inert_json(answer.model_dump_json())


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


def from_now(instant: datetime, now: datetime) -> str:
    """Say how far off an instant is, in its largest whole unit: `in 3 h`, `12 min ago`."""
    seconds = int((instant - now).total_seconds())
    count = abs(seconds)
    unit, size = next(((unit, size) for unit, size, upto in _UNITS if count < upto), ("d", 24 * 3600))
    return f"in {count // size} {unit}" if seconds >= 0 else f"{count // size} {unit} ago"

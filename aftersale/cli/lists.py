"""`aftersale list` and `due`: open cases, the most urgent first, read from the records and never from Temporal."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BeforeValidator
from rich.table import Column, Table
from rich.text import Text

from aftersale.cli.connections import on_records
from aftersale.cli.errors import AsJson, report_errors
from aftersale.cli.inputs import options
from aftersale.cli.output import as_json_line, draw, from_now, say, say_json
from aftersale.errors import bad_input
from aftersale.inert import inert
from aftersale.schema import Duration, Id, Instant, Schema, is_id
from aftersale.times import floor, local, parse_instant, span
from aftersale.vocabulary import State

if TYPE_CHECKING:
    from aftersale.records import CaseLine, Place

    Find = Callable[..., list[CaseLine]]

PAGE = 100
"""How many cases a page holds unless it is asked for another number."""

LARGEST_PAGE = 10_000

_SWEEP = 1000
"""How many cases are read at a time where all are asked for."""

_WIDE = 400
"""The width where no terminal says how wide it is: each case has one line, for programs that look for it."""

_UNDATED = "undated"

_COLUMNS = ("case", "kind", "state", "whose move", "respond by", "from now", "if silent", "merchant", "minor units")

Merchant = Annotated[str | None, typer.Option(metavar="ID", help="Only this merchant's cases.")]
Limit = Annotated[int | None, typer.Option(min=1, max=LARGEST_PAGE, help=f"How many cases; {PAGE} unless given.")]
After = Annotated[str | None, typer.Option(metavar="PLACE", help="Go on where a page ended: its `next`.")]
All = Annotated[bool, typer.Option("--all", help="Every case on a line: JSON Lines, or rows parted by tabs.")]


def _place(text: str) -> tuple[datetime | None, str]:
    """Return the place in a list that a text names, as `_named` writes it."""
    due, _, case_id = text.partition("/")
    try:
        respond_by = None if due == _UNDATED else parse_instant(due)
    except ValueError:
        case_id = ""
    if not is_id(case_id):
        raise ValueError("is no place in a list; write the `next` of the page before as it stands there")
    return respond_by, case_id


def _named(place: "Place") -> str:
    return f"{local(place.respond_by) if place.respond_by else _UNDATED}/{place.case_id}"


class CaseQuery(Schema):
    """The options of a list: which cases, and which part of them."""

    state: State | None = None
    merchant: Id | None = None
    due_before: Instant | None = None
    within: Duration | None = None
    after: Annotated[tuple[datetime | None, str], BeforeValidator(_place)] | None = None


def list_(
    state: Annotated[State | None, typer.Option(help="Only cases in this state; else those that are open.")] = None,
    merchant: Merchant = None,
    due_before: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Only what is due before: 2024-02-01T00:00:00.")
    ] = None,
    limit: Limit = None,
    after: After = None,
    all_: All = False,
    as_json: AsJson = False,
) -> None:
    """List open cases by urgency, from the records: what is due first comes first, what has no deadline last."""
    with report_errors(as_json):
        wanted = options(CaseQuery, state=state, merchant=merchant, due_before=due_before, after=after)
        _answer(wanted, limit, all_, as_json)


def list_due(
    within: Annotated[str, typer.Option(metavar="DURATION", help="How far to look ahead.")] = "PT24H",
    merchant: Merchant = None,
    limit: Limit = None,
    after: After = None,
    all_: All = False,
    as_json: AsJson = False,
) -> None:
    """List open cases whose deadline is near or past, from the records, the most urgent first."""
    with report_errors(as_json):
        wanted = options(CaseQuery, within=within, merchant=merchant, after=after)
        _answer(wanted, limit, all_, as_json)


def _answer(wanted: CaseQuery, limit: int | None, all_: bool, as_json: bool) -> None:
    """Find what is wanted and print it."""
    if all_ and limit is not None:
        raise bad_input("--limit", "has no meaning beside --all; leave one of them out")
    now = floor(datetime.now(UTC))
    before = now + span(wanted.within) if wanted.within else wanted.due_before
    with on_records() as kept:
        from aftersale.records import Place

        find = partial(kept.cases.find, state=wanted.state, merchant=wanted.merchant, due_before=before)
        after = Place(*wanted.after) if wanted.after else None
        if all_:
            _print_all(find, after, now, as_json)
        else:
            _print_page(find, limit or PAGE, after, now, as_json)


def _print_page(find: "Find", limit: int, after: "Place | None", now: datetime, as_json: bool) -> None:
    lines = find(limit=limit + 1, after=after)  # one more tells whether there is more
    more = _named(lines[limit - 1].place) if len(lines) > limit else None
    lines = lines[:limit]
    if as_json:
        say_json({"cases": [line.model_dump(mode="json") for line in lines], "next": more})
    elif not lines:
        say("no cases")
    else:
        draw(_table(lines, now), *([Text(f"more: --after {more}")] if more else []), width=_WIDE)


def _print_all(find: "Find", after: "Place | None", now: datetime, as_json: bool) -> None:
    if not as_json:
        say("\t".join(_COLUMNS))
    for page in _pages(find, after):
        said = [as_json_line(line) if as_json else "\t".join(_cells(line, now)) for line in page]
        say("\n".join(said))


def _pages(find: "Find", after: "Place | None") -> "Iterator[list[CaseLine]]":
    while page := find(limit=_SWEEP, after=after):
        yield page
        after = page[-1].place


def _table(lines: "list[CaseLine]", now: datetime) -> Table:
    # A narrow terminal folds words rather than cut them short; an instant is the last to give way.
    columns = [Column(name, overflow="fold", no_wrap=name == "respond by") for name in _COLUMNS]
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.columns[-1].justify = "right"
    for line in lines:
        late = line.respond_by is not None and line.respond_by < now
        table.add_row(*map(Text, _cells(line, now)), style="red" if late else None)
    return table


def _cells(line: "CaseLine", now: datetime) -> list[str]:
    """Return a case in words, in the order of the columns."""
    away = from_now(line.respond_by, now) if line.respond_by else ""
    cells = [
        line.case_id,
        line.kind.words,
        line.state.words,
        line.party.words if line.party else "",
        local(line.respond_by) if line.respond_by else "",
        "on hold" if line.held_since else away,
        line.on_timeout.words if line.on_timeout else "",
        line.merchant_id or "",
        f"{line.amount_minor} {line.currency or ''}".strip(),
    ]
    return [inert(cell) for cell in cells]

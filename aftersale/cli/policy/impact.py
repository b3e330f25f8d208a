"""`aftersale policy impact`: what publishing a notice would do to the cases that are open. Changes nothing."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from aftersale.cli.connections import on_records
from aftersale.cli.errors import AsJson, report_errors
from aftersale.cli.inputs import instant
from aftersale.cli.output import draw, say_json, table
from aftersale.cli.policy.diff import sides
from aftersale.inert import inert
from aftersale.policy.authoring.diff import distance_in_words
from aftersale.policy.authoring.impact import Impact, Way, publication_instant
from aftersale.policy.running import RunningCase
from aftersale.times import duration, floor, local

if TYPE_CHECKING:
    from aftersale.records import Records

_PAGE = 1000
"""How many cases are read at a time."""

_MOST_MERCHANTS = 10
"""How many merchants a table shows; JSON has them all."""

_REMARKS = {
    Way.RUN_OUT: "have run out by then, and are left alone",
    Way.UNANSWERED: "have no answer in the new book, and would wait for one",
    Way.UNKNOWN: "open cases were last written by an older version, and are not counted until their next turn",
}


def impact(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy file to join the book in use, or a book.")],
    at: Annotated[
        str | None, typer.Option(help="As if published then; absent, now, or the day on which it is announced.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how many deadlines of open cases a notice would move, how far, and whose, from the records. Changes nothing.

    The file is tried as if in force, in the place of the file with its id.
    """
    with report_errors(as_json):
        published_at = instant("--at", at)
        old, new = sides(file, None)
        found = Impact(old, new, published_at or publication_instant(old, new, floor(datetime.now(UTC))))
        with on_records() as kept:
            _add_all(found, kept, quiet=as_json)
    if as_json:
        say_json(_plain(found))
        return
    tables = [_table("kind", found.by_kind), _table("state", found.by_state), _table("merchant", found.by_merchant)]
    draw(Text(inert("\n".join(_sentences(found)))), *(tables if found.moved else []))


def _add_all(found: Impact, kept: "Records", *, quiet: bool) -> None:
    """Go through all open cases, with a bar where somebody watches."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
        bar = progress.add_task("open cases", total=kept.cases.count_running())
        for page in _pages(kept):
            found.add(page)
            progress.advance(bar, len(page))


def _pages(kept: "Records") -> Iterator[Sequence[RunningCase]]:
    after = ""
    while page := kept.cases.running_clocks(after, _PAGE):
        yield page
        after = page[-1].case_id


def _sentences(found: Impact) -> Iterator[str]:
    yield f"{found.old.version} → {found.new.version}, as if published {local(found.at)}"
    clocks = sum(found.clocks.values()) - found.clocks[Way.UNKNOWN]
    moved = f"{found.moved} deadlines move, in {found.cases_moved} cases"
    yield f"{found.cases} open cases, {clocks} running clocks: {moved}"
    for way in (Way.LATER, Way.EARLIER):
        if (span := found.span(way)) is not None:
            shortest, median, longest = (distance_in_words(each) or "nothing" for each in span)
            yield f"{way}: {found.clocks[way]}, by {shortest} to {longest}, the median {median}"
    for way in (Way.WAIVED, Way.NO_LONGER_WAIVED):
        if found.clocks[way]:
            yield f"{way.replace('_', ' ')}: {found.clocks[way]}"
    if found.past:
        yield f"{found.past} of them lie in the past then, and leave the grace instead"
    if found.owed:
        yield f"{found.owed} of them would move by the book in use already: its rollout has not reached their cases"
    for way, says in _REMARKS.items():
        if found.clocks[way]:
            yield f"{found.clocks[way]} {says}"


def _table(name: str, counts: Counter[Any]) -> Table:
    shown = counts.most_common(_MOST_MERCHANTS if name == "merchant" else None)
    rows = [(getattr(each, "words", None) or each or "unknown", count) for each, count in shown]
    if left := len(counts) - len(shown):
        rows.append((f"{left} more", counts.total() - sum(count for _, count in shown)))
    return table(f"By {name}", (name, "deadlines that move"), rows)


def _plain(found: Impact) -> dict[str, Any]:
    return {
        "old": found.old.version,
        "new": found.new.version,
        "at": local(found.at),
        "cases": found.cases,
        "cases_moved": found.cases_moved,
        "moved": found.moved,
        **{way.value: found.clocks[way] for way in Way},
        "distances": {way.value: _distances(found, way) for way in (Way.LATER, Way.EARLIER)},
        "past": found.past,
        "owed": found.owed,
        "by_kind": _ordered(found.by_kind),
        "by_state": _ordered(found.by_state),
        "by_merchant": _ordered(found.by_merchant),
    }


def _distances(found: Impact, way: Way) -> dict[str, str] | None:
    span = found.span(way)
    return span and dict(zip(("shortest", "median", "longest"), map(duration, span), strict=True))


def _ordered(counts: Counter[Any]) -> dict[str, int]:
    return {str(each or "unknown"): count for each, count in counts.most_common()}

"""`aftersale policy rollout`: have running cases ask a published book again, stop that, and see how far it has come."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bars

from aftersale.cli.connections import on_cases
from aftersale.cli.errors import REFUSED, AsJson, report_errors, words
from aftersale.cli.output import say, say_json, warn
from aftersale.errors import NoAnswer, bad_input
from aftersale.inert import inert
from aftersale.policy.load import default_root, load
from aftersale.policy.revisions import MOST_REVISION
from aftersale.policy.rollout import Progress, Step, lines

if TYPE_CHECKING:
    from aftersale.client import Cases

_LOOK_AGAIN = 1.0
"""Seconds between two looks at a rollout that is waited for."""


def rollout(
    revision: Annotated[
        int | None, typer.Option(min=1, max=MOST_REVISION, help="Which revision; that of the book in use unless given.")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="How many cases to tell in a second; 20 unless given.")] = None,
    batch: Annotated[int | None, typer.Option(help="How many in one batch; 200 unless given.")] = None,
    most_errors: Annotated[int | None, typer.Option(help="Halt beyond so many errors; 20 unless given.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is done, halts or is stopped.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="The same, and say meanwhile where it stands.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop after the batch in hand; starting goes on.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say where it stands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Roll a published policy book out: running cases ask it again, batch by batch, once every worker has it.

    Safe to repeat: a rollout that stopped or halted goes on where it was, one that runs is left alone. Exit status 1
    where it halted, was stopped or superseded, or missed cases; and where another book has that revision.
    """
    with report_errors(as_json):
        if stop + status + (wait or follow) > 1:
            said = "--stop, --status and --wait or --follow exclude one another; leave all but one out"
            raise bad_input("", said)
        number, version = _book_in_use() if revision is None else (revision, None)
        given = {"rate": rate, "batch": batch, "most_errors": most_errors}
        pace = {name: value for name, value in given.items() if value is not None}

        async def work(cases: "Cases") -> tuple[Progress, str | None]:
            if stop:
                return await cases.rollouts.stop(number), None
            if status:
                return await _seen(cases, number)
            begun = await cases.rollouts.start(number, version=version, **pace)
            if wait or follow:
                return await _watched(cases, begun, quiet=not follow, as_json=as_json), None
            return begun, None

        found, holdup = on_cases(work)
    _show(found, holdup, as_json)
    unsettled = found.waits or found.step is Step.SUPERSEDED or (found.step.is_end and found.missed)
    raise typer.Exit(REFUSED if unsettled and not stop else 0)


def _book_in_use() -> tuple[int, str]:
    """Return the revision and the version of the book in use: under its number no other content is rolled out."""
    book = load(default_root())
    return book.revision, book.version


def _show(found: Progress, holdup: str | None, as_json: bool) -> None:
    if as_json:
        say_json(found.model_dump(mode="json") | {"holdup": holdup})
        return
    say(inert("\n".join(lines(found))))
    if holdup:
        warn(holdup)


async def _looked_at(cases: "Cases", revision: int, before: Progress) -> tuple[Progress, str | None]:
    """Say how far a rollout is; who watches does not leave because an answer is late: workers have their hands full."""
    try:
        return await _seen(cases, revision)
    except NoAnswer as error:
        return before, words(error)


async def _seen(cases: "Cases", revision: int) -> tuple[Progress, str | None]:
    """Say how far a rollout is, and what holds it up."""
    found = await cases.rollouts.progress(revision)
    return found, None if found.step.is_end else await cases.rollouts.holdup(revision)


async def _watched(cases: "Cases", found: Progress, *, quiet: bool, as_json: bool) -> Progress:
    """Return the rollout once it has ended or waits for somebody.

    A bar where somebody watches, else a line for each change.
    """
    drawn = not quiet and not as_json and sys.stderr.isatty()
    revision, said = found.revision, None
    with Bars(console=Console(stderr=True), transient=True, disable=not drawn) as bars:
        bar = bars.add_task(f"revision {revision}", total=None)
        while True:
            found, holdup = await _looked_at(cases, revision, found)
            if found.step.is_end or found.waits:
                return found
            met = found.told + found.gone
            bars.update(bar, total=found.expected or None, completed=met, description=holdup or found.step.words)
            if not (quiet or drawn) and said != (said := (found, holdup)):
                _show(found, holdup, as_json)
            await asyncio.sleep(_LOOK_AGAIN)

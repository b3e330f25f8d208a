"""The tour: example cases on the calendar of the Spring Festival 2024, through a real Temporal server.

Each case file says what happens when, and which deadline must stand then. The tour fails where any differs.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import Field, ValidationError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from aftersale.cli.output import WIDTH
from aftersale.contract.status import Entry, Status
from aftersale.errors import AftersaleError, BadInput, Refusal, bad_input, problems_of
from aftersale.policy.service_terms import Compensation
from aftersale.schema import Instant, Schema
from aftersale.temporal.worker import run
from aftersale.times import local
from aftersale.vocabulary import CaseKind, ClaimType, Clock, CloseReason, Command, Outcome, RefundState, State
from trial.environment import Live, Workplace, workplace
from trial.server import ServerUnavailable

CASES = Path(__file__).parent / "cases"

MOST_SECONDS = 120
"""How long one case may take, in real time."""


class Expected(Schema):
    """A deadline that must stand."""

    clock: Clock
    due: Instant
    rules: tuple[str, ...] = ()


class Step(Schema):
    """One thing that happens: a command, a scan, a policy published, a decline by the payment service, or only time."""

    at: Instant
    do: Command | None = None
    by: Annotated[str, Field(pattern=r"^\w+:[\w.-]+$")] | None = None
    give: dict[str, Any] = {}
    scan: dict[str, str] | None = None
    published: int | None = None
    decline: str | None = None
    refused: str | None = None
    state: State | None = None
    refund: RefundState | None = None
    deadlines: tuple[Expected, ...] = ()


class Story(Schema):
    """A case file; `worth` is what claims are worth, where the book in use leaves that to a person."""

    title: str
    about: str
    kind: CaseKind
    decisions: tuple[dict[str, Any], ...] = ()
    worth: dict[ClaimType, Compensation] = {}
    opened_at: Instant
    request: dict[str, Any]
    deadlines: tuple[Expected, ...] = ()
    steps: tuple[Step, ...]
    ends: Outcome | CloseReason
    refund: RefundState | None = None


class Difference(Exception):
    """What a case did differs from what its file says."""


def stories(folder: Path = CASES) -> list[Story]:
    """Return the example cases, in the order of their files. Raises BadInput naming the file that is wrong."""
    return [_story(file) for file in sorted(folder.glob("*.json"))]


def _story(file: Path) -> Story:
    try:
        return Story.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise BadInput(problems_of(error, prefix=file.name)) from None


Reasons = dict[tuple[Clock, datetime | None], tuple[str, ...]]
"""Why a clock runs out when it does, as the book explained it."""


async def play(place: Workplace, story: Story) -> tuple[Status, Reasons]:
    """Play one case to its end. Raises Difference where a deadline, a state or the end is not as written."""
    await prepare(place, story)
    return await follow(place, await place.open(story.kind, story.request, story.opened_at), story)


async def prepare(place: Workplace, story: Story) -> None:
    """Have the approvals service decide as the story says."""
    async with httpx.AsyncClient(base_url=place.platform_url) as http:
        for decision in story.decisions:
            (await http.post("/decisions", json=decision)).raise_for_status()


async def follow(place: Workplace, live: Live, story: Story) -> tuple[Status, Reasons]:
    """Take an opened case through its story. Raises Difference."""
    status = await live.status()
    reasons = _reasons(status)
    _compare(story.title, "on opening", status, story.deadlines)
    for step in story.steps:
        when = f"at {local(step.at)}"
        await live.until(step.at)
        await _happen(place, live, step, when)
        status = await _paid(live, step)
        if step.state not in (None, status.state):
            raise Difference(f"{story.title}: {when} the case is in {status.state}, its file says {step.state}")
        _compare(story.title, when, status, step.deadlines)
        reasons |= _reasons(status)
    status = await asyncio.wait_for(live.handle.result(), timeout=MOST_SECONDS)
    if (status.outcome or status.close_reason) != story.ends:
        raise Difference(f"{story.title}: ended {status.outcome or status.close_reason}, its file says {story.ends}")
    if story.refund not in (None, status.refund.status):
        raise Difference(f"{story.title}: the money is {status.refund.status}, its file says {story.refund}")
    return status, reasons


async def _paid(live: Live, step: Step) -> Status:
    """Return the status, once the money is where the step says: nobody who acts waits for an advance."""
    while step.refund not in (None, (status := await live.status()).refund.status):
        await asyncio.sleep(0.05)
    return status


def _reasons(status: Status) -> Reasons:
    return {(view.clock, view.due_at): view.because for view in status.deadlines}


async def _happen(place: Workplace, live: Live, step: Step, when: str) -> None:
    if step.decline:
        fault = {"path": "/refunds", "fault": "decline", "reason": step.decline}
        async with httpx.AsyncClient(base_url=place.platform_url) as http:
            (await http.post("/faults", json=fault)).raise_for_status()
    if step.scan:
        await live.scan(at=step.at, event_id=f"scan-{int(step.at.timestamp())}", **step.scan)
    if step.published is not None:
        await live.handle.signal("policy_published", {"revision": step.published})
        await live.when_settled()
    if step.do and step.by:
        party, _, reference = step.by.partition(":")
        refusal = None
        try:
            await live.act(step.do, party, reference, occurred_at=local(step.at), **step.give)
        except Refusal as error:
            refusal = error
        if step.refused != (refusal.code if refusal else None):
            raise Difference(
                f"{when} {step.do} was answered {refusal or 'taken'}, its file says {step.refused or 'taken'}"
            )
    if step.do in (Command.CONFIRM_RECEIPT, Command.RETRY_REFUND):
        await _settled(live)


async def _settled(live: Live) -> None:
    """Wait for the payment service: it lives in real time, not on the calendar."""
    while (await live.status()).state is State.REFUNDING:
        await asyncio.sleep(0.02)


def _compare(title: str, when: str, status: Status, expected: Sequence[Expected]) -> None:
    found = {view.clock: view for view in status.deadlines}
    for wanted in expected:
        view = found.get(wanted.clock)
        stands = f"{local(view.due_at)} by {view.rules}" if view and view.due_at else "not running"
        if view is None or view.due_at != wanted.due or view.rules != wanted.rules:
            said = f"{local(wanted.due)} by {wanted.rules}"
            raise Difference(f"{title}: {when} {wanted.clock} is {stands}, its file says {said}")


def timeline(status: Status, reasons: Reasons) -> Table:
    """Return the case's timeline: local time, who, what, and for a deadline its instant, the rule and why."""
    table = Table("when", "who", "what", "deadline", "rule", "why")
    for entry in status.timeline:
        table.add_row(local(entry.at)[:19], entry.by, Text(_what(entry)), *_deadline(entry, reasons))
    return table


def _what(entry: Entry) -> str:
    if entry.clock is None or entry.event not in ("DeadlineSet", "DeadlineChanged"):
        return entry.says
    changed = f", was {local(entry.previous_due_at)[:19]}" if entry.previous_due_at else ""
    return f"{entry.clock.words}{changed}"


def _deadline(entry: Entry, reasons: Reasons) -> tuple[str, str, Text]:
    if entry.clock is None:
        return "", "", Text()
    because = reasons.get((entry.clock, entry.due_at), ())
    due = local(entry.due_at)[:19] if entry.due_at else ""
    return due, " ".join(entry.rules or ()) or "ordinary", Text("\n".join(because[:-1]), style="dim")


async def tour(console: Console, told: Sequence[Story]) -> int:
    """Play every case and print it; the number of cases that differ from their files."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("playing cases", total=len(told))
        async with workplace(Path(folder)) as place:
            for number, story in enumerate(told, 1):
                bar.update(task, description=f"playing {number} of {len(told)}: {story.title}")
                console.rule(f"{number} of {len(told)}  {story.title}")
                console.print(Text(story.about))
                try:
                    async with asyncio.timeout(MOST_SECONDS):
                        console.print(timeline(*await play(place, story)))
                except (Difference, Refusal, TimeoutError) as difference:
                    failures += 1
                    said = str(difference) or f"{story.title}: did not end within {MOST_SECONDS} s"
                    console.print(Text.assemble(("DIFFERS", "red"), " ", said))
                bar.advance(task)
    agreed = len(told) - failures
    console.print(f"{agreed} of {len(told)} cases went as written, every deadline to the second.")
    return failures


def main(folder: Path = CASES) -> int:
    """Play the cases of a folder; exit status 1 where one differs from its file, or none can be played."""
    try:
        told = stories(folder)
        if not told:
            raise bad_input(str(folder), "holds no case files; name a folder with *.json")
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        return 1 if run(tour(console, told)) else 0
    except (AftersaleError, ServerUnavailable) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1

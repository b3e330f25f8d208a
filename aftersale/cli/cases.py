"""`aftersale open`, `show` and `act`: one case, opened, looked at, moved on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from aftersale.case.turn import reassemble
from aftersale.cli.connections import on_cases, on_records
from aftersale.cli.errors import REFUSED, AsJson, report_errors
from aftersale.cli.inputs import decode, json_of, with_actor
from aftersale.cli.output import draw, say_json, table
from aftersale.contract.commands import parse, read
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Entry, Status
from aftersale.errors import AftersaleError, CaseNotFound
from aftersale.inert import inert
from aftersale.times import local
from aftersale.vocabulary import CaseKind, Command

CaseId = Annotated[str, typer.Argument(metavar="ID", help="The case's id.")]
Source = Annotated[str, typer.Argument(metavar="FILE|-", help="A JSON file; - is standard input.")]


def open_(
    file: Source,
    kind: Annotated[CaseKind, typer.Option(help="What the buyer asks for.")] = CaseKind.RETURN,
    as_json: AsJson = False,
) -> None:
    """Open a case from a request, or find the one that the same request opened."""
    with report_errors(as_json):
        request = read(CaseRequest, json_of(file), "request")
        status = on_cases(lambda cases: cases.open(kind, request))
    _show(status, as_json)
    if status.problems:
        raise typer.Exit(REFUSED)


def show(
    case_id: CaseId,
    live: Annotated[bool, typer.Option("--live", help="Ask the case's workflow, which needs a worker.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where a case stands, whose move it is, and how it came here, from the records."""
    with report_errors(as_json):
        if live:
            status, written_at = on_cases(lambda cases: cases.status(case_id, live=True)), None
        else:
            status, written_at = _recorded(case_id)
    _show(status, as_json, written_at)


def act(
    case_id: CaseId,
    command: Annotated[Command, typer.Argument(help="What to do.")],
    payload: Annotated[
        str | None,
        typer.Option("--json", metavar="PAYLOAD", help="The command's fields as JSON, or - ; the answer is JSON then."),
    ] = None,
    actor: Annotated[str | None, typer.Option("--as", metavar="PARTY:ID", help="Who acts: merchant:M-7.")] = None,
    request_id: Annotated[
        str | None, typer.Option(help="A repeat under it is applied once, and other content refused.")
    ] = None,
) -> None:
    """Give a case a command, such as approve, ship_back or hold."""
    as_json = payload is not None
    with report_errors(as_json):
        given = json_of("-") if payload == "-" else decode(payload or "{}", "--json")
        wanted = parse(command, with_actor(given, actor))
        status = on_cases(lambda cases: cases.act(case_id, wanted, request_id=request_id))
    _show(status, as_json)


def _recorded(case_id: str) -> tuple[Status, datetime]:
    """Return the case as its records tell it, and when that was written. Raises CaseNotFound, and as `on_records`."""
    try:
        with on_records() as kept:
            turns = kept.turns.of(case_id)
    except AftersaleError as error:
        error.add_note("or ask the case itself with --live")
        raise
    status = reassemble([written.turn for written in turns])
    if status is None:
        remedy = "check its id, and AFTERSALE_RECORDS_URL; one that waits to be let in answers with --live"
        raise CaseNotFound(f"case {case_id} is not in the records; {remedy}")
    return status, turns[-1].written_at


def _show(status: Status, as_json: bool, written_at: datetime | None = None) -> None:
    if as_json:
        say_json(status)
        return
    tables = (_deadlines(status), timeline_of(status.timeline))
    draw(_head(status, written_at), *(each for each in tables if each.row_count))


def _head(status: Status, written_at: datetime | None) -> Text:
    """Return the case in a few lines; as of when, if it comes from the records."""
    lines = [f"{status.case_id}  {status.kind.words}  {status.state.words}"]
    lines += [f"refused: {problem}" for problem in status.problems]
    ended = status.outcome or status.close_reason
    if ended:
        lines.append(f"ended: {ended.words}")
    if status.next.party:
        moves = ", ".join(status.next.commands) or "nothing to do"
        lines.append(f"next: {status.next.party.words}: {moves}")
    if status.next.respond_by and status.next.on_timeout:
        lines.append(f"respond by {local(status.next.respond_by)}, else {status.next.on_timeout.words}")
    if status.held_since:
        lines.append(f"on hold since {local(status.held_since)}")
    money = status.refund
    lines.append(f"refund: {money.status.words}, {money.amount_minor} {money.currency or ''} minor")
    if written_at:
        lines.append(f"as recorded at {local(written_at)}")
    return Text(inert("\n".join(lines)))


def _deadlines(status: Status) -> Table:
    rows = ((view.clock.words, *view.figures, "\n".join(view.because)) for view in status.deadlines)
    return table("Deadlines", ("clock", "due", "limit", "rules", "why"), rows)


def timeline_of(entries: Sequence[Entry]) -> Table:
    """Return a timeline as a table: when in local time, who, what."""
    rows = []
    for entry in entries:
        late = f" (reported {local(entry.recorded_at)})" if entry.late_report else ""
        rows.append((local(entry.at), entry.by, f"{entry.says}{late}"))
    return table("Timeline", ("when", "who", "what"), rows)

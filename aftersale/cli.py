"""The `aftersale` command: open cases, look at them, move them on, and ask the policy book.

Answers are tables for people, or JSON with `--json`. Exit status 0: done; 1: refused by the case; 2: wrong input, or
no answer. Temporal is imported only by the commands that need it.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aftersale.case import Status
from aftersale.cli_policy import FAULTY, WIDTH, AsJson, policy
from aftersale.commands import parse
from aftersale.errors import AftersaleError, BadInput, Problem
from aftersale.kinds import CaseKind, Command
from aftersale.times import local

if TYPE_CHECKING:
    from aftersale.client import Cases

T = TypeVar("T")

REFUSED = 1

app = typer.Typer(help="After-sale cases, and the policy book that sets their clocks.", no_args_is_help=True)
app.add_typer(policy)

CaseId = Annotated[str, typer.Argument(metavar="ID", help="The case's id.")]
Source = Annotated[str, typer.Argument(metavar="FILE|-", help="A JSON file; - is standard input.")]


@app.command("open")
def open_(
    file: Source,
    kind: Annotated[CaseKind, typer.Option(help="What the buyer asks for.")] = CaseKind.RETURN,
    as_json: AsJson = False,
) -> None:
    """Open a case from a request, or find the one that the same request opened."""
    with _reporting(as_json):
        request = _decoded(_text(file), file)
        status = _on_cases(lambda cases: cases.open(kind, request))
        _show(status, as_json)
    if status.problems:
        raise typer.Exit(REFUSED)


@app.command()
def show(case_id: CaseId, as_json: AsJson = False) -> None:
    """Show where a case stands, whose move it is, and how it came here."""
    with _reporting(as_json):
        _show(_on_cases(lambda cases: cases.status(case_id)), as_json)


@app.command()
def act(
    case_id: CaseId,
    command: Annotated[Command, typer.Argument(help="What to do.")],
    payload: Annotated[
        str | None,
        typer.Option("--json", metavar="PAYLOAD", help="The command's fields as JSON, or - ; the answer is JSON then."),
    ] = None,
    actor: Annotated[str | None, typer.Option("--as", metavar="PARTY:ID", help="Who acts: merchant:M-7.")] = None,
    request_id: Annotated[str | None, typer.Option(help="Repeat with the same id: it is applied once.")] = None,
) -> None:
    """Give a case a command, such as approve, ship_back or hold."""
    as_json = payload is not None
    with _reporting(as_json):
        given = _decoded(_text("-") if payload == "-" else payload, "--json") if payload else {}
        wanted = parse(command, _with_actor(given, actor))
        _show(_on_cases(lambda cases: cases.act(case_id, wanted, request_id=request_id)), as_json)


@app.command()
def setup(as_json: AsJson = False) -> None:
    """Prepare the Temporal namespace: register the search attributes. Safe to repeat."""
    with _reporting(as_json):
        added = _on_cases(lambda cases: cases.setup())
        if as_json:
            typer.echo(json.dumps({"registered": added}))
        else:
            typer.echo(f"registered: {', '.join(added)}" if added else "nothing to do: all is registered")


def main() -> None:
    """Run the command line."""
    app()


def _on_cases(work: Callable[["Cases"], Awaitable[T]]) -> T:
    from aftersale.client import Cases

    async def connected() -> T:
        try:
            cases = await Cases.connect()
        except RuntimeError as error:
            where = "set TEMPORAL_ADDRESS, or start a server with `make dev`"
            raise AftersaleError(f"no Temporal server answers ({error}); {where}") from error
        try:
            return await work(cases)
        finally:
            await asyncio.sleep(0.05)  # a process that ends with calls under way can abort in the SDK's core

    return asyncio.run(connected())


@contextmanager
def _reporting(as_json: bool) -> Iterator[None]:
    """Turn this package's errors into words and an exit status."""
    try:
        yield
    except AftersaleError as error:
        code = getattr(error, "code", None)
        if as_json:
            typer.echo(json.dumps({"error": str(error), **({"code": code} if code else {})}, ensure_ascii=False))
        else:
            typer.echo(f"aftersale: {error}", err=True)
        raise typer.Exit(REFUSED if code else FAULTY) from None


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput([Problem(field="FILE", message=f"{file} cannot be read ({error.strerror}); check it")]) from None
    except UnicodeDecodeError:
        raise BadInput([Problem(field="FILE", message=f"{file} is not UTF-8; save it as UTF-8")]) from None


def _decoded(text: str, source: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput([Problem(field=source, message=f"is not JSON ({error}); give one JSON object")]) from None
    if not isinstance(given, dict):
        raise BadInput([Problem(field=source, message="is not a JSON object; give one JSON object")])
    return given


def _with_actor(given: dict[str, Any], actor: str | None) -> dict[str, Any]:
    if actor is None:
        return given
    party, separator, reference = actor.partition(":")
    if not separator:
        raise BadInput([Problem(field="--as", message="must be PARTY:ID, such as merchant:M-7")])
    return {**given, "actor": {"party": party, "id": reference}}


def _show(status: Status, as_json: bool) -> None:
    if as_json:
        typer.echo(status.model_dump_json())
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(_head(status))
    if status.deadlines:
        console.print(_deadlines(status))
    if status.timeline:
        console.print(timeline(status))


def _head(status: Status) -> Text:
    """The case in a few lines. Text that parties wrote is never read as markup."""
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
    return Text("\n".join(lines))


def _deadlines(status: Status) -> Table:
    table = Table("clock", "due", "limit", "rules", "why", title="Deadlines", title_justify="left")
    for view in status.deadlines:
        due = local(view.due_at) if view.due_at else "waived"
        rules = " ".join(view.rules) or "ordinary"
        table.add_row(view.clock.words, due, view.limit or "fixed", rules, Text("\n".join(view.because)))
    return table


def timeline(status: Status) -> Table:
    """The timeline of a case as a table: when in local time, who, what."""
    table = Table("when", "who", "what", title="Timeline", title_justify="left")
    for entry in status.timeline:
        late = f" (reported {local(entry.recorded_at)})" if entry.late_report else ""
        table.add_row(local(entry.at), entry.by, Text(f"{entry.says}{late}"))
    return table

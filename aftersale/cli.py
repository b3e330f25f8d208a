"""The `aftersale` command: open cases, look at them, move them on, and ask the policy book.

Answers are tables for people, or JSON with `--json`. Exit status 0: done; 1: refused by the case; 2: wrong input, or
no answer. Temporal is imported only by the commands that need it.
"""

import io
import json
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand
from typer.exceptions import TyperException

from aftersale.case import Status
from aftersale.cli_policy import FAULTY, WIDTH, AsJson, policy
from aftersale.commands import CaseRequest, parse, read
from aftersale.errors import AftersaleError, BadInput, Problem
from aftersale.failures import NoAnswer, Refusal
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


class CaseCommand(TyperCommand):
    """A command that answers in JSON when it is asked to, even where it cannot read its own options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; say in JSON what is wrong with them to a program that reads JSON."""
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if not as_json:
                raise
            said = f"{error.format_message().rstrip('.')}; see {ctx.command_path} --help"
            _fail(BadInput([Problem(field="", message=said)]), as_json=True)


@app.command("open", cls=CaseCommand)
def open_(
    file: Source,
    kind: Annotated[CaseKind, typer.Option(help="What the buyer asks for.")] = CaseKind.RETURN,
    as_json: AsJson = False,
) -> None:
    """Open a case from a request, or find the one that the same request opened."""
    with _reporting(as_json):
        request = read(CaseRequest, _decoded(_text(file), file), "request")
        status = _on_cases(lambda cases: cases.open(kind, request))
        _show(status, as_json)
    if status.problems:
        raise typer.Exit(REFUSED)


@app.command(cls=CaseCommand)
def show(case_id: CaseId, as_json: AsJson = False) -> None:
    """Show where a case stands, whose move it is, and how it came here."""
    with _reporting(as_json):
        _show(_on_cases(lambda cases: cases.status(case_id)), as_json)


@app.command(cls=CaseCommand)
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


@app.command(cls=CaseCommand)
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has no Chinese is no reason to fail
    app(prog_name="aftersale")


def _on_cases(work: Callable[["Cases"], Awaitable[T]]) -> T:
    from aftersale.client import Cases
    from aftersale.plugin import run

    async def connected() -> T:
        return await work(await Cases.connect())

    return run(connected())


@contextmanager
def _reporting(as_json: bool) -> Iterator[None]:
    """Turn this package's errors into words and an exit status."""
    try:
        yield
    except AftersaleError as error:
        _fail(error, as_json=as_json)


def _fail(error: AftersaleError, *, as_json: bool) -> NoReturn:
    """Say what went wrong, with what a program needs to go on, and leave."""
    told: dict[str, Any] = {"error": str(error)}
    if isinstance(error, Refusal):
        told["code"] = error.code
    if isinstance(error, NoAnswer) and error.request_id:
        told["request_id"] = error.request_id
    if as_json:
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"aftersale: {inert(str(error))}", err=True)
    raise typer.Exit(REFUSED if isinstance(error, Refusal) else FAULTY) from None


def _text(file: str) -> str:
    try:
        return (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode("utf-8-sig")
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
    if actor is None and "actor" in given:
        return given
    party, separator, reference = (actor or "").partition(":")
    if not separator:
        raise BadInput([Problem(field="--as", message="says who acts; write PARTY:ID, such as merchant:M-7")])
    return {**given, "actor": {"party": party, "id": reference}}


def inert(text: str) -> str:
    """Text that parties wrote, for a terminal: what would steer it, or reorder a line, is shown instead of obeyed."""
    return "".join(
        repr(letter)[1:-1] if letter != "\n" and unicodedata.category(letter) in _STEERING else letter
        for letter in text
    )


_STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's control, format, surrogate and separator characters: escape sequences, changes of direction, line ends."""


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
    """The case in a few lines."""
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
    return Text(inert("\n".join(lines)))


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
        table.add_row(local(entry.at), entry.by, Text(inert(f"{entry.says}{late}")))
    return table

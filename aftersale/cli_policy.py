"""`aftersale policy`: ask the policy book, check it, and show what it holds. Needs no server."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand
from typer.exceptions import TyperException

from aftersale.errors import AftersaleError, problems_of
from aftersale.policy.book import Book
from aftersale.policy.clauses import FactLimit, Window
from aftersale.policy.explain import explain_bytes, written
from aftersale.policy.lint import lint
from aftersale.policy.load import TITLE, default_root, load
from aftersale.policy.rules import OrdinaryLimit, PolicyFile
from aftersale.schema import Code, Instant, Limit, Schema

FAULTY = 2
"""The exit status where a question, an option or the book itself is wrong."""

WIDTH = 160
"""The width of a table where no terminal says how wide it is."""

policy = typer.Typer(name="policy", help="Ask the policy book, check it, and show what it holds.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
AlwaysJson = Annotated[bool, typer.Option("--json", help="Taken for likeness: the answer is JSON always.")]


class JsonCommand(TyperCommand):
    """A command that answers in JSON whatever it is asked, a wrong option included."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; say what is wrong with them as this command says everything."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            _refuse(f"{error.format_message().rstrip('.')}; see {ctx.command_path} --help", as_json=True)


class PresaleAsk(Schema):
    """The options of `policy presale`."""

    at: Instant
    promise: Limit
    category: Code | None = None
    as_of: Instant | None = None


@policy.command(cls=JsonCommand)
def explain(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Questions; - is standard input.")] = "-",
    as_json: AlwaysJson = True,
) -> None:
    """Say when a clock runs out, and why: one JSON object, or JSON Lines, answered line by line."""
    with _refusing(as_json=True):
        book = load(default_root())
    failed = False
    for answer in explain_bytes(book, _questions(file)):
        typer.echo(written(answer).encode())
        failed |= "error" in answer
    raise typer.Exit(FAULTY if failed else 0)


@policy.command(cls=JsonCommand)
def presale(
    at: Annotated[str | None, typer.Option(help="When the pre-sale is set, such as 2024-01-23T00:00:00.")] = None,
    promise: Annotated[str | None, typer.Option(help="How long it may take to dispatch, such as P7D.")] = None,
    category: Annotated[str | None, typer.Option(help="The category of the goods.")] = None,
    as_of: Annotated[str | None, typer.Option(help="By what was known then; absent, all that is announced.")] = None,
    as_json: AlwaysJson = True,
) -> None:
    """Say whether a pre-sale may promise to dispatch within so long, and which clause caps it."""
    options = {"at": at, "promise": promise, "category": category, "as_of": as_of}
    try:
        asked = PresaleAsk.model_validate({name: given for name, given in options.items() if given is not None})
    except ValidationError as error:
        problems = problems_of(error)
        _refuse("; ".join(f"--{each.field.replace('_', '-')}: {each.message}" for each in problems), as_json=True)
    with _refusing(as_json=True):
        answer = load(default_root()).presale(asked.at, asked.promise, asked.as_of)
    typer.echo(written(answer.model_dump()).encode())


@policy.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="A folder with a policy book; absent, the book in use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with a policy book: exit status 1 where anything is."""
    root = path or default_root()
    if not root.is_dir():
        _refuse(f"{root}: is no folder; name the folder that holds {TITLE}", as_json=as_json)
    if not (root / TITLE).is_file():
        _refuse(f"{root}: holds no {TITLE}; name the folder that does", as_json=as_json)
    findings = lint(root)
    summary = {} if findings else _summary(load(root))
    if as_json:
        typer.echo(written({"ok": not findings, "findings": findings, **summary}).encode())
    else:
        counts = ", ".join(f"{count} {name}" for name, count in summary.items() if name != "version")
        ending = (
            [f"{len(findings)} to mend in {root}"] if findings else [f"{summary['version']}: {counts}; all is well"]
        )
        typer.echo("\n".join([*findings, *ending]).encode())
    raise typer.Exit(1 if findings else 0)


@policy.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the ordinary limits of every clock, and the notices with their windows."""
    with _refusing(as_json=as_json):
        book = load(default_root())
    limits = sorted(((row, file) for file in book.files for row in file.limit), key=lambda each: each[0].id)
    notices = [file for file in book.files if file.tier is not None]
    if as_json:
        shown = {
            "version": book.version,
            "revision": book.revision,
            "limits": [{"file": file.id, "status": file.status} | _plain(row) for row, file in limits],
            "notices": [{"status": file.status} | _plain(file, {"example", "limit", "setting"}) for file in notices],
        }
        typer.echo(written(shown).encode())
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    with console.capture() as shown_as_tables:
        console.print(_limit_table([row for row, _ in limits]), _notice_table(notices))
        console.print(Text(f"policy book {book.version}, revision {book.revision}"))
    # In bytes, since a terminal that claims ASCII still gets the Chinese terms.
    typer.echo(shown_as_tables.get().encode(), nl=False)


@contextmanager
def _refusing(*, as_json: bool) -> Iterator[None]:
    try:
        yield
    except AftersaleError as error:
        _refuse(str(error), as_json=as_json)


def _refuse(message: str, *, as_json: bool) -> NoReturn:
    typer.echo(written({"error": message}).encode() if as_json else message, err=not as_json)
    raise typer.Exit(FAULTY) from None


def _questions(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read() if sys.stdin else b""
        return Path(file).read_bytes()
    except OSError as error:
        _refuse(
            f"{file}: cannot be read ({error.strerror}); name a file of questions, or - for standard input",
            as_json=True,
        )


def _summary(book: Book) -> dict[str, Any]:
    tables = ("limit", "rule", "presale", "example")
    counts = {f"{table}s": sum(len(getattr(file, table)) for file in book.files) for table in tables}
    return {"version": book.version, "files": len(book.files), **counts}


def _plain(row: Schema, without: set[str] | None = None) -> dict[str, Any]:
    """A row as its file writes it."""
    return row.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=without)


def _limit_table(rows: list[OrdinaryLimit]) -> Table:
    table = Table(
        "clock", "", "limit", "at timeout", "when", "from", "basis", title="Ordinary limits", title_justify="left"
    )
    for row in rows:
        when = ", ".join(f"{name} {_words(wanted)}" for name, wanted in _plain(row.when).items())
        cells = [row.clock, row.clock.zh, _limit(row), row.on_timeout, when, str(row.effective_from or "…"), row.basis]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _notice_table(files: list[PolicyFile]) -> Table:
    table = Table("notice", "title", "status", "announced", "clauses", title="Notices", title_justify="left")
    table.add_column("windows", no_wrap=True)
    for file in files:
        clauses = " ".join([*(rule.id for rule in file.rule), *(cap.id for cap in file.presale)])
        windows = "\n".join(_stretch(window) for window in file.window)
        cells = [file.id, "\n".join(file.title.values()), file.status, str(file.announced or "…"), clauses, windows]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _limit(row: OrdinaryLimit) -> str:
    from_midnight = " from midnight" if row.align == "next_midnight" else ""
    return _given(row.limit) + from_midnight + (", exclusive" if row.exclusive else "")


def _given(limit: str | FactLimit | None) -> str:
    if not isinstance(limit, FactLimit):
        return limit or "not set"
    otherwise = f", else {limit.otherwise}" if limit.otherwise else ""
    return limit.fact + otherwise + (f", at most {limit.at_most}" if limit.at_most else "")


def _stretch(window: Window) -> str:
    return f"{window.id}: {window.start or '…'} ~ {window.end or '…'}"


def _words(wanted: Any) -> str:
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted).lower()

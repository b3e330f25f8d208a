"""`aftersale policy`: ask the policy book, check it, and show what it holds; publish it to running cases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from aftersale.cli.errors import FAULTY, REFUSED, AlwaysJson, Answering, AsJson, report_errors
from aftersale.cli.inputs import content, instant, options
from aftersale.cli.output import draw, say, say_json, table
from aftersale.cli.policy.diff import diff
from aftersale.cli.policy.draft import draft
from aftersale.cli.policy.impact import impact
from aftersale.cli.policy.rollout import rollout
from aftersale.cli.services import service_table, version_as_json
from aftersale.errors import bad_input
from aftersale.policy.authoring.lint import lint, lint_with
from aftersale.policy.book import Book
from aftersale.policy.clauses import FactLimit
from aftersale.policy.explain import explain_bytes
from aftersale.policy.load import TITLE, default_root, join, load, survey
from aftersale.policy.rules import OrdinaryLimit, PolicyFile
from aftersale.policy.validity import stage
from aftersale.schema import Code, Instant, Limit, Schema

policy = typer.Typer(name="policy", help="Ask the policy book, check it, and show what it holds.", no_args_is_help=True)
policy.command(cls=Answering)(diff)
policy.command(cls=Answering)(draft)
policy.command(cls=Answering)(impact)
policy.command(cls=Answering)(rollout)

_ELSEWHERE = {"example", "limit", "setting", "ceiling"}
"""The tables of a file that are no clauses of a notice."""


class PresaleAsk(Schema):
    """The options of `policy presale`."""

    at: Instant
    promise: Limit
    category: Code | None = None
    as_of: Instant | None = None


@policy.command(cls=Answering)
def explain(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="Questions; - is standard input.")] = "-",
    as_json: AlwaysJson = True,
) -> None:
    """Say when a clock runs out, and why: one JSON object, or JSON Lines, answered line by line."""
    with report_errors(as_json):
        book = load(default_root())
        questions = content(file, "a file of questions")
    failed = False
    for answer in explain_bytes(book, questions):
        say_json(answer)
        failed |= "error" in answer
    raise typer.Exit(FAULTY if failed else 0)


@policy.command(cls=Answering)
def presale(
    at: Annotated[str | None, typer.Option(help="When the pre-sale is set, such as 2024-01-23T00:00:00.")] = None,
    promise: Annotated[str | None, typer.Option(help="How long it may take to dispatch, such as P7D.")] = None,
    category: Annotated[str | None, typer.Option(help="The category of the goods.")] = None,
    as_of: Annotated[str | None, typer.Option(help="By what was known then; absent, all that is announced.")] = None,
    as_json: AlwaysJson = True,
) -> None:
    """Say whether a pre-sale may promise to dispatch within so long, and which clause caps it."""
    with report_errors(as_json):
        asked = options(PresaleAsk, at=at, promise=promise, category=category, as_of=as_of)
        answer = load(default_root()).presale(asked.at, asked.promise, asked.as_of)
    say_json(answer.model_dump())


@policy.command(cls=Answering)
def check(
    path: Annotated[Path | None, typer.Argument(help="A book's folder, or a file to join the book in use.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with a policy book, or one more file in it: exit status 1 where anything is."""
    joining = path if path is not None and path.is_file() else None
    root = path if path is not None and joining is None else default_root()
    with report_errors(as_json):
        _require_book(root)
        findings = lint(root) if joining is None else lint_with(root, joining)
        summary = {} if findings else _summary(load(root) if joining is None else join(survey(root), joining).book())
    if as_json:
        say_json({"ok": not findings, "findings": findings, **summary})
    else:
        counts = ", ".join(f"{count} {name}" for name, count in summary.items() if name != "version")
        ending = f"{len(findings)} to mend in {root}" if findings else f"{summary['version']}: {counts}; all is well"
        say("\n".join([*findings, ending]))
    raise typer.Exit(REFUSED if findings else 0)


@policy.command("list", cls=Answering)
def list_(
    as_of: Annotated[str | None, typer.Option(help="How far each notice had come then; absent, now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the ordinary limits of every clock, the notices, how far they have come, and the guarantee services."""
    with report_errors(as_json):
        at = instant("--as-of", as_of) or datetime.now(UTC)
        book = load(default_root())
    limits = sorted(((row, file) for file in book.files for row in file.limit), key=lambda each: each[0].id)
    notices = [file for file in book.files if file.tier is not None]
    versions = [(file, version) for file in book.services.files for version in file.version]
    if as_json:
        shown = {
            "version": book.version,
            "revision": book.revision,
            "limits": [{"file": file.id, "status": file.status} | _plain(row) for row, file in limits],
            "notices": [
                {"status": file.status, "stage": stage(file, at)} | _plain(file, _ELSEWHERE) for file in notices
            ],
            "services": [version_as_json(file, version) for file, version in versions],
        }
        say_json(shown)
        return
    draw(
        _limit_table([row for row, _ in limits]),
        _notice_table(notices, at),
        service_table(versions),
        Text(f"policy book {book.version}, revision {book.revision}"),
    )


def _require_book(root: Path) -> None:
    """Make sure that a folder is one of a policy book. Raises BadInput."""
    if not root.is_dir():
        raise bad_input(str(root), f"is no folder; name the folder that holds {TITLE}")
    if not (root / TITLE).is_file():
        raise bad_input(str(root), f"holds no {TITLE}; name the folder that does")


def _summary(book: Book) -> dict[str, Any]:
    tables = ("limit", "rule", "presale", "example")
    counts = {f"{table}s": sum(len(getattr(file, table)) for file in book.files) for table in tables}
    files = book.services.files
    claims = {row.type for file in files for _, row in file.claims}
    offered = {"services": sum(file.service is not None for file in files), "claims": len(claims)}
    versions = sum(len(file.version) for file in files)
    return {"version": book.version, "files": len(book.files) + len(files), **counts, **offered, "versions": versions}


def _plain(row: Schema, without: set[str] | None = None) -> dict[str, Any]:
    """Return a row as its file writes it."""
    return row.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=without)


def _limit_table(rows: list[OrdinaryLimit]) -> Table:
    shown = []
    for row in rows:
        when = ", ".join(f"{name} {_words(wanted)}" for name, wanted in _plain(row.when).items())
        since = row.effective_from or "…"
        shown.append([row.clock, row.clock.zh, _limit(row), row.on_timeout, when, since, row.basis])
    return table("Ordinary limits", ("clock", "", "limit", "at timeout", "when", "from", "basis"), shown)


def _notice_table(files: list[PolicyFile], at: datetime) -> Table:
    rows = []
    for file in files:
        clauses = " ".join([*(rule.id for rule in file.rule), *(cap.id for cap in file.presale)])
        windows = "\n".join(f"{each.id}: {each.start or '…'} ~ {each.end or '…'}" for each in file.window)
        known = f"{file.announced or '…'}" + (f"\nrepealed {file.repealed}" if file.repealed else "")
        title, come = "\n".join(file.title.values()), stage(file, at) or "not yet known"
        rows.append([file.id, title, come, known, clauses, windows])
    return table("Notices", ("notice", "title", "stage", "announced", "clauses", Column("windows", no_wrap=True)), rows)


def _limit(row: OrdinaryLimit) -> str:
    from_midnight = " from midnight" if row.align == "next_midnight" else ""
    return _given(row.limit) + from_midnight + (", exclusive" if row.exclusive else "")


def _given(limit: str | FactLimit | None) -> str:
    if not isinstance(limit, FactLimit):
        return limit or "not set"
    otherwise = f", else {limit.otherwise}" if limit.otherwise else ""
    return limit.fact + otherwise + (f", at most {limit.at_most}" if limit.at_most else "")


def _words(wanted: Any) -> str:
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted).lower()

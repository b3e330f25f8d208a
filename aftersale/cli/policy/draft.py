"""`aftersale policy draft`: next year's notice from last year's, every date moved and marked for review."""

import re
from pathlib import Path
from typing import Annotated

import typer

from aftersale.cli.errors import AsJson, report_errors
from aftersale.cli.output import say, say_json
from aftersale.errors import PolicyFault, bad_input
from aftersale.policy.authoring.draft import Anchor, transpose
from aftersale.policy.authoring.lint import lint_with
from aftersale.policy.load import Survey, default_root, parse, survey, text
from aftersale.policy.rules import PolicyFile


def draft(
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new notice's id, such as 2027-spring-festival.")],
    source: Annotated[str, typer.Option("--from", help="The id of the notice that it is made from.")],
    anchor: Annotated[str, typer.Option(help="A day of the old year and of the new: 2024-02-10=2027-02-06.")],
    as_json: AsJson = False,
) -> None:
    """Write a notice for another year into the book in use: a draft that binds nobody, each moved date marked."""
    root = default_root()
    with report_errors(as_json):
        days = Anchor.parse(anchor)
        found = survey(root)
        if found.faults:
            raise PolicyFault("\n".join(found.faults))
        target = _target(root, new, found)
        path, old = _source(source, found)
        content, dates = transpose(text(path), old.id, new, days, old.supersedes)
        _judge(content, target, old.id, new)
        _write(target, content)
        findings = lint_with(root, target)
    if as_json:
        say_json({"path": str(target), "dates": dates, "days": days.by.days, "findings": findings})
        return
    say(f"{target}: {dates} dates moved by {days.by.days} days, each marked `review`; a draft, which binds nobody")
    say(
        "\n".join(findings)
        if findings
        else f"its examples hold; `aftersale policy diff {target}` says what it would move"
    )


def _target(root: Path, new: str, found: Survey) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", new, re.ASCII) or new.endswith(".toml"):
        raise bad_input("NEW", f"{new!r} cannot be an id; write letters, digits and . _ - such as 2027-spring-festival")
    target = root / "notices" / f"{new}.toml"
    holder = next((path for path, file in found.files.items() if file.id == new), target)
    if holder.exists():
        raise bad_input("NEW", f"{holder} is there already; remove it, or choose another id")
    return target


def _source(name: str, found: Survey) -> tuple[Path, PolicyFile]:
    notices = {file.id: (path, file) for path, file in found.files.items() if file.announced is not None}
    if name not in notices:
        known = ", ".join(sorted(notices)) or "none"
        raise bad_input("--from", f"{name!r} is no notice of the book, which has {known}")
    return notices[name]


def _judge(content: str, target: Path, old: str, new: str) -> None:
    """Make sure that what is about to be written is the draft that was asked for. Raises PolicyFault."""
    made = parse(content, target)
    if (made.id, made.status) != (new, "draft") or old not in made.supersedes:
        rows = "id, status, source, supersedes and repealed each on a line of its own"
        raise PolicyFault(f"{old}: cannot be moved as it is laid out; write {rows}, before the first table")


def _write(target: Path, content: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        said = f"cannot be written ({error.strerror}); point AFTERSALE_POLICIES at a book that can be changed"
        raise bad_input(str(target), said) from None

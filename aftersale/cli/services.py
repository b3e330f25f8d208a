"""`aftersale services`: the guarantee services by version, and whether a merchant's sign-up is complete. No server."""

from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from aftersale.cli.errors import REFUSED, Answering, AsJson, report_errors
from aftersale.cli.inputs import instant, json_of
from aftersale.cli.output import draw, say, say_json, table
from aftersale.errors import BadInput, problems_of
from aftersale.guarantees.enrolment import SignUp, enrolled_editions, enrolment_problems
from aftersale.inert import inert
from aftersale.policy.load import default_root, load
from aftersale.policy.services import ServiceFile, Services, Version

services = typer.Typer(name="services", help="Guarantee services: versions and sign-ups.", no_args_is_help=True)


@services.command(cls=Answering)
def check(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A sign-up in JSON; - is standard input.")],
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with a merchant's sign-up: exit status 1 where anything is."""
    with report_errors(as_json):
        sign_up = _sign_up(file)
        book = load(default_root())
    problems = enrolment_problems(book.services, sign_up)
    held = enrolled_editions(book.services, sign_up)
    if as_json:
        under = {str(each.file.service): each.version.id for each in held}
        found = [problem.model_dump(mode="json", include={"field", "message"}) for problem in problems]
        answer = {"ok": not problems, "merchant_id": sign_up.merchant_id, "services": under, "problems": found}
        say_json(answer | {"policy_version": book.version})
    else:
        told = [inert(str(problem)) for problem in problems]
        ending = f"{len(told)} to mend in {inert(file)}" if told else f"{len(held)} services; all is well"
        say("\n".join([*told, f"{sign_up.merchant_id}: {ending}"]))
    raise typer.Exit(REFUSED if problems else 0)


@services.command("list", cls=Answering)
def list_(
    at: Annotated[str | None, typer.Option(help="Only what was in force then, such as 2024-01-23T00:00:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the guarantee services with their versions by date."""
    with report_errors(as_json):
        paid_at = instant("--at", at)
        book = load(default_root())
    rows = [(file, version) for file in book.services.files for version in _versions(book.services, file, paid_at)]
    if as_json:
        say_json({"version": book.version, "versions": [version_as_json(file, version) for file, version in rows]})
    else:
        draw(service_table(rows), Text(f"policy book {book.version}, revision {book.revision}"))


def _sign_up(file: str) -> SignUp:
    try:
        return SignUp.model_validate(json_of(file))
    except ValidationError as error:
        raise BadInput(problems_of(error)) from None


def _versions(book: Services, file: ServiceFile, paid_at: datetime | None) -> list[Version]:
    if paid_at is None:
        return list(file.version)
    return [each.version for each in book.editions(paid_at, paid_at) if each.file is file]


def version_as_json(file: ServiceFile, version: Version) -> dict[str, Any]:
    """Return a version as its file writes it, with what the file says of the service."""
    about = file.model_dump(mode="json", exclude={"version", "id"}, exclude_unset=True)
    return {"file": file.id, **about, **version.model_dump(mode="json", exclude_unset=True)}


def service_table(versions: list[tuple[ServiceFile, Version]]) -> Table:
    """Versions of services, one a row."""
    rows = []
    for file, version in versions:
        role = " ".join([file.role or "", *file.categories])
        claims = " ".join(row.type for row in version.claim) or (f"as {version.keeps}" if version.keeps else "")
        dates = [version.effective_from or "…", version.effective_until or "…"]
        rows.append(
            [file.service or file.id, file.title.get("zh", ""), role, version.id, version.status, *dates, claims]
        )
    columns = ("service", "", "role", "version", "status", "orders from", "until", "claims")
    return table("Guarantee services", columns, rows)

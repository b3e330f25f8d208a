"""`aftersale ledger`: look into the refund ledger, prove it, export it, freeze an order, erase a buyer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aftersale.cli.connections import on_cases, on_records
from aftersale.cli.errors import REFUSED, Answering, AsJson, report_errors, words
from aftersale.cli.inputs import content, options
from aftersale.cli.ledger_tables import chargebacks, lines_of_csv, tables
from aftersale.cli.output import as_json_line, draw, say, say_json
from aftersale.errors import AftersaleError, bad_input
from aftersale.inert import inert
from aftersale.ledger.reports import Erasure, OrderBooks, ProviderPayment, read_payments
from aftersale.schema import Id, Note, Schema, is_id
from aftersale.times import floor, local

if TYPE_CHECKING:
    from aftersale.records import Ledger, Records

ledger = typer.Typer(name="ledger", help="Look into the refund ledger, prove it, export it.", no_args_is_help=True)

PATIENCE = 600.0
"""Seconds that an answer over all orders may take."""

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]
Format = Literal["csv", "jsonl"]


class LedgerSource(Schema):
    """The options of these commands."""

    buyer: Id | None = None
    reference: Id | None = None
    reason: Note | None = None


@ledger.command(cls=Answering)
def show(order: OrderId, as_json: AsJson = False) -> None:
    """Show an order's account: what was paid, reserved, settled and is left, and every instruction."""
    with report_errors(as_json), on_records() as kept:
        _require_id("ORDER", order)
        books = _known(kept.ledger, order)
    if as_json:
        say_json(books)
    else:
        draw(*tables(books))


@ledger.command(cls=Answering)
def check(
    statement: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="All that the payment service ever paid, as JSON Lines, to compare with."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove the books: no order over-refunded, every refund paid once, nothing held for closed cases.

    Exit status 1 where anything is wrong; each line says whose, both figures and what to do.
    """
    with report_errors(as_json), on_records(PATIENCE) as kept:
        found = kept.ledger.check(None if statement is None else payments_in(statement))
    if as_json:
        say_json({"ok": not found, "differences": [each.model_dump(mode="json") for each in found]})
    else:
        ending = f"{len(found)} differences" if found else "the books are right"
        say(inert("\n".join([*(f"{each.kind}: {each.says}" for each in found), ending])))
    raise typer.Exit(REFUSED if found else 0)


@ledger.command(cls=Answering)
def export(
    format_: Annotated[Format, typer.Option("--format", help="For spreadsheets, or for programs.")] = "csv",
    as_json: AsJson = False,
) -> None:
    """Print every posting: what each instruction moves of each tender of each order line. Clawbacks are negative."""
    with report_errors(as_json), on_records(PATIENCE) as kept:
        postings = kept.ledger.export()
        as_lines = as_json or format_ == "jsonl"
        for lines in map(as_json_line, postings) if as_lines else lines_of_csv(postings):
            say(lines)


@ledger.command(cls=Answering)
def erase(
    buyer: Annotated[str, typer.Option("--buyer", metavar="REF", help="The buyer's reference.")],
    as_json: AsJson = False,
) -> None:
    """Erase a buyer for ever: the reference, and all free text of its closed cases. Sums, ids and instants stay."""
    with report_errors(as_json), on_records(PATIENCE) as kept:
        options(LedgerSource, buyer=buyer)
        erasure = kept.ledger.erase(buyer, _now())
    until, unknown = _kept_by_temporal(erasure)
    if as_json:
        told = {"temporal_keeps_until": until and local(until), "temporal_says": unknown}
        say_json(erasure.model_dump(mode="json") | told)
    else:
        say(inert("\n".join(_told(erasure, until, unknown))))


@ledger.command(cls=Answering)
def chargeback(
    order: OrderId,
    reference: Annotated[str, typer.Option(metavar="ID", help="The notice's own reference.")],
    reason: Annotated[str, typer.Option(help="What the buyer's bank says.")],
    as_json: AsJson = False,
) -> None:
    """Freeze an order's refunds by a chargeback notice, so that nobody is paid twice. Safe to repeat."""
    with report_errors(as_json), on_records() as kept:
        _require_id("ORDER", order)
        options(LedgerSource, reference=reference, reason=reason)
        notice = kept.ledger.freeze(order, reference, reason, _now())
    if as_json:
        say_json(notice)
    else:
        draw(chargebacks([notice]))


@ledger.command(cls=Answering)
def lift(order: OrderId, as_json: AsJson = False) -> None:
    """Lift the chargeback notices of an order; refunds that they had stopped are then retried case by case."""
    with report_errors(as_json), on_records() as kept:
        _require_id("ORDER", order)
        lifted = kept.ledger.lift(order, _now())
    if as_json:
        say_json({"order_id": order, "lifted": [notice.model_dump(mode="json") for notice in lifted]})
    elif lifted:
        draw(chargebacks(lifted))
    else:
        say(inert(f"nothing froze order {order}"))


@ledger.command(cls=Answering)
def release(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")], as_json: AsJson = False
) -> None:
    """Release what a case holds though it is over, as `check` may find, or terminated. Not of one that still runs."""
    with report_errors(as_json), on_records() as kept:
        _require_id("CASE", case)
        _require_over(kept, case)
        kept.ledger.release(case, _now())
    say_json({"case_id": case, "released": True}) if as_json else say(f"case {case} holds nothing")


def _require_id(name: str, given: str) -> None:
    if not is_id(given):
        said = "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it"
        raise bad_input(name, said)


def _require_over(kept: "Records", case: str) -> None:
    """Raise BadInput for a case that runs, and where only Temporal could tell whether it does."""
    status = kept.turns.record(case)
    stands = "is not in the records" if status is None else f"is {status.state.words}"
    try:
        runs = on_cases(lambda cases: cases.runs(case))
    except AftersaleError as error:
        if status is None or not status.is_final:
            said = f"{stands}, and Temporal cannot be asked whether its workflow still runs ({words(error)})"
            raise bad_input("case", f"{case} {said}; ask again when it can") from None
    else:
        if runs:
            said = f"{stands}, and its workflow runs and needs what it holds; close the case first"
            raise bad_input("case", f"{case} {said}")


def _now() -> datetime:
    return floor(datetime.now(UTC))


def _known(books: "Ledger", order: str) -> OrderBooks:
    found = books.order_books(order)
    if found is None:
        said = "is not in the ledger: no case was opened on it, nor a chargeback noted; check the id"
        raise bad_input(order, said)
    return found


def payments_in(file: str) -> Iterator[ProviderPayment]:
    """Return the payments that a statement holds. Raises BadInput, which names the line."""
    return read_payments(content(file, "a statement of JSON Lines").splitlines(), f"{file}:")


def _kept_by_temporal(erasure: Erasure) -> tuple[datetime | None, str | None]:
    """Until when Temporal keeps its own copy of the erased cases, or why that is not known."""
    if erasure.last_closed_at is None:
        return None, None
    try:
        retention: timedelta = on_cases(lambda cases: cases.namespace.retention())
    except AftersaleError as error:
        return None, words(error)
    return erasure.last_closed_at + retention, None


def _told(erasure: Erasure, until: datetime | None, unknown: str | None) -> Iterator[str]:
    """Return what was erased, and what was not."""
    yield f"erased, and on file as {erasure.digest[:12]}: cases {erasure.cases}, orders {erasure.orders}"
    if until is not None:
        yield f"Temporal's own copy of the cases lasts until {local(until)}, by the namespace's retention"
    elif erasure.last_closed_at is not None:
        last = local(erasure.last_closed_at)
        yield f"Temporal's own copy lasts as long as its retention after {last}: `temporal operator namespace describe`"
        yield f"says how long; it was not to be had here ({unknown})"
    yield "not in reach: backups, what PostgreSQL has not vacuumed yet, and messages that parties have received"

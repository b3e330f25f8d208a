"""Show the ledger: an order's account as tables, postings as CSV that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from aftersale.cli.output import table
from aftersale.inert import inert
from aftersale.ledger.reports import OrderBooks, Posting
from aftersale.ledger.reservation import Chargeback
from aftersale.times import local

_AT_A_TIME = 1000
"""How many postings are written at a time."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would execute."""


def tables(books: OrderBooks) -> Iterator[Table | Text]:
    """Return an order's account: its lines, who holds them, what was instructed and why that failed, what froze it."""
    yield Text(inert(f"order {books.order_id}, merchant {books.merchant_id or 'unknown'}; amounts in minor units"))
    yield _table(
        "Lines",
        ("line", "quantity", "paid", "reserved", "on its way", "settled", "left", "left by tender", "attempts"),
        (
            (
                line.order_line_id,
                line.quantity,
                f"{line.paid_minor} {line.currency}",
                line.reserved_minor,
                line.processing_minor,
                line.settled_minor,
                line.left_minor,
                ", ".join(f"{left} {tender}" for tender, left in line.tenders_left.items()),
                line.attempts,
            )
            for line in books.lines
        ),
    )
    yield _table(
        "Cases",
        ("case", "kind", "reserved", "given", "since", "closed"),
        (
            (
                case.case_id,
                case.kind.words,
                case.reserved_minor,
                case.given_minor,
                local(case.reserved_at),
                local(case.closed_at) if case.closed_at else "open",
            )
            for case in books.cases
        ),
    )
    yield _table(
        "Instructions",
        ("key", "state", "amount", "to", "asked", "instructed", "settled", "payment"),
        (
            (
                each.key,
                each.state.words,
                f"{each.amount_minor} {each.currency}",
                each.tender or "as paid",
                each.attempts,
                local(each.instructed_at),
                local(each.settled_at) if each.settled_at else "",
                each.provider_ref or "",
            )
            for each in books.instructions
        ),
    )
    yield from (Text(inert(f"{each.key}: {each.reason}")) for each in books.instructions if each.reason)
    yield chargebacks(books.chargebacks)


def chargebacks(notices: Sequence[Chargeback]) -> Table | Text:
    """Chargeback notices, those that still freeze their order and those that do not."""
    if not notices:
        return Text("no chargebacks")
    return _table(
        "Chargebacks",
        ("order", "reference", "reason", "frozen", "lifted"),
        (
            (
                notice.order_id,
                notice.reference,
                notice.reason,
                local(notice.frozen_at),
                local(notice.lifted_at) if notice.lifted_at else "in force: no refund is paid",
            )
            for notice in notices
        ),
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    return table(title, [Column(name, overflow="fold") for name in columns], rows)


def lines_of_csv(postings: Iterator[Posting]) -> Iterator[str]:
    """Postings as CSV, the names of the columns first, many lines at a time."""
    yield _written([list(Posting.model_fields)])
    while some := list(islice(postings, _AT_A_TIME)):
        yield _written([[_cell(value) for value in each.model_dump(mode="json").values()] for each in some])


def _written(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().removesuffix("\n")


def _cell(value: Any) -> Any:
    """Return a cell: a text inert, and with an apostrophe where a spreadsheet would take it for a formula.

    Amounts are numbers.
    """
    if not isinstance(value, str):
        return value
    return f"'{inert(value)}" if value.startswith(_FORMULA) else inert(value)

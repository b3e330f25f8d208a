"""Records of very many: open cases, and orders whose refunds are settled."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Table

from aftersale.records import Records
from aftersale.records.database import engine, parse_url
from aftersale.records.tables import cases, turns
from aftersale.vocabulary import State
from tests.support.drawing import DUE, NOW, turn
from tests.support.tampering import tamper


def open_cases(kept: Records, url: str, many: int) -> None:
    """So many cases as a first one stands, of 500 merchants; every fiftieth has no deadline."""
    kept.turns.write([turn("C-0", 1)], now=NOW)
    [first] = kept.cases.find()
    rows = [
        {
            **dict(first),
            "case_id": f"C-{number}",
            "merchant_id": f"M-{number % 500}",
            "respond_by": DUE + timedelta(seconds=number * 7919 % 500_000) if number % 50 else None,
        }
        for number in range(1, many)
    ]
    made = engine(parse_url(url), 30)
    with made.begin() as connection:
        connection.execute(cases.insert(), rows)
    made.dispose()


def pages(kept: Records, many: int) -> dict[str, Callable[[], object]]:
    """Name the pages that people ask for in a list of so many."""
    middle = kept.cases.find(limit=many // 2)[-1].place
    return {
        "first page": lambda: kept.cases.find(),
        "page in the middle": lambda: kept.cases.find(after=middle),
        "page of one merchant": lambda: kept.cases.find(merchant="M-7"),
        "page of one merchant in one state": lambda: kept.cases.find(
            merchant="M-7", state=State.AWAITING_MERCHANT_REVIEW
        ),
        "page in one state": lambda: kept.cases.find(state=State.AWAITING_MERCHANT_REVIEW),
        "page of what is due soon": lambda: kept.cases.find(due_before=DUE + timedelta(seconds=9)),
    }


def like(url: str, case_id: str, many: int) -> None:
    """So many more open cases that are like one."""
    tables: tuple[Table, ...] = (cases, turns)
    made = engine(parse_url(url), 60)
    with made.begin() as connection:
        for table in tables:
            [row] = connection.execute(table.select().where(table.c.case_id == case_id)).mappings()
            connection.execute(table.insert(), [{**row, "case_id": f"D-{number}"} for number in range(many)])
    made.dispose()


def refunded_orders(url: str, many: int) -> None:
    """So many orders, each with a case that refunded all of it."""
    at = _numbers(0, many)
    order, case, key, now = (
        "'O-' || n",
        "'C-' || n",
        "'case/C-' || n || '/refund/1'",
        f"'{NOW:%Y-%m-%d %H:%M:%S}.000000'",
    )
    stamp = now if url.startswith("sqlite") else f"CAST({now} AS timestamptz)"
    tamper(
        url,
        f"INSERT INTO orders {at} {order}, 'M-7', 'B-' || n FROM at",
        f"INSERT INTO order_lines {at} {order}, 'L1', 1, 100, 'CNY', {case}, {stamp} FROM at",
        f"INSERT INTO tenders {at} {order}, 'L1', 'cash', 100 FROM at",
        f"INSERT INTO reservations {at} {case}, {order}, 'run', 'return', 1, {stamp}, {stamp} FROM at",
        f"INSERT INTO instructions {at} {key}, {case}, {order}, 'refund', 1, 100, 'CNY', NULL, '', 'succeeded', "
        f"{stamp}, {stamp}, 'P:' || {key}, NULL, NULL FROM at",
        f"INSERT INTO allocations {at} {key}, 'L1', 'cash', 100 FROM at",
    )


def _numbers(first: int, end: int) -> str:
    """The beginning of a query of the numbers up to an end, each as n of `at`."""
    return f"WITH RECURSIVE at(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM at WHERE n < {end - 1}) SELECT"

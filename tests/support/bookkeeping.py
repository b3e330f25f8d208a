"""Claims and instructions that tests of the ledger speak of: an order of one line, 10000 paid, and cases on it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aftersale.contract.request import Item, OrderLine
from aftersale.errors import Problem
from aftersale.ledger.reservation import Instructed, Reservation
from aftersale.money import LineAmount, Money, RefundInstruction, Settlement, TenderShare
from aftersale.records import Ledger
from aftersale.vocabulary import CaseKind
from tests.support.drawing import NOW, START

MOST = 5
"""Attempts per order line in these tests, unless they say otherwise."""


def line(
    order_line_id: str = "L1", paid: int = 10000, quantity: int = 4, currency: str = "CNY", **tenders: int
) -> OrderLine:
    """A line as it was bought; `tenders` say what it was paid with."""
    return OrderLine(
        order_line_id=order_line_id,
        quantity=quantity,
        paid=Money(amount_minor=paid, currency=currency),
        tenders=tuple(TenderShare(tender=name, amount_minor=share) for name, share in tenders.items()),
    )


def claim(
    case_id: str,
    asked: int | Mapping[str, int] = 10000,
    *,
    kind: CaseKind = CaseKind.RETURN,
    lines: Sequence[OrderLine] = (line(),),
    owner: str | None = None,
    order_id: str = "O-1",
    **more: Any,
) -> Reservation:
    """A case that asks so much of the order's line, or of each of its lines."""
    wanted = asked if isinstance(asked, Mapping) else {lines[0].order_line_id: asked}
    return Reservation(
        case_id=case_id,
        owner=owner or f"run of {case_id}",
        kind=kind,
        order_id=order_id,
        merchant_id=more.get("merchant_id", "M-7"),
        buyer_ref=more.get("buyer_ref", "B-5"),
        lines=tuple(lines),
        items=tuple(
            Item(order_line_id=name, quantity=1, requested=Money(amount_minor=amount, currency=lines[0].paid.currency))
            for name, amount in wanted.items()
        ),
        requested_at=START,
    )


def instruction(
    case_id: str, amount: int, n: int = 1, *, purpose: str = "refund", order_id: str = "O-1", **more: Any
) -> RefundInstruction:
    """The case's instruction of that number; `lines` say how much of which line."""
    lines: Mapping[str, int] = more.pop("lines", {})
    return RefundInstruction(
        key=f"case/{case_id}/{purpose}/{n}",
        case_id=case_id,
        order_id=order_id,
        merchant_id="M-7",
        buyer_ref=more.pop("buyer_ref", "B-5"),
        amount_minor=amount,
        currency="CNY",
        lines=tuple(LineAmount(order_line_id=name, amount_minor=part) for name, part in lines.items()),
        **more,
    )


def paid(key: str, provider_ref: str | None = None) -> Settlement:
    """The payment service has paid; under a reference of its own for every key unless the test says otherwise."""
    return Settlement(key=key, status="succeeded", provider_ref=provider_ref or f"P:{key}")


def declined(key: str, reason: str = "card closed") -> Settlement:
    """The payment service has declined."""
    return Settlement(key=key, status="declined", reason=reason)


def reserve(ledger: Ledger, wanted: Reservation, most: int = MOST, now: datetime = NOW) -> list[Problem]:
    """What speaks against a claim."""
    return ledger.reserve(wanted, most, now)


def hold(ledger: Ledger, *claims: Reservation) -> None:
    """Reserve, which nothing speaks against."""
    for each in claims:
        assert reserve(ledger, each) == []


def pay(ledger: Ledger, given: RefundInstruction, *, closes: bool = True) -> Instructed:
    """Carry out a refund, or a clawback, from the beginning to the end."""
    send = ledger.clawback if "/clawback/" in given.key else ledger.instruct
    kept = send(given, NOW)
    assert kept.settlement is None, kept.settlement
    ledger.note_attempt(given.key, 1, NOW)
    ledger.settle(paid(given.key), 1, closes, NOW)
    return kept


def spread(kept: Instructed) -> dict[str, int]:
    """How an instruction is spread, by line and tender."""
    return {f"{each.order_line_id} {each.tender}": each.amount_minor for each in kept.allocations}


def codes(problems: Sequence[Problem]) -> list[str]:
    """The codes of what speaks against a claim."""
    return [problem.code for problem in problems]


def freezing(ledger: Ledger, order_id: str) -> list[str]:
    """The references of the notices that freeze an order, the oldest first; none, and refunds are paid."""
    books = ledger.order_books(order_id)
    assert books is not None
    return [notice.reference for notice in books.chargebacks if notice.lifted_at is None]

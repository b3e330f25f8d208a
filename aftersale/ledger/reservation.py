"""Requests to the ledger and its answers: reservations of an order's money, and how a refund is spread. Pure."""

from aftersale.contract.request import CaseRequest, Item, OrderLine
from aftersale.money import Allocation, Settlement
from aftersale.policy.service_terms import Payer
from aftersale.schema import Id, Instant, Note, Schema
from aftersale.vocabulary import CaseKind

ADVANCED: Payer = "platform_advance"
"""Who bears what is paid before the case is decided."""


class Reservation(Schema):
    """What a case asks of its order's money before it may open.

    `owner` is the case's workflow by its first run: the same owner may ask again, another one may not take its id.
    `lines` are the order's, as this request tells them; earlier cases must have told the same of them. `items` are what
    is claimed. `requested_at` is when the buyer asked.
    """

    case_id: Id
    owner: str
    kind: CaseKind
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    lines: tuple[OrderLine, ...]
    items: tuple[Item, ...]
    requested_at: Instant

    @classmethod
    def of(cls, kind: CaseKind, request: CaseRequest, owner: str, requested_at: Instant) -> "Reservation":
        """Return the reservation that a request asks for, made at `requested_at`."""
        return cls(
            case_id=request.case_id,
            owner=owner,
            kind=kind,
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            buyer_ref=request.buyer_ref,
            lines=request.order.lines,
            items=request.items,
            requested_at=requested_at,
        )


class Instructed(Schema):
    """An instruction as the ledger keeps it: how it is spread, and its settlement once that is definitive.

    `known` says that it was on file before: the payment service is asked about it before anything is sent.
    """

    allocations: tuple[Allocation, ...]
    known: bool = False
    settlement: Settlement | None = None


class Chargeback(Schema):
    """A notice that a buyer's bank takes an order's money back: until it is lifted, no refund of the order is paid."""

    order_id: Id
    reference: Id
    reason: Note
    frozen_at: Instant
    lifted_at: Instant | None = None

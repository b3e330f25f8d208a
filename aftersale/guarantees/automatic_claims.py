"""Claims that open by themselves: what a breach is worth by the policy, as the request of a guarantee claim. Pure."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aftersale.contract.request import CaseRequest, Item
from aftersale.guarantees.claims import Filed
from aftersale.guarantees.compensation import MustBeStated, compensation, losses
from aftersale.guarantees.eligibility import claim_problems
from aftersale.money import LineAmount, Money, share
from aftersale.policy.book import Book
from aftersale.vocabulary import CaseKind, ClaimType

_MOST_LETTERS = 64


def non_performance(request: CaseRequest, now: datetime) -> CaseRequest:
    """Return the claim for what a case had agreed on and was not sent; at most one of each case."""
    return CaseRequest(
        case_id=derived_id(request.case_id, "unsent"),
        order_id=request.order_id,
        merchant_id=request.merchant_id,
        buyer_ref=request.buyer_ref,
        items=request.items,
        order=request.order,
        **about_claim(ClaimType.NON_PERFORMANCE, now),
    )


def price_claim(book: Book, filed: Filed) -> CaseRequest | None:
    """Return the claim as it is to be opened.

    For the amount that the policy sets, and no more of the order's money is held.

    None where the policy knows no such guarantee for the order, or leaves its amount to a person (S6): then nothing
    opens by itself, and the buyer may still file. Raises PolicyGap and BadInput as `Book.deadline`.
    """
    request, wanted = filed.request, filed.request.claim_type
    found = book.services.guarantee_for(wanted, request.order.paid_at, filed.applied_at) if wanted else None
    currencies = {item.requested.currency for item in request.items}
    facts = request.facts(CaseKind.CLAIM, filed.applied_at)
    if found is None or len(currencies) > 1 or claim_problems(book, request, facts, filed.applied_at):
        return None
    terms = found[1].compensation
    award = compensation(terms, losses(request), *currencies)
    if isinstance(award, MustBeStated) or not award.amount_minor:
        return None
    # A rate of what is asked for must see that whole; a rate of what was paid comes to the same by itself.
    return request if terms.base == "requested" else request.model_copy(update={"items": _asking(request, award.lines)})


def _asking(request: CaseRequest, lines: Sequence[LineAmount]) -> tuple[Item, ...]:
    amounts = {line.order_line_id: line.amount_minor for line in lines}
    return tuple(
        item.model_copy(update={"requested": Money(amount_minor=amounts[item.order_line_id], currency=currency)})
        for item in request.items
        if (currency := item.requested.currency)
    )


def about_claim(claim_type: ClaimType, now: datetime) -> dict[str, Any]:
    """Give the fields of a request that say what a claim is about, and when it was filed (R15)."""
    return {"reason_code": claim_type.value, "claim_type": claim_type, "requested_at": now}


def part_of(paid: Money, quantity: int, of: int) -> Money:
    """Give the part of a payment that falls to so many of all pieces, in minor units, rounded down."""
    return Money(amount_minor=share(paid.amount_minor, quantity, of), currency=paid.currency)


def derived_id(base: str, suffix: str) -> str:
    """Return an id made from another one, always the same; as long as it may be."""
    plain = f"{base}.{suffix}"
    return plain if len(plain) <= _MOST_LETTERS else f"{hashlib.sha256(base.encode()).hexdigest()[:40]}.{suffix}"

"""Reasons against a guarantee claim, or against a return by right: each rule with its own answer. Pure.

Judged by the versions in force when the order was paid (R14), and by what was true at the application (R6).
"""

from collections.abc import Iterator
from datetime import datetime

from aftersale.contract.request import CaseRequest, OrderLine
from aftersale.errors import Problem
from aftersale.policy.book import Book
from aftersale.policy.facts import Facts
from aftersale.policy.service_terms import ClaimWindow, Exclusion, Guarantee
from aftersale.policy.services import Edition
from aftersale.times import local
from aftersale.vocabulary import ClaimType, Clock, Service

NO_REASON_CODES = frozenset({"no_longer_wanted", "no_reason"})
"""The reasons of a buyer that needs none."""


def claim_problems(book: Book, request: CaseRequest, facts: Facts, applied_at: datetime) -> list[Problem]:
    """Return everything that speaks against opening the claim; empty where a person is to look at it.

    `facts` are those of the request at `applied_at`.
    Raises PolicyGap and BadInput as `Book.deadline`.
    """
    if request.claim_type is None:
        return [Problem(field="claim_type", message=f"is required of a claim; write {' or '.join(ClaimType)}")]
    found = book.services.guarantee_for(request.claim_type, request.order.paid_at, applied_at)
    if found is None:
        return [_not_in_force(book, request.claim_type, request.order.paid_at)]
    edition, guarantee = found
    return [
        *_covered(edition, guarantee, request),
        *_in_window(book, guarantee, request, facts, applied_at),
        *_missed(book, guarantee, request, facts, applied_at),
        *_shown(guarantee, request),
    ]


def no_reason_problems(book: Book, request: CaseRequest, facts: Facts, applied_at: datetime) -> list[Problem]:
    """Say why a return for no reason is not one by right; empty where it is, and where a reason is given.

    The right is the law's, so that an order needs no service for it. Without it a buyer may still ask, and the merchant
    agree. Before the carrier's sign-off the seven days have not begun.

    Raises PolicyGap and BadInput as `Book.deadline`.
    """
    if request.reason_code not in NO_REASON_CODES:
        return []
    return [*_within_seven_days(book, request, facts, applied_at), *_excluded(book, request, applied_at)]


# Claims


def _not_in_force(book: Book, claim_type: ClaimType, paid_at: datetime) -> Problem:
    spans = ", ".join(book.services.spans(claim_type)) or "no version of it"
    said = f"the {claim_type} guarantee was not in force at the payment, {local(paid_at)}; the book knows {spans}"
    return Problem(code="not_in_force", field="claim_type", message=said)


def _covered(edition: Edition, guarantee: Guarantee, request: CaseRequest) -> Iterator[Problem]:
    service, wanted = edition.file.service, guarantee.categories
    for index, line in _claimed(request):
        field = f"items.{index}.order_line_id"
        if service is not None and service not in (*request.order.services, *line.services):
            said = f"was bought without {service.words}; claim only for lines that were bought with it"
            yield Problem(code="no_service", field=field, message=said)
        if wanted and not _categories(request, line) & set(wanted):
            said = f"is not of the category {' or '.join(wanted)}; claim only for lines that are"
            yield Problem(code="category", field=field, message=said)


def _in_window(
    book: Book, guarantee: Guarantee, request: CaseRequest, facts: Facts, applied_at: datetime
) -> Iterator[Problem]:
    window = guarantee.window
    if window is None:
        return
    started_at = _start(window, request, applied_at)
    if started_at is not None:
        yield from _too_late(book, window.clock, facts, started_at, applied_at, _CLAIM_ELSE)
    elif window.since == "sign_off":
        said = f"is required, since {guarantee.says}; add the carrier's sign-off, or claim once the goods are there"
        yield Problem(code="not_signed_for", field="order.signed_for_at", message=said)


def _start(window: ClaimWindow, request: CaseRequest, applied_at: datetime) -> datetime | None:
    order = request.order
    at = order.signed_for_at if window.since == "sign_off" else order.confirmed_at
    return at if at is not None and at <= applied_at else None


def _missed(
    book: Book, guarantee: Guarantee, request: CaseRequest, facts: Facts, applied_at: datetime
) -> Iterator[Problem]:
    if guarantee.missed is None:
        return
    order = request.order
    due_at = book.deadline(guarantee.missed, facts, order.paid_at, applied_at).due_at
    left_at = min(order.dispatched_at or applied_at, applied_at)
    if due_at is None or left_at <= due_at:
        until = f"the order may be dispatched until {local(due_at)}" if due_at else "the order has no latest dispatch"
        yield Problem(code="not_late", field="order.dispatched_at", message=f"is not late: {until}; claim once it is")


def _shown(guarantee: Guarantee, request: CaseRequest) -> Iterator[Problem]:
    given, least = len(request.evidence), guarantee.evidence
    if given < least:
        said = f"holds {given} of the {least} that a {guarantee.type} claim needs at least; add what shows the damage"
        yield Problem(code="evidence", field="evidence", message=said)


# Returns for no reason


def _within_seven_days(book: Book, request: CaseRequest, facts: Facts, applied_at: datetime) -> Iterator[Problem]:
    signed_for_at = request.order.signed_for_at
    if signed_for_at is not None and signed_for_at <= applied_at:
        yield from _too_late(book, Clock.NO_REASON_WINDOW, facts, signed_for_at, applied_at, _RETURN_ELSE)


def _excluded(book: Book, request: CaseRequest, applied_at: datetime) -> Iterator[Problem]:
    edition = book.services.at(Service.NO_REASON_RETURN, request.order.paid_at, applied_at)
    for index, line in _claimed(request):
        for exclusion in edition.terms.exclusion if edition else ():
            if _falls_under(exclusion, request, line):
                said = f"cannot be sent back without a reason: {exclusion.says}; give the reason, if there is one"
                yield Problem(code="excluded", field=f"items.{index}.order_line_id", message=said)


def _falls_under(exclusion: Exclusion, request: CaseRequest, line: OrderLine) -> bool:
    confirmed = exclusion.confirmed_by is None or exclusion.confirmed_by in (*request.order.labels, *line.labels)
    return confirmed and bool(_categories(request, line) & set(exclusion.categories))


# Both


_CLAIM_ELSE, _RETURN_ELSE = "open a case of another kind", "give the reason, if there is one"
"""What is left to do where a window has ended."""


def _too_late(
    book: Book, clock: Clock, facts: Facts, started_at: datetime, applied_at: datetime, remedy: str
) -> Iterator[Problem]:
    deadline = book.deadline(clock, facts, started_at, applied_at)
    due_at = deadline.due_at
    if due_at is not None and (applied_at > due_at or (deadline.exclusive and applied_at == due_at)):
        said = (
            f"the {clock.words} ended at {local(due_at)}, counted from {local(started_at)}; it was {local(applied_at)}"
        )
        yield Problem(code="too_late", field="requested_at", message=f"{said}; {remedy}")


def _claimed(request: CaseRequest) -> Iterator[tuple[int, OrderLine]]:
    lines = {line.order_line_id: line for line in request.order.lines}
    return ((at, lines[item.order_line_id]) for at, item in enumerate(request.items) if item.order_line_id in lines)


def _categories(request: CaseRequest, line: OrderLine) -> set[str]:
    """Return the categories of a line: the order's hold for all lines, its own adds to them."""
    return {*request.order.categories, *((line.category,) if line.category else ())}

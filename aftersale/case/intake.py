"""Judge a request before its case opens: by its own words, by the order, and by what the policy book says of both."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from aftersale.contract.request import CaseRequest
from aftersale.errors import AftersaleError, Problem
from aftersale.guarantees.eligibility import claim_problems, no_reason_problems
from aftersale.policy.book import Book
from aftersale.policy.facts import Facts
from aftersale.policy.running import CLOCK_SKEW
from aftersale.schema import MOST_MINOR, Instant, Schema
from aftersale.times import local, span
from aftersale.vocabulary import CaseKind, Clock

_REVIEW, _BACK = (Clock.MERCHANT_REVIEW,), (Clock.BUYER_RETURN, Clock.MERCHANT_RECEIPT)

CLOCKS: dict[CaseKind, tuple[Clock, ...]] = {
    CaseKind.REFUND: _REVIEW,
    CaseKind.RETURN: (*_REVIEW, *_BACK, Clock.MERCHANT_INSPECTION),
    CaseKind.EXCHANGE: (*_REVIEW, *_BACK, Clock.REPLACEMENT_DISPATCH, Clock.BUYER_RECEIPT),
    CaseKind.RESHIP: (*_REVIEW, Clock.RESHIP_DISPATCH, Clock.BUYER_RECEIPT),
    CaseKind.REPAIR: (*_REVIEW, *_BACK, Clock.MERCHANT_INSPECTION, Clock.REPAIR_DISPATCH, Clock.BUYER_RECEIPT),
}
"""The clocks that a case of each kind may come to run: lines of one case must agree on all of them."""

NOT_BY_RIGHT = "not_by_right"
"""What a buyer has no right to, and a merchant may grant."""


class Application(Schema):
    """A request to judge: made at `applied_at`, received at `now`. `owner` is the case's workflow by its first run.

    `attempt` counts the requests that the case has made: 1 opens it, the others amend it.
    """

    kind: CaseKind
    request: CaseRequest
    applied_at: Instant
    now: Instant
    owner: str
    attempt: int = 1


def admit(book: Book, application: Application) -> list[Problem]:
    """Return what speaks against the request; it may be made where nothing `bars` it."""
    kind, request = application.kind, application.request
    applied_at, now = application.applied_at, application.now
    problems = [*_times(book, request, applied_at, now), *_items(request)]
    if request.claim_type is not None and kind is not CaseKind.CLAIM:
        problems.append(Problem(field="claim_type", message=f"belongs to claims; leave it out of a {kind}"))
    if problems:
        return problems
    try:
        facts = request.facts(kind, applied_at)
        return [
            *_validity(book, request, facts, applied_at),
            *_split(book, request, facts, applied_at),
            *_eligible(book, application, facts),
        ]
    except AftersaleError as error:
        return [Problem(code="policy_gap", field="order", message=str(error))]


def bars(problem: Problem) -> bool:
    """Tell whether a problem speaks against the case itself, and not only against a right to what it asks."""
    return problem.code != NOT_BY_RIGHT


def _eligible(book: Book, application: Application, facts: Facts) -> list[Problem]:
    """Return what speaks against a claim; and against the right to a return for no reason, which is made once."""
    match application.kind:
        case CaseKind.CLAIM:
            return claim_problems(book, application.request, facts, application.applied_at)
        case CaseKind.RETURN if application.attempt == 1:
            found = no_reason_problems(book, application.request, facts, application.applied_at)
            return [problem.model_copy(update={"code": NOT_BY_RIGHT}) for problem in found]
        case CaseKind.RETURN | CaseKind.REFUND | CaseKind.EXCHANGE | CaseKind.RESHIP | CaseKind.REPAIR:
            return []


def _times(book: Book, request: CaseRequest, applied_at: datetime, now: datetime) -> Iterator[Problem]:
    if applied_at > now + CLOCK_SKEW:
        yield Problem(field="requested_at", message=f"lies in the future; the service is at {local(now)}")
    if applied_at < request.order.paid_at <= now:
        yield Problem(field="requested_at", message="lies before order.paid_at; correct one of the two")
    if now - applied_at > span(book.grace):
        yield Problem(
            field="requested_at", message=f"lies more than {book.grace} back; file with the instant of the request"
        )
    order = request.order
    for name in ("paid_at", "dispatched_at", "signed_for_at", "confirmed_at"):
        at: datetime | None = getattr(order, name)
        if at is not None and at > now + CLOCK_SKEW:
            yield Problem(field=f"order.{name}", message=f"lies in the future; the service is at {local(now)}")
        elif at is not None and at < order.paid_at:
            yield Problem(field=f"order.{name}", message="lies before order.paid_at; correct one of the two")


def _items(request: CaseRequest) -> Iterator[Problem]:
    lines = {line.order_line_id: line for line in request.order.lines}
    counts = Counter(item.order_line_id for item in request.items)
    if len(lines) < len(request.order.lines):
        yield Problem(field="order.lines", message="names an order_line_id twice; give each line once")
    for index, item in enumerate(request.items):
        field = f"items.{index}"
        line = lines.get(item.order_line_id)
        if line is None:
            known = ", ".join(lines)
            yield Problem(field=f"{field}.order_line_id", message=f"is no line of the order; its lines are {known}")
            continue
        if counts[item.order_line_id] > 1:
            yield Problem(field=f"{field}.order_line_id", message="is named twice; put the line into one item")
        if item.quantity > line.quantity:
            yield Problem(field=f"{field}.quantity", message=f"is more than the {line.quantity} that were bought")
        if item.requested.currency != line.paid.currency:
            yield Problem(field=f"{field}.requested.currency", message=f"must be {line.paid.currency}, as paid")
        elif item.requested.amount_minor > line.paid.amount_minor:
            most = line.paid.amount_minor
            yield Problem(field=f"{field}.requested.amount_minor", message=f"is more than the {most} that was paid")
    if not any(item.requested.amount_minor for item in request.items):
        yield Problem(field="items", message="ask for no money at all; say what each line is to be refunded")
    if len({item.requested.currency for item in request.items}) > 1:
        yield Problem(field="items", message="mix currencies; open one case per currency")
    if sum(item.requested.amount_minor for item in request.items) > MOST_MINOR:
        yield Problem(field="items", message=f"ask for more than {MOST_MINOR} in all; open several cases")


def _validity(book: Book, request: CaseRequest, facts: Facts, applied_at: datetime) -> Iterator[Problem]:
    confirmed_at = request.order.confirmed_at
    if confirmed_at is None or confirmed_at > applied_at:
        return
    validity = book.deadline(Clock.AFTER_SALE_VALIDITY, facts, confirmed_at, applied_at)
    if validity.due_at is not None and applied_at >= validity.due_at:
        ended = local(validity.due_at)
        yield Problem(
            code="too_late", field="order.confirmed_at", message=f"after-sale service ended at {ended}; no new case"
        )


def _split(book: Book, request: CaseRequest, facts: Facts, applied_at: datetime) -> Iterator[Problem]:
    groups: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for item in request.items:
        of_line = facts.model_copy(update={"order": request.order.bought([item.order_line_id])})
        groups[book.clauses_bearing_on(of_line, CLOCKS.get(facts.kind, ()), applied_at)].append(item.order_line_id)
    if len(groups) > 1:
        cases = "; ".join(f"one with {', '.join(lines)}" for lines in groups.values())
        yield Problem(
            code="split", field="items", message=f"come under different limits; open {len(groups)} cases: {cases}"
        )

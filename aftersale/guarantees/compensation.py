"""Compute what a guarantee pays: the formula of a claim in its bounds, advances, what an insurer is asked for. Pure.

Integer minor units throughout. A part is rounded down, as everywhere else: never more than the rate comes to.
"""

from collections.abc import Iterable, Sequence

from aftersale.contract.request import CaseRequest
from aftersale.errors import bad_input
from aftersale.money import Currency, LineAmount, allocate, share
from aftersale.policy.service_terms import WHOLE, Compensation, Payer
from aftersale.schema import Code, Id, MinorUnits, Schema


class Loss(Schema):
    """What one order line is claimed for: what was paid for those pieces, and what the buyer asks.

    `most_minor` is the ceiling of the line: no more is paid for it, whatever the policy says.
    """

    order_line_id: Id
    paid_minor: MinorUnits
    requested_minor: MinorUnits
    most_minor: MinorUnits


class Award(Schema):
    """What a granted claim pays: by order line, in minor units, and who bears it (S6)."""

    lines: tuple[LineAmount, ...]
    amount_minor: MinorUnits
    currency: Currency
    payer: Payer


class MustBeStated(Schema):
    """The policy sets no amount, which `why` says: a reviewer states one within these bounds, in minor units (S6)."""

    why: str
    least_minor: MinorUnits
    most_minor: MinorUnits
    currency: Currency


def losses(request: CaseRequest) -> tuple[Loss, ...]:
    """Return what the lines of a claim lost.

    What is asked is the ceiling of each, since that is what the ledger reserves.
    """
    bought = {line.order_line_id: line for line in request.order.lines}
    return tuple(
        Loss(
            order_line_id=item.order_line_id,
            paid_minor=share(line.paid.amount_minor, item.quantity, line.quantity),
            requested_minor=item.requested.amount_minor,
            most_minor=item.requested.amount_minor,
        )
        for item in request.items
        if (line := bought.get(item.order_line_id)) is not None
    )


def compensation(
    terms: Compensation,
    lost: Sequence[Loss],
    currency: Currency,
    *,
    grade: Code | None = None,
    stated_minor: int | None = None,
) -> Award | MustBeStated:
    """Return what a granted claim pays, or that a reviewer must state it.

    What the rate comes to is raised to the floor, then lowered to the cap, then to the lines' ceilings: where they lie
    below the floor, they win, since nobody is paid more than what is at stake. What a reviewer states takes the place
    of the rate's amount, and is refused outside the same bounds rather than changed. It is spread over the lines in
    proportion to their ceilings, so that none is above its own.

    Raises BadInput for a grade that the terms do not know, and for an amount out of bounds.
    """
    least, most = bounds(terms, lost, currency)
    _check_grade(terms, grade)
    if stated_minor is not None:
        _check_stated(stated_minor, least, most)
        return _award(terms, lost, currency, stated_minor)
    if terms.rate is None:
        return _must_be_stated("the policy sets no rate for this claim", least, most, currency)
    if terms.grades and grade is None:
        named = ", ".join(terms.grades)
        return _must_be_stated(f"the policy pays by the grade of the damage ({named})", least, most, currency)
    base = sum(loss.paid_minor if terms.base == "paid" else loss.requested_minor for loss in lost)
    percent = terms.grades[grade] if grade is not None else 100
    return _award(terms, lost, currency, min(max(share(base, terms.rate * percent, WHOLE * 100), least), most))


def bounds(terms: Compensation, lost: Iterable[Loss], currency: Currency) -> tuple[int, int]:
    """Return the least and the most that a granted claim pays: floor and cap, but never above the lines' ceilings."""
    ceiling = sum(loss.most_minor for loss in lost)
    most = min(terms.cap.get(currency, ceiling), ceiling)
    return min(terms.floor.get(currency, 0), most), most


def _check_grade(terms: Compensation, grade: Code | None) -> None:
    if grade is not None and grade not in terms.grades:
        known = f"name one of {', '.join(terms.grades)}" if terms.grades else "leave it out: the policy has no grades"
        raise bad_input("grade", f"{grade!r} is no grade of this claim; {known}")


def _check_stated(stated: int, least: int, most: int) -> None:
    if not least <= stated <= most:
        said = f"{stated} is out of bounds; state from {least} to {most} in minor units"
        raise bad_input("amount", said)


def _must_be_stated(why: str, least: int, most: int, currency: Currency) -> MustBeStated:
    return MustBeStated(why=f"{why}; a reviewer states it", least_minor=least, most_minor=most, currency=currency)


def _award(terms: Compensation, lost: Sequence[Loss], currency: Currency, amount_minor: int) -> Award:
    parts = allocate(amount_minor, [loss.most_minor for loss in lost])
    lines = tuple(
        LineAmount(order_line_id=loss.order_line_id, amount_minor=part) for loss, part in zip(lost, parts, strict=True)
    )
    return Award(lines=lines, amount_minor=amount_minor, currency=currency, payer=terms.payer)

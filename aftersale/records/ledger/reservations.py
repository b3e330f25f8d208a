"""Reservations: what a case may do with its order's money, judged and kept under the order's lock. All, or nothing."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from aftersale.contract.request import OrderLine
from aftersale.errors import Problem
from aftersale.ledger.account import Account, Line
from aftersale.ledger.case_money import Admitted
from aftersale.ledger.reservation import Reservation
from aftersale.records.ledger.accounts import lock, lock_account
from aftersale.records.ledger.tables import order_lines, orders, reservations, reserved_lines, tenders
from aftersale.records.tables import Found, first_told, put_new
from aftersale.records.transactions import Repository

# Kept, since putting a statement together takes longer than executing it.
_RESERVATION = select(reservations).where(reservations.c.case_id == bindparam("case_id"))
_CLOSED = (
    update(reservations)
    .where(reservations.c.case_id == bindparam("this_case"), reservations.c.closed_at.is_(None))
    .values(closed_at=bindparam("now"))
)
_WHOSE = (
    update(orders)
    .where(orders.c.order_id == bindparam("this_order"))
    .values({name: first_told(orders.c[name]) for name in ("merchant_id", "buyer_ref")})
)
_CLAIMED, _PAID_WITH = insert(reserved_lines), insert(tenders)


class Reservations(Repository):
    """What cases hold of their orders' money."""

    def reserve(self, claim: Reservation, most_attempts: int, now: datetime) -> list[Problem]:
        """Hold what a case claims, before it may open; return all that speaks against it, nothing where it is held.

        A refused claim leaves nothing behind, and is no attempt. The same owner may ask again, which changes nothing:
        what was closed meanwhile stays closed, and `instruct` finds what a case that was reset may still pay.

        Codes: `case_id_conflict` (an id is never used twice), `order_mismatch` (the order was told otherwise before),
        `open_case` (one open case per order line and kind), `attempts` (per order line, over all kinds), `ceiling`
        (what open cases hold and closed ones settled leaves too little of what was paid).
        """
        with self._writing() as connection:
            account = lock_account(connection, claim.order_id)
            known = _known(connection, claim.case_id)
            if known is not None and _is_same(known, claim):
                # What is closed stays closed: this may be an attempt that was stuck, and nobody would close it again.
                return []
            taken = [] if known is None else [_taken_id(claim)]
            problems = [*taken, *_objections(account, claim, most_attempts)] or _keep(connection, claim, now)
            if problems:
                connection.rollback()
        return problems

    def amend(self, claim: Reservation, attempt: int, most_attempts: int, now: datetime) -> list[Problem]:
        """Hold another claim in the place of what its case holds; `attempt` 2 is the first amendment of a case.

        Return all that speaks against it, by the codes of `reserve`; nothing where it is held. The same attempt may ask
        again.
        """
        with self._writing() as connection:
            account = lock_account(connection, claim.order_id)
            known = _known(connection, claim.case_id)
            if known is None or not _is_same(known, claim):
                return [_taken_id(claim)]
            if known.attempt >= attempt:
                return []
            problems = list(_objections(account, claim, most_attempts))
            if not problems:
                _keep_amended(connection, claim, attempt, now)
        return problems

    def release(self, case_id: str, now: datetime) -> None:
        """Give back what a case holds and did not instruct. Safe to repeat, and for a case that holds nothing.

        What was settled stays, and the case's attempts count on.
        """
        with self._writing() as connection:
            known = _known(connection, case_id)
            if known is not None:
                lock(connection, known.order_id)
                close(connection, case_id, now)


def close(connection: Connection, case_id: str, now: datetime) -> None:
    """Close a reservation of an order that is locked; one that is closed stays as it is."""
    connection.execute(_CLOSED, {"this_case": case_id, "now": now})


def _known(connection: Connection, case_id: str) -> Found | None:
    return connection.execute(_RESERVATION, {"case_id": case_id}).one_or_none()


def _is_same(known: Found, claim: Reservation) -> bool:
    """Tell whether a case's reservation is that of the claim's owner, on the claim's order."""
    return (known.owner, known.order_id) == (claim.owner, claim.order_id)


def _taken_id(claim: Reservation) -> Problem:
    said = f"{claim.case_id} is another case's, and an id is never used twice; give this case an id of its own"
    return Problem(code="case_id_conflict", field="case_id", message=said)


def restore(connection: Connection, admitted: Admitted) -> bool:
    """Hold again what a case was admitted with, of an order that is locked, and ask nothing: it was; whether it is new.

    Its amendments are restored one after the other, as they were made.
    """
    claim, known = admitted.claim, _known(connection, admitted.claim.case_id)
    if known is None:
        if _keep(connection, claim, admitted.at):
            return False
        if admitted.attempt == 1:
            return True
    elif known.attempt >= admitted.attempt or not _is_same(known, claim):
        return False
    _keep_amended(connection, claim, admitted.attempt, admitted.at)
    return True


# What speaks against a claim


def _objections(account: Account, claim: Reservation, most_attempts: int) -> Iterator[Problem]:
    yield from _told_otherwise(account, claim)
    yield from _open_already(account, claim)
    yield from _too_often(account, claim, most_attempts)
    yield from _too_much(account, claim)


def _told_otherwise(account: Account, claim: Reservation) -> Iterator[Problem]:
    """Compare the order as this request tells it with what was told first."""
    if account.merchant_id not in (None, claim.merchant_id):
        yield _mismatch("merchant_id", claim.merchant_id, account.merchant_id)
    if account.buyer_ref not in (None, claim.buyer_ref):
        # Without naming that buyer, whose reference is not this case's to keep.
        said = f"is not the buyer whom earlier cases of order {claim.order_id} name; correct it, or order_id"
        yield Problem(code="order_mismatch", field="buyer_ref", message=said)
    for index, line in enumerate(claim.lines):
        first = account.lines.get(line.order_line_id)
        if first is None:
            continue
        for field, told, known in _figures(line, first):
            if told != known:
                yield _mismatch(f"order.lines.{index}.{field}", told, known)


def _figures(line: OrderLine, first: Line) -> Iterator[tuple[str, Any, Any]]:
    yield "quantity", line.quantity, first.quantity
    yield "paid.amount_minor", line.paid.amount_minor, first.paid
    yield "paid.currency", line.paid.currency, first.currency
    if line.paid.amount_minor == first.paid:
        yield "tenders", _named(_paid_with(line)), _named(first.tenders)


def _mismatch(field: str, told: object, known: object) -> Problem:
    said = f"is {told}, but earlier cases of this order say {known}; correct it, or order_id"
    return Problem(code="order_mismatch", field=field, message=said)


def _open_already(account: Account, claim: Reservation) -> Iterator[Problem]:
    for index, item in enumerate(claim.items):
        for held in account.held.values():
            open_ = held.closed_at is None and held.case_id != claim.case_id
            if open_ and held.kind is claim.kind and item.order_line_id in held.reserved:
                said = f"{item.order_line_id} has an open {claim.kind} case, {held.case_id}; act on that one"
                yield Problem(code="open_case", field=f"items.{index}.order_line_id", message=said)


def _too_often(account: Account, claim: Reservation, most: int) -> Iterator[Problem]:
    for index, item in enumerate(claim.items):
        made = account.attempts(item.order_line_id)
        if made >= most:
            said = f"{item.order_line_id} was claimed {made} times, and {most} is the most; take it to the platform"
            yield Problem(code="attempts", field=f"items.{index}.order_line_id", message=said)


def _too_much(account: Account, claim: Reservation) -> Iterator[Problem]:
    told = {line.order_line_id: line.paid.amount_minor for line in claim.lines}
    for index, item in enumerate(claim.items):
        line, asked = item.order_line_id, item.requested.amount_minor
        paid = account.lines[line].paid if line in account.lines else told[line]
        taken = account.amounts_by_case(line, without=claim.case_id)
        left = paid - sum(taken.values())
        if asked > left:
            said = (
                f"is {asked}, but of the {paid} paid for {line} {_named(taken) or 'nothing'} is taken, and {left} left"
            )
            remedy = "ask for no more than is left" if left > 0 else "act on those cases"
            field = f"items.{index}.requested.amount_minor"
            yield Problem(code="ceiling", field=field, message=f"{said}; {remedy}")


def _named(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{amount} {name}" for name, amount in sorted(amounts.items()))


# What is kept of one that nothing speaks against


def _keep(connection: Connection, claim: Reservation, now: datetime) -> list[Problem]:
    row = {
        "case_id": claim.case_id,
        "order_id": claim.order_id,
        "owner": claim.owner,
        "kind": claim.kind,
        "reserved_at": now,
    }
    if not put_new(connection, reservations, row):
        return [_taken_id(claim)]  # by a claim on another order, in this very moment
    whose = {"new_merchant_id": claim.merchant_id, "new_buyer_ref": claim.buyer_ref}
    connection.execute(_WHOSE, {"this_order": claim.order_id, **whose})
    for line in claim.lines:
        _keep_line(connection, claim, line, now)
    items = [
        {
            "case_id": claim.case_id,
            "order_line_id": item.order_line_id,
            "order_id": claim.order_id,
            "quantity": item.quantity,
            "amount_minor": item.requested.amount_minor,
            "attempts": 1,
        }
        for item in claim.items
    ]
    connection.execute(_CLAIMED, items)
    return []


def _keep_amended(connection: Connection, claim: Reservation, attempt: int, now: datetime) -> None:
    """Hold what is claimed now; a line that is no longer claimed holds nothing, and its attempts still count."""
    for line in claim.lines:
        _keep_line(connection, claim, line, now)
    of_case = reservations.c.case_id == claim.case_id
    connection.execute(update(reservations).where(of_case).values(kind=claim.kind, attempt=attempt))
    own = reserved_lines.c.case_id == claim.case_id
    connection.execute(update(reserved_lines).where(own).values(amount_minor=0, quantity=0))
    for item in claim.items:
        key = {"case_id": claim.case_id, "order_line_id": item.order_line_id, "order_id": claim.order_id}
        figures = {"quantity": item.quantity, "amount_minor": item.requested.amount_minor}
        if not put_new(connection, reserved_lines, {**key, **figures, "attempts": 1}):
            this = own & (reserved_lines.c.order_line_id == item.order_line_id)
            more = {**figures, "attempts": reserved_lines.c.attempts + 1}
            connection.execute(update(reserved_lines).where(this).values(more))


def _keep_line(connection: Connection, claim: Reservation, line: OrderLine, now: datetime) -> None:
    """Keep a line as it is first told."""
    key = {"order_id": claim.order_id, "order_line_id": line.order_line_id}
    figures = {
        "quantity": line.quantity,
        "paid_minor": line.paid.amount_minor,
        "currency": line.paid.currency,
        "told_by": claim.case_id,
        "told_at": now,
    }
    if put_new(connection, order_lines, {**key, **figures}):
        shares = [{**key, "tender": name, "paid_minor": paid} for name, paid in _paid_with(line).items()]
        connection.execute(_PAID_WITH, shares)


def _paid_with(line: OrderLine) -> dict[str, int]:
    return {share.tender: share.amount_minor for share in line.paid_with}

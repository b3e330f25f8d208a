"""Instructions: what a case may give back or take back, judged and kept under the order's lock."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select

from aftersale.ledger.account import Account
from aftersale.ledger.allocation import over_lines, over_tenders
from aftersale.ledger.reservation import Instructed
from aftersale.money import Allocation, LineAmount, Purpose, RefundInstruction, Settlement
from aftersale.records.errors import LedgerFault
from aftersale.records.ledger import chargebacks
from aftersale.records.ledger.accounts import lock_account
from aftersale.records.ledger.tables import allocations, attempts, instructions
from aftersale.records.tables import Found, put_new
from aftersale.records.transactions import Repository
from aftersale.times import local
from aftersale.vocabulary import RefundState

_DECIDING = ("case_id", "order_id", "amount_minor", "currency", "tender", "lines")
"""What makes an instruction another one; whose money it is follows from the order."""


# Kept, since putting a statement together takes longer than executing it.
_KEY: BindParameter[str] = bindparam("key")
_INSTRUCTION = select(instructions).where(instructions.c.key == _KEY)
_ALLOCATIONS = select(allocations).where(allocations.c.key == _KEY)
_NEW, _NEW_PARTS = insert(instructions), insert(allocations)


class Instructions(Repository):
    """What cases have the payment service give to buyers and take back, once for every key."""

    def instruct(self, instruction: RefundInstruction, now: datetime, attempt: int = 1) -> Instructed:
        """Keep a refund before it is sent; return how it is spread over tenders.

        A key that is known answers as it was kept. Of a closed reservation (a closed case was reset) as much can be
        instructed as nobody else took since; that is held by being on its way, the rest is not held again. What the
        books do not allow (a chargeback freezes the order, the case holds too little) is kept as failed, and answered
        as declined with the reason and the remedy: it must not be sent. At a later `attempt` a freeze does not do so,
        since an earlier one may have sent it, and the ledger forgotten that. Raises LedgerFault for another instruction
        under a known key.
        """
        with self._writing() as connection:
            return keep(connection, instruction, "refund", now, attempt=attempt)

    def clawback(self, instruction: RefundInstruction, now: datetime) -> Instructed:
        """Keep, before it is sent, that a case's refund is taken back: at most what was settled and is not back yet.

        Once it has succeeded the order line has that much room again: the ceiling bounds what a buyer holds. Raises as
        `instruct`.
        """
        with self._writing() as connection:
            return keep(connection, instruction, "clawback", now)

    def refuse(self, purpose: Purpose, reason: str, instruction: RefundInstruction, now: datetime) -> Instructed:
        """Keep an instruction as declined for this reason: it is not to be sent. A key that is known stays as it is."""
        with self._writing() as connection:
            return keep(connection, instruction, purpose, now, lambda: reason)

    def recall(self, key: str, like: RefundInstruction) -> tuple[RefundInstruction, Settlement | None] | None:
        """Return an earlier instruction of the case as it was sent, `like` a later one, and how it was settled.

        None where the ledger has none under the key.
        """
        with self._reading() as connection:
            row = find_instruction(connection, key)
            if row is None:
                return None
            kept = _as_kept(connection, row)
        told = {name: getattr(row, name) for name in ("key", "amount_minor", "currency", "tender", "payer")}
        about = {**told, "lines": _told_lines(row), "allocations": kept.allocations}
        return like.model_copy(update=about), kept.settlement


def find_instruction(connection: Connection, key: str) -> Found | None:
    """Return the instruction on file under a key; None where there is none."""
    return connection.execute(_INSTRUCTION, {"key": key}).one_or_none()


def _as_kept(connection: Connection, row: Found) -> Instructed:
    """Return an instruction on file as it is told to those who ask again."""
    rows = connection.execute(_ALLOCATIONS, {"key": row.key})
    spread = [
        Allocation(order_line_id=each.order_line_id, tender=each.tender, amount_minor=each.amount_minor)
        for each in rows
    ]
    # Not by the database, which has an order of its own for words: the body of a key must stay the same.
    spread.sort(key=lambda part: (part.order_line_id, part.tender))
    return Instructed(allocations=tuple(spread), known=True, settlement=settlement_of(row))


def settlement_of(row: Found) -> Settlement | None:
    """Return how an instruction on file was settled; None while it is processing."""
    if row.state is RefundState.PROCESSING:
        return None
    return Settlement(
        key=row.key,
        status="succeeded" if row.state is RefundState.SUCCEEDED else "declined",
        provider_ref=row.provider_ref,
        reason=row.reason,
    )


def allocate_after_all(connection: Connection, row: Found) -> None:
    """Spread what was paid though the ledger had refused it, and so had spread it over nothing.

    Where too little is left of the tenders they get more than they paid: `differences` then names them.
    """
    if connection.execute(_ALLOCATIONS, {"key": row.key}).first() is not None:
        return
    account = lock_account(connection, row.order_id)
    held, back = account.held.get(row.case_id), account.returnable(row.case_id)
    lines = _told_lines(row) or (over_lines(row.amount_minor, held.reserved) if held else ())
    shares = {
        each.order_line_id: (
            account.left_of(each.order_line_id) if row.purpose == "refund" else back.get(each.order_line_id, {})
        )
        for each in lines
        if each.order_line_id in account.lines
    }
    known = [each for each in lines if each.order_line_id in shares]
    for each in known:
        if sum(shares[each.order_line_id].values()) < each.amount_minor:
            shares[each.order_line_id] = dict(account.lines[each.order_line_id].tenders)
    _keep_parts(connection, row.key, over_tenders(known, shares))


def _keep_parts(connection: Connection, key: str, parts: Sequence[Allocation]) -> None:
    if parts:
        connection.execute(_NEW_PARTS, [{"key": key, **each.model_dump()} for each in parts])


def keep(
    connection: Connection,
    given: RefundInstruction,
    purpose: Purpose,
    now: datetime,
    barred: Callable[[], str | None] = lambda: None,
    attempt: int = 1,
) -> Instructed:
    """Keep an instruction: as known, if its key is; `barred` says what else than the account speaks against it."""
    n = _number(given, purpose)
    account = lock_account(connection, given.order_id)
    row = find_instruction(connection, given.key)
    if row is not None:
        _require_same(row, given)
        return _as_kept(connection, row)
    lines, spread, beyond = _refund(account, given) if purpose == "refund" else _clawback(account, given)
    frozen = chargebacks.refusal(connection, given.order_id) if purpose == "refund" else None
    may_be_sent = frozen is not None and attempt > 1
    refusal = barred() or (None if may_be_sent else frozen) or beyond
    if may_be_sent and refusal is None:
        put_new(connection, attempts, {"key": given.key, "attempt": attempt - 1, "began_at": now})
    _write(connection, given, purpose, n, refusal, now)
    if refusal is not None:
        return Instructed(allocations=(), settlement=Settlement(key=given.key, status="declined", reason=refusal))
    kept = over_tenders(lines, spread)
    _keep_parts(connection, given.key, kept)
    return Instructed(allocations=kept)


def keep_as_sent(connection: Connection, given: RefundInstruction, purpose: Purpose, at: datetime) -> None:
    """Keep an instruction that was sent, of an order that is locked, whatever the books say: the money may be gone.

    It is spread as it was when it was first kept, as far as the account still allows that.
    """
    account = lock_account(connection, given.order_id)
    _write(connection, given, purpose, _number(given, purpose), None, at)
    lines, spread, refusal = _refund(account, given) if purpose == "refund" else _clawback(account, given)
    if refusal is None:
        _keep_parts(connection, given.key, over_tenders(lines, spread))
    elif row := find_instruction(connection, given.key):
        allocate_after_all(connection, row)


_Judged = tuple[Sequence[LineAmount], Mapping[str, Mapping[str, int]], str | None]
"""The amount of every line, what is left of its tenders, and why the instruction cannot be carried out."""


def _refund(account: Account, given: RefundInstruction) -> _Judged:
    left = account.left_to(given.case_id)
    refusal = _not_held(account, given) or _beyond(given, left, _open_to(account, given.case_id))
    lines = [] if refusal else _lines(given, left)
    return lines, {line: account.left_of(line) for line in left}, refusal


def _clawback(account: Account, given: RefundInstruction) -> _Judged:
    tenders = account.returnable(given.case_id)
    left = {line: sum(shares.values()) for line, shares in tenders.items()}
    refusal = _beyond(given, left, "settled and not clawed back")
    return [] if refusal else _lines(given, left), tenders, refusal


def _lines(given: RefundInstruction, left: Mapping[str, int]) -> list[LineAmount]:
    if given.lines or not given.amount_minor:
        return sorted(given.lines, key=lambda line: line.order_line_id)
    return over_lines(given.amount_minor, left)


# Why the books do not allow an instruction


def _not_held(account: Account, given: RefundInstruction) -> str | None:
    if given.case_id in account.held:
        return None
    look = f"see `aftersale ledger show {account.order_id}`, and pay what is owed by a new case"
    return f"nothing of order {account.order_id} is reserved for case {given.case_id}; {look}"


def _open_to(account: Account, case_id: str) -> str:
    """Say what a case's refunds are paid out of."""
    held = account.held.get(case_id)
    if held is None or held.closed_at is None:
        return "reserved"
    return f"left of what was released at {local(held.closed_at)}"


def _beyond(given: RefundInstruction, left: Mapping[str, int], what: str) -> str | None:
    asked = {line.order_line_id: line.amount_minor for line in given.lines}
    over = [f"{line} ({amount} of {left.get(line, 0)})" for line, amount in asked.items() if amount > left.get(line, 0)]
    if given.amount_minor <= sum(left.values()) and not over:
        return None
    said = f"{given.amount_minor} {given.currency} is more than the {sum(left.values())} {what}"
    if over:
        said = f"more is asked than is {what}, of line {', '.join(over)}"
    return f"case {given.case_id}: {said}; see `aftersale ledger show {given.order_id}`, and instruct no more than that"


# One key, one instruction


def _number(given: RefundInstruction, purpose: Purpose) -> int:
    wanted = f"case/{given.case_id}/{purpose}/"
    found = re.fullmatch(re.escape(wanted) + r"([1-9]\d{0,8})", given.key, re.ASCII)
    if found is None:
        raise LedgerFault(f"{given.key} is no key of a {purpose} of case {given.case_id}; number it as {wanted}1")
    return int(found[1])


def _require_same(row: Found, given: RefundInstruction) -> None:
    told = _row(given)
    differing = [
        f"{name} was {getattr(row, name)}, is {told[name]}" for name in _DECIDING if getattr(row, name) != told[name]
    ]
    if differing:
        raise LedgerFault(
            f"another instruction is kept under {row.key} ({'; '.join(differing)}); give a new instruction a new number"
        )


def _row(given: RefundInstruction) -> dict[str, Any]:
    lines = " ".join(f"{line.order_line_id}={line.amount_minor}" for line in given.lines)
    return {name: getattr(given, name) for name in _DECIDING} | {"lines": lines}


def _told_lines(row: Found) -> tuple[LineAmount, ...]:
    """Return the lines that an instruction on file named, as `_row` has written them."""
    parts = (part.rpartition("=") for part in row.lines.split())
    return tuple(LineAmount(order_line_id=name, amount_minor=int(amount)) for name, _, amount in parts)


def _write(
    connection: Connection, given: RefundInstruction, purpose: Purpose, n: int, refusal: str | None, now: datetime
) -> None:
    row = _row(given) | {
        "key": given.key,
        "payer": given.payer,
        "purpose": purpose,
        "n": n,
        "state": RefundState.PROCESSING if refusal is None else RefundState.FAILED,
        "instructed_at": now,
        "settled_at": None if refusal is None else now,
        "reason": refusal,
    }
    connection.execute(_NEW, row)

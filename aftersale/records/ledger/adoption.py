"""Adoption: what a restored ledger has forgotten is taken over, from cases' histories and the service's statement."""

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Connection, func, select

from aftersale.ledger.case_money import CaseMoney, SentInstruction, parse_key
from aftersale.ledger.reports import Adopted, ProviderPayment
from aftersale.money import RefundInstruction, Settlement
from aftersale.records.errors import LedgerFault
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.instructions import find_instruction, keep_as_sent
from aftersale.records.ledger.reservations import close, restore
from aftersale.records.ledger.settlements import settle_as_told
from aftersale.records.ledger.tables import attempts, instructions, orders, reservations
from aftersale.records.tables import put_new
from aftersale.records.transactions import Repository
from aftersale.vocabulary import RefundState

_INSTANTS = (
    reservations.c.reserved_at,
    reservations.c.closed_at,
    instructions.c.instructed_at,
    instructions.c.settled_at,
    attempts.c.began_at,
    attempts.c.ended_at,
)

_RESERVED = select(reservations.c.order_id, reservations.c.attempt, reservations.c.closed_at)

_STATES = {"succeeded": RefundState.SUCCEEDED, "declined": RefundState.FAILED}

_AT_A_TIME = 1000
"""How many keys are asked for at a time."""


class Adoptions(Repository):
    """What the ledger lacks of what others know, and how it takes that over."""

    def latest_instant(self) -> datetime | None:
        """Return when the last of all that the ledger knows was done; None for a ledger without anything."""
        with self._reading() as connection:
            found = [connection.execute(select(func.max(each))).scalar_one() for each in _INSTANTS]
        return max((each for each in found if each is not None), default=None)

    def undecided_cases(self) -> set[str]:
        """Return the cases that have a payment under way."""
        query = select(instructions.c.case_id).where(instructions.c.state == RefundState.PROCESSING)
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    def find_losses(self, money: CaseMoney) -> list[str]:
        """Say what the ledger lacks of what a case had it keep; nothing where it has lost nothing."""
        with self._reading() as connection:
            return list(_losses(connection, money))

    def unknown_keys(self, keys: Collection[str]) -> list[str]:
        """Return those of these keys under which the ledger has nothing."""
        wanted, known = sorted(set(keys)), set[str]()
        with self._reading() as connection:
            for at in range(0, len(wanted), _AT_A_TIME):
                some = instructions.c.key.in_(wanted[at : at + _AT_A_TIME])
                known |= set(connection.execute(select(instructions.c.key).where(some)).scalars())
        return [key for key in wanted if key not in known]

    def adopt(self, money: CaseMoney) -> Adopted:
        """Take over what a case knows of its money; what is known already stays as it is.

        What its history has not heard of may have been sent: it counts as sent, so that nobody but the payment service
        says how it ends (R31).
        """
        if not money.admitted:
            return Adopted()
        with self._writing() as connection:
            lock(connection, money.admitted[0].claim.order_id)
            held = [each.claim.case_id for each in money.admitted if restore(connection, each)]
            keys = [each.instruction.key for each in money.sent if _adopt_sent(connection, each)]
            if money.released_at is not None:
                close(connection, money.case_id, money.released_at)
        return Adopted(reservations=tuple(dict.fromkeys(held)), instructions=tuple(keys))

    def adopt_payment(self, payment: ProviderPayment, now: datetime) -> Adopted:
        """Take over that the payment service has paid a key; one of a case that nobody knows is left alone."""
        parsed = parse_key(payment.key)
        if parsed is None:
            return Adopted()
        case_id = parsed[0]
        with self._writing() as connection:
            row = find_instruction(connection, payment.key)
            if row is None:
                reserved = connection.execute(_RESERVED.where(reservations.c.case_id == case_id)).one_or_none()
                if reserved is None:
                    return Adopted()
                lock(connection, reserved.order_id)
                keep_as_sent(connection, _told(connection, payment, case_id, reserved.order_id), parsed[1], now)
            elif row.state is RefundState.SUCCEEDED or (row.amount_minor, row.currency) != _sum(payment):
                return Adopted()
            else:
                lock(connection, row.order_id)
            settled = Settlement(key=payment.key, status="succeeded", provider_ref=payment.provider_ref)
            is_new = _settle(connection, settled, 1, now)
        return Adopted(instructions=(payment.key,) if is_new else ())


def _losses(connection: Connection, money: CaseMoney) -> Iterator[str]:
    row = connection.execute(_RESERVED.where(reservations.c.case_id == money.case_id)).one_or_none()
    for admitted in money.admitted:
        if row is None or row.attempt < admitted.attempt:
            what = "its money" if row is None else f"the money of its attempt {admitted.attempt}"
            yield f"case {money.case_id} was admitted on {admitted.claim.order_id}, and {what} is not reserved"
    for sent in money.sent:
        if (said := sent.settlement) is None:
            continue
        found = find_instruction(connection, said.key)
        if found is None:
            yield f"{said.key} was settled as {said.status}, and is not in the ledger"
        elif said.status == "succeeded" and found.state is not RefundState.SUCCEEDED:
            yield f"{said.key} was paid as {said.provider_ref}, and is {found.state} in the ledger"


def _adopt_sent(connection: Connection, sent: SentInstruction) -> bool:
    """Take over an instruction, with its end if its case heard of one; whether anything of it was new."""
    key, said = sent.instruction.key, sent.settlement
    found = find_instruction(connection, key)
    if found is None:
        keep_as_sent(connection, sent.instruction, sent.purpose, sent.at)
        # Who declined it, the service or the ledger, its case was not told: only what may be paid counts as sent.
        if said is None or said.status == "succeeded":
            put_new(connection, attempts, {"key": key, "attempt": 1, "began_at": sent.at})
    elif said is None or found.state is _STATES[said.status]:
        return False
    if said is None:
        return True
    was_sent = connection.execute(select(attempts.c.key).where(attempts.c.key == key)).first() is not None
    return _settle(connection, said, 1 if was_sent else None, sent.settled_at or sent.at)


def _settle(connection: Connection, said: Settlement, attempt: int | None, now: datetime) -> bool:
    """Keep how a key ended; False, and nothing done, where the service says otherwise than it did: `check` names it."""
    row = find_instruction(connection, said.key)
    assert row is not None
    try:
        settle_as_told(connection, row, said, attempt, now)
    except LedgerFault:
        return False
    return True


def _told(connection: Connection, payment: ProviderPayment, case_id: str, order_id: str) -> RefundInstruction:
    """Return the instruction behind a payment of which only the statement knows."""
    order = connection.execute(select(orders).where(orders.c.order_id == order_id)).one()
    return RefundInstruction(
        key=payment.key,
        case_id=case_id,
        order_id=order_id,
        merchant_id=order.merchant_id or "erased",
        buyer_ref=order.buyer_ref or "erased",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )


def _sum(payment: ProviderPayment) -> tuple[int, str]:
    return payment.amount_minor, payment.currency

"""Settlements: leave to send an instruction, and the payment service's definitive answer. No lock spans the two."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from aftersale.money import Settlement
from aftersale.records.errors import LedgerFault
from aftersale.records.ledger import chargebacks
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.instructions import find_instruction, settlement_of
from aftersale.records.ledger.reservations import close
from aftersale.records.ledger.tables import attempts, instructions
from aftersale.records.tables import Found, first_told, put_new
from aftersale.records.transactions import Repository
from aftersale.vocabulary import RefundState

# Kept, since putting a statement together takes longer than executing it.
_SETTLED = update(instructions).where(instructions.c.key == bindparam("this_key"))
_ENDED = (
    update(attempts)
    .where(attempts.c.key == bindparam("this_key"), attempts.c.attempt == bindparam("this_attempt"))
    .values({name: first_told(attempts.c[name]) for name in ("ended_at", "outcome")})
)


class Settlements(Repository):
    """How instructions end."""

    def note_attempt(self, key: str, attempt: int, now: datetime) -> Settlement | None:
        """Keep that an instruction is sent right now, once it is known that the payment service holds nothing of it.

        None gives leave. A settlement says that it must not be sent, and why: a refund of an order that was frozen
        meanwhile fails by this, as one that was never sent. Raises LedgerFault for an unknown key.
        """
        with self._writing() as connection:
            row = _locked(connection, key)
            refusal = chargebacks.refusal(connection, row.order_id) if row.purpose == "refund" else None
            settlement = settlement_of(row)
            if settlement is None and refusal is not None:
                settlement = Settlement(key=key, status="declined", reason=refusal)
                _write(connection, settlement, now)
            if settlement is None:
                put_new(connection, attempts, {"key": key, "attempt": attempt, "began_at": now})
            return settlement

    def settle(self, settlement: Settlement, attempt: int, closes: bool, now: datetime) -> None:
        """Keep the payment service's definitive answer; with `closes`, a success releases what the case still holds.

        Raises LedgerFault where the key was settled otherwise before.
        """
        with self._writing() as connection:
            row = _locked(connection, settlement.key)
            before = settlement_of(row)
            if before is None:
                _write(connection, settlement, now)
            else:
                _require_agreement(before, settlement)
            _end(connection, settlement, attempt, now)
            if closes and settlement.status == "succeeded":
                close(connection, row.case_id, now)


def _locked(connection: Connection, key: str) -> Found:
    """Return an instruction as it stands once its order is locked. Raises LedgerFault for an unknown key."""
    lock(connection, _known(connection, key).order_id)
    return _known(connection, key)


def _known(connection: Connection, key: str) -> Found:
    row = find_instruction(connection, key)
    if row is None:
        raise LedgerFault(f"{key} is not in the ledger; instruct it before it is sent")
    return row


def _write(connection: Connection, settlement: Settlement, now: datetime) -> None:
    values = {
        "this_key": settlement.key,
        "state": RefundState.SUCCEEDED if settlement.status == "succeeded" else RefundState.FAILED,
        "settled_at": now,
        "provider_ref": settlement.provider_ref,
        "reason": _kept(settlement.reason),
    }
    connection.execute(_SETTLED, values)


def _end(connection: Connection, settlement: Settlement, attempt: int, now: datetime) -> None:
    """Keep how the attempt ended; one whose beginning was lost began no later than that."""
    key, status = settlement.key, settlement.status
    whole = {"key": key, "attempt": attempt, "began_at": now, "ended_at": now, "outcome": status}
    if not put_new(connection, attempts, whole):
        ended = {"this_key": key, "this_attempt": attempt, "new_ended_at": now, "new_outcome": status}
        connection.execute(_ENDED, ended)


def _require_agreement(before: Settlement, settlement: Settlement) -> None:
    if _decisive(before) != _decisive(settlement):
        raise LedgerFault(
            f"{before.key} was settled as {_words(before)}, and is now said to be {_words(settlement)}; ask the "
            "payment service which is true, and compare its statement: `aftersale ledger check --statement FILE`"
        )


def _decisive(settlement: Settlement) -> tuple[str, str | None]:
    return settlement.status, settlement.provider_ref


def _words(settlement: Settlement) -> str:
    return f"{settlement.status} as {settlement.provider_ref}" if settlement.provider_ref else settlement.status


def _kept(reason: str | None) -> str | None:
    """Return a reason without the character that PostgreSQL cannot keep."""
    return None if reason is None else reason.replace("\0", "")

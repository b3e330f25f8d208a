"""Settlements: leave to send an instruction, and the payment service's definitive answer. No lock spans the two."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from aftersale.money import Settlement
from aftersale.records.errors import LedgerFault, WordAwaited
from aftersale.records.ledger import chargebacks
from aftersale.records.ledger.accounts import lock
from aftersale.records.ledger.charged_back import tell_of_refunds
from aftersale.records.ledger.instructions import allocate_after_all, find_instruction, settlement_of
from aftersale.records.ledger.reservations import close
from aftersale.records.ledger.tables import attempts, instructions
from aftersale.records.tables import Found, first_told, put_new
from aftersale.records.transactions import Repository
from aftersale.vocabulary import RefundState

# Kept, since putting a statement together takes longer than executing it.
_ATTEMPTS = select(attempts).where(attempts.c.key == bindparam("this_key"))
_SETTLED = update(instructions).where(instructions.c.key == bindparam("this_key"))
_ENDED = (
    update(attempts)
    .where(attempts.c.key == bindparam("this_key"), attempts.c.attempt == bindparam("this_attempt"))
    .values({name: first_told(attempts.c[name]) for name in ("ended_at", "outcome")})
)


class Settlements(Repository):
    """How instructions end."""

    def note_attempt(self, key: str, attempt: int, now: datetime, barred: str | None = None) -> Settlement | None:
        """Keep that an instruction is sent right now, once it is known that the payment service holds nothing of it.

        None gives leave. A settlement says that it must not be sent, and why: a refund fails by this that was never
        sent, of an order that was frozen meanwhile, or for what it is `barred`. Of one that may have been sent nobody
        but the payment service says how it ends (R31): WordAwaited. Raises LedgerFault for an unknown key.
        """
        with self._writing() as connection:
            row = _locked(connection, key)
            settlement = settlement_of(row)
            if settlement is not None:
                return settlement
            sent = bool(_known_attempts(connection, key))
            refusal = barred
            if refusal is None and row.purpose == "refund":
                refusal = chargebacks.refusal(connection, row.order_id, sent=sent)
            if refusal is None:
                put_new(connection, attempts, {"key": key, "attempt": attempt, "began_at": now})
                return None
            if sent:
                raise WordAwaited(f"{key} may have been sent, and goes out no more for now: {refusal}")
            settlement = Settlement(key=key, status="declined", reason=refusal)
            _write(connection, settlement, now)
            return settlement

    def settle(self, settlement: Settlement, attempt: int, closes: bool, now: datetime) -> None:
        """Keep the payment service's definitive answer; with `closes`, a success releases what the case still holds.

        What the ledger itself had declined counts as paid once the service says so; so much less the case may still
        instruct. Where the order is frozen, platform and merchant hear what it was refunded. Raises LedgerFault where
        the service had said otherwise of the key before.
        """
        with self._writing() as connection:
            row = _locked(connection, settlement.key)
            settle_as_told(connection, row, settlement, attempt, now)
            if closes and settlement.status == "succeeded":
                close(connection, row.case_id, now)


def settle_as_told(
    connection: Connection, row: Found, settlement: Settlement, attempt: int | None, now: datetime
) -> None:
    """Keep a definitive answer, of an order that is locked; no `attempt` where it is not known who decided it.

    Raises LedgerFault where the service had said otherwise of the key before.
    """
    before, paid = settlement_of(row), settlement.status == "succeeded"
    if before is None or (paid and before.status == "declined" and not _heard(connection, row.key)):
        _write(connection, settlement, now)
        if before is not None:
            allocate_after_all(connection, row)
    else:
        _require_agreement(before, settlement)
    if attempt is not None:
        _end(connection, settlement, attempt, now)
    if paid and row.purpose == "refund":
        tell_of_refunds(connection, row.order_id, chargebacks.notices_in_force(connection, row.order_id), now)


def _known_attempts(connection: Connection, key: str) -> Sequence[Found]:
    """Return the attempts at which a key was sent, or found to be settled."""
    return connection.execute(_ATTEMPTS, {"this_key": key}).all()


def _heard(connection: Connection, key: str) -> bool:
    """Tell whether the payment service has ever said how a key ends."""
    return any(each.outcome is not None for each in _known_attempts(connection, key))


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

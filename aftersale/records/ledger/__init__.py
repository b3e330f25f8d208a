"""The refund ledger: what orders were paid, what cases hold of that, and what was given back, to the last minor unit.

Every method is one short transaction. Those that move money hold the order's lock, so that cases which race for one
order are judged one after the other; nothing is locked while the payment service is asked.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from aftersale.errors import Problem
from aftersale.ledger.reports import Erasure, LedgerDifference, OrderBooks, Posting, ProviderPayment
from aftersale.ledger.reservation import Chargeback, Instructed, Reservation
from aftersale.money import RefundInstruction, Settlement
from aftersale.policy.service_terms import Advance
from aftersale.records.ledger import (
    advances,
    chargebacks,
    erasure,
    instructions,
    integrity,
    reports,
    reservations,
    settlements,
)
from aftersale.records.ledger.accounts import steady
from aftersale.records.ledger.statement import compare
from aftersale.records.transactions import Repository

__all__ = ["Ledger"]


class Ledger(Repository):
    """The ledger in the database of the records. Every method may raise RecordsUnavailable; instants are aware."""

    # What a case may do with its order's money

    def reserve(self, claim: Reservation, most_attempts: int, now: datetime) -> list[Problem]:
        """Hold what a case claims, before it may open. All that speaks against it; empty where it is held.

        A refused claim leaves nothing behind, and is no attempt. The same owner may ask again, which changes nothing:
        what was closed meanwhile stays closed, and `instruct` finds what a case that was reset may still pay.

        Codes: `case_id_conflict` (an id is never used twice), `order_mismatch` (the order was told otherwise before),
        `open_case` (one open case per order line and kind), `attempts` (per order line, over all kinds), `ceiling`
        (what open cases hold and closed ones settled leaves too little of what was paid).
        """
        with self._writing() as connection:
            problems = reservations.reserve(connection, claim, most_attempts, now)
            if problems:
                connection.rollback()
        return problems

    def amend(self, claim: Reservation, attempt: int, most_attempts: int, now: datetime) -> list[Problem]:
        """Hold another claim in the place of what its case holds; `attempt` 2 is the first amendment of a case.

        All that speaks against it, by the codes of `reserve`; empty where it is held. The same attempt may ask again.
        """
        with self._writing() as connection:
            return reservations.amend(connection, claim, attempt, most_attempts, now)

    def release(self, case_id: str, now: datetime) -> None:
        """Give back what a case holds and did not instruct. Safe to repeat, and for a case that holds nothing."""
        with self._writing() as connection:
            reservations.release(connection, case_id, now)

    def instruct(self, instruction: RefundInstruction, now: datetime) -> Instructed:
        """Keep a refund before it is sent: how it is spread over tenders.

        A key that is known answers as it was kept. Of a closed reservation (a closed case was reset) as much can be
        instructed as nobody else took since; that is held by being on its way, the rest is not held again. What the
        books do not allow (a chargeback freezes the order, the case holds too little) is kept as failed, and answered
        as declined with the reason and the remedy: it must not be sent. Raises
        LedgerFault for another instruction under a known key.
        """
        with self._writing() as connection:
            return instructions.instruct(connection, instruction, now)

    def advance(self, bounds: Advance | None, instruction: RefundInstruction, now: datetime) -> Instructed:
        """Keep, before it is sent, that the platform pays a refund ahead; beyond the bounds it is declined.

        They bound what the platform is out of pocket: advances of open cases, and those that could not be taken back.
        Of several for one buyer that come at once, one is judged after the other. Raises as `instruct`.
        """
        with self._writing() as connection:
            return advances.advance(connection, bounds, instruction, now)

    def clawback(self, instruction: RefundInstruction, now: datetime) -> Instructed:
        """Keep, before it is sent, that a case's refund is taken back: at most what was settled and is not back yet.

        Once it has succeeded the order line has that much room again: the ceiling bounds what a buyer holds. Raises as
        `instruct`.
        """
        with self._writing() as connection:
            return instructions.clawback(connection, instruction, now)

    def note_attempt(self, key: str, attempt: int, now: datetime) -> Settlement | None:
        """Keep that an instruction is sent right now, once it is known that the payment service holds nothing of it.

        None gives leave. A settlement says that it must not be sent, and why: a refund of an order that was frozen
        meanwhile fails by this, as one that was never sent. Raises LedgerFault for an unknown key.
        """
        with self._writing() as connection:
            return settlements.note_attempt(connection, key, attempt, now)

    def settle(self, settlement: Settlement, attempt: int, closes: bool, now: datetime) -> None:
        """Keep the payment service's definitive answer; with `closes`, a success releases what the case still holds.

        Raises LedgerFault where the key was settled otherwise before.
        """
        with self._writing() as connection:
            settlements.settle(connection, settlement, attempt, closes, now)

    # Chargebacks

    def freeze(self, order_id: str, reference: str, reason: str, now: datetime) -> Chargeback:
        """Pay no refund of an order while a chargeback is undecided; a notice that comes again changes nothing."""
        with self._writing() as connection:
            return chargebacks.freeze(connection, order_id, reference, reason, now)

    def lift(self, order_id: str, now: datetime) -> list[Chargeback]:
        """Lift the notices that freeze an order; those that did."""
        with self._writing() as connection:
            return chargebacks.lift(connection, order_id, now)

    def freezing_notices(self, order_id: str) -> list[Chargeback]:
        """The notices that freeze an order, the oldest first; none, and refunds are paid."""
        with self._reading() as connection:
            return chargebacks.freezing_notices(connection, order_id)

    # What the books say

    def order(self, order_id: str) -> OrderBooks | None:
        """The account of an order; None for one that the ledger does not know."""
        with self._reading() as connection:
            steady(connection)
            return reports.order_books(connection, order_id)

    def check(self, statement: Iterable[ProviderPayment] | None = None) -> list[LedgerDifference]:
        """What is wrong with the books of all orders; with the payment service's whole statement, also against that.

        Asks much at once of a large database: open the records with the patience for it.
        """
        with self._reading() as connection:
            steady(connection)
            found = list(integrity.differences(connection))
            return found if statement is None else found + list(compare(connection, statement))

    def export(self) -> Iterator[Posting]:
        """Every posting as of now, order by order, read from the database as it is asked for."""
        with self._reading() as connection:
            steady(connection)
            yield from reports.postings(connection)

    def erase(self, buyer_ref: str, now: datetime) -> Erasure:
        """Erase a buyer's reference, and all free text of its cases, from the ledger and the records, for ever.

        Sums, ids and instants stay, so that the books still add up. Raises BadInput while a case of the buyer is open,
        its money on its way, or a message about it unsent.
        """
        with self._writing() as connection:
            erased = erasure.erase(connection, buyer_ref, now)
        with self._reading() as connection:
            erasure.forget(connection)
        return erased

"""The refund ledger: what orders were paid, what cases hold of that, and what was given back, to the last minor unit.

Every method is one short transaction. Those that move money hold the order's lock, so that cases which race for one
order are judged one after the other; nothing is locked while the payment service is asked.
"""

from aftersale.records.ledger.adoption import Adoptions
from aftersale.records.ledger.advances import Advances
from aftersale.records.ledger.chargebacks import Chargebacks
from aftersale.records.ledger.erasure import Erasures
from aftersale.records.ledger.instructions import Instructions
from aftersale.records.ledger.reports import Reports
from aftersale.records.ledger.reservations import Reservations
from aftersale.records.ledger.settlements import Settlements

__all__ = ["Ledger"]


class Ledger(Reservations, Instructions, Advances, Settlements, Chargebacks, Reports, Erasures, Adoptions):
    """The ledger in the database of the records, each part of it with its SQL in a module of its own.

    A case reserves money, instructs refunds of it, and each is settled. Every method may raise RecordsUnavailable;
    instants are aware.
    """

"""The records: what cases have done, in SQLite or PostgreSQL. Needs the extra `records`.

Temporal owns a case while it runs; this is its written copy: one row per turn, the case as it stands, and the messages
that it owes to parties. It is read for lists, and after Temporal has forgotten the case. Beside it lies the ledger of
refunds, which is no copy: what it says of money is what counts.
"""

from aftersale.records.cases import CaseLine, CaseRepository, Place
from aftersale.records.database import DEFAULT_URL, VARIABLE
from aftersale.records.errors import (
    LedgerFault,
    RecordsGap,
    RecordsNewer,
    RecordsOutdated,
    RecordsUnavailable,
    WordAwaited,
)
from aftersale.records.fair_semaphore import PATIENCE
from aftersale.records.ledger import Ledger
from aftersale.records.migrate import migrate, require_current
from aftersale.records.outbox import Backlog, Leased, OutboxRepository, Report
from aftersale.records.store import Records, open
from aftersale.records.transactions import PAGE
from aftersale.records.turns import TurnRepository, Written
from aftersale.records.violations import ViolationRepository

__all__ = [
    "DEFAULT_URL",
    "PAGE",
    "PATIENCE",
    "VARIABLE",
    "Backlog",
    "CaseLine",
    "CaseRepository",
    "Leased",
    "Ledger",
    "LedgerFault",
    "OutboxRepository",
    "Place",
    "Records",
    "RecordsGap",
    "RecordsNewer",
    "RecordsOutdated",
    "RecordsUnavailable",
    "Report",
    "TurnRepository",
    "ViolationRepository",
    "WordAwaited",
    "Written",
    "migrate",
    "open",
    "require_current",
]

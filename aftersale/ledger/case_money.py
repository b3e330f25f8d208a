"""A case's money as Temporal knows it: what the case was admitted with, and what was sent in its name. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from aftersale.ledger.reservation import Reservation
from aftersale.money import Purpose, RefundInstruction, Settlement

_KEY = re.compile(r"case/([A-Za-z0-9._-]{1,64})/(refund|clawback)/([1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True)
class Admitted:
    """A claim for which the ledger has reserved money; `attempt` 2 is the first amendment of a case."""

    claim: Reservation
    attempt: int
    at: datetime


@dataclass(frozen=True)
class SentInstruction:
    """An instruction that a case gave, and how it was settled; None while its case has not heard."""

    purpose: Purpose
    instruction: RefundInstruction
    at: datetime
    settlement: Settlement | None = None
    settled_at: datetime | None = None


@dataclass(frozen=True)
class CaseMoney:
    """All of it, by a case's history: `released_at` is when the ledger had closed its reservation."""

    case_id: str
    admitted: tuple[Admitted, ...] = ()
    sent: tuple[SentInstruction, ...] = ()
    released_at: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """When the first of it was done."""
        return min([*(each.at for each in self.admitted), *(each.at for each in self.sent)], default=None)


def parse_key(key: str) -> tuple[str, Purpose, int] | None:
    """Return the case, the purpose and the number that a key of ours names; None for any other text."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    return found[1], "refund" if found[2] == "refund" else "clawback", int(found[3])

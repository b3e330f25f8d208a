"""Answers that several stages share."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.vocabulary import CaseKind


@dataclass(frozen=True)
class Withdrawn:
    """The buyer took the request back."""


@dataclass(frozen=True)
class Refused:
    """The merchant refused, at this instant, for this reason."""

    at: datetime
    reason_code: str


@dataclass(frozen=True)
class ChangeKind:
    """The case goes on by the procedure of a kind, perhaps its own; what was agreed already is not reviewed again."""

    kind: CaseKind
    agreed_at: datetime | None = None

"""What stages answer, where several of them answer the same."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Withdrawn:
    """The buyer took the request back."""


@dataclass(frozen=True)
class Refused:
    """The merchant refused, at this instant, for this reason."""

    at: datetime
    reason_code: str

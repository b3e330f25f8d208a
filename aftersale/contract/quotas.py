"""Quotas: how much of what repeats each party may give, apart from the others, and how full a workflow may get (R32).

Only what repeats without end has one. What moves a case on, a withdrawal, and what clocks do are never refused for it.
"""

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from aftersale import bounds
from aftersale.vocabulary import Command, Party, WatchCommand


class Extra(Enum):
    """What repeats and is no command of its own."""

    CORRECTIONS = "acts from stages that are over"
    PIECES = "pieces of evidence"
    REPEATS = "repeats of what was taken"


Sort = Command | WatchCommand | Extra

MOST: Mapping[Sort, int] = MappingProxyType(
    {
        Command.ADD_EVIDENCE: bounds.EVIDENCE_GIVEN,
        Command.AGREE_LIMIT: bounds.GIVEN,
        Command.AMEND: bounds.AMENDMENTS,
        Command.HOLD: bounds.GIVEN,
        Command.RETRY_REFUND: bounds.RETRIES,
        WatchCommand.SET_DELAY: bounds.DELAYS,
        WatchCommand.CANCEL_DELAY: bounds.DELAYS,
        Extra.CORRECTIONS: bounds.CORRECTIONS,
        Extra.PIECES: bounds.PIECES,
        Extra.REPEATS: bounds.REPEATS,
    }
)
"""How often each may come from one party."""

MONEY: frozenset[Sort] = frozenset({Command.RETRY_REFUND})
"""What a full history does not keep from being paid: its count alone bounds it."""


class Quotas:
    """What the parties of one case or watch have used up."""

    def __init__(self) -> None:
        self._given: Counter[tuple[Party, Sort]] = Counter()
        self._lines: Counter[str] = Counter()
        self._history_bytes = 0

    def use(self, party: Party, sort: Sort, times: int = 1) -> None:
        """Count what a party gave; what has no quota may come as often as it is legal."""
        if sort in MOST:
            self._given[party, sort] += times

    def left(self, party: Party, sort: Sort) -> int:
        """Return how often a party may still give what has a quota."""
        return MOST[sort] - self._given[party, sort]

    def note_line(self, by: str, size: int) -> None:
        """Count the bytes that somebody's line adds to the timeline."""
        self._lines[by] += size

    def note_history(self, size: int) -> None:
        """Keep how many bytes the workflow's history has."""
        self._history_bytes = size

    def used_up(self, party: Party, sort: Sort) -> str | None:
        """Say why a party can give no more of a sort, or None where it can, or where the sort has no quota."""
        if sort not in MOST:
            return None
        name = sort.value
        if self.left(party, sort) <= 0:
            return f"the {party} has used up its {MOST[sort]} {name}"
        if sort in MONEY:
            return None
        if self._lines[party] >= bounds.PARTY_BYTES:
            return f"the {party} has filled its part of the timeline, {bounds.PARTY_BYTES} bytes, so no more {name}"
        if self._history_bytes >= bounds.HISTORY_BYTES:
            full = f"{self._history_bytes} bytes of {bounds.HISTORY_BYTES}"
            return f"the history is full ({full}), and takes no more {name}"
        return None

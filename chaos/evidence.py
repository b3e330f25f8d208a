"""Evidence: what is left behind, gathered from everybody who kept something of it: plain data, to be checked."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aftersale.contract.status import Entry, Status
from aftersale.vocabulary import CaseKind
from aftersale.watch.status import Violation, WatchStatus


@dataclass
class CaseLeft:
    """One case: what its workflow says, what the records say, and to what a replay of its history leads.

    `seqs` are the turns on file that hold, `taken` the ids of the commands that callers were told were taken, `seen` is
    the longest timeline that anybody was shown.
    """

    workflow_id: str
    kind: CaseKind
    told: Status | None
    record: Status | None
    seqs: list[int]
    replayed: Status | None
    taken: list[str] = field(default_factory=list)
    seen: tuple[Entry, ...] = ()


@dataclass
class WatchLeft:
    """One watch: what its workflow says, the violations that the records keep, and to what a replay leads."""

    workflow_id: str
    told: WatchStatus | None
    kept: list[Violation]
    replayed: WatchStatus | None
    taken: list[str] = field(default_factory=list)
    seen: tuple[Entry, ...] = ()


class Paid(NamedTuple):
    """What the payment service holds under a key, and how often money moved for it."""

    key: str
    status: str
    moved: int
    order_id: str
    lines: dict[str, int]
    taken_back: bool


@dataclass
class Left:
    """All of it. `paid` is what was paid for each line of an order, in minor units."""

    cases: list[CaseLeft] = field(default_factory=list)
    watches: list[WatchLeft] = field(default_factory=list)
    payments: list[Paid] = field(default_factory=list)
    instructions: dict[str, str] = field(default_factory=dict)
    paid: dict[tuple[str, str], int] = field(default_factory=dict)
    reserved: list[str] = field(default_factory=list)
    outbox: dict[str, str] = field(default_factory=dict)
    inbox: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    unreplayable: dict[str, str] = field(default_factory=dict)
    failed_tasks: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def everything(self) -> list[CaseLeft | WatchLeft]:
        """All cases and watches."""
        return [*self.cases, *self.watches]


def paid_of(key: str, row: dict[str, Any], held: dict[str, Any]) -> Paid:
    """Read what the stand-in platform holds: its statement's row, and the instruction."""
    lines = {each["order_line_id"]: each["amount_minor"] for each in held["lines"]}
    return Paid(key, row["status"], row["times_moved"], held["order_id"], lines, "/clawback/" in key)

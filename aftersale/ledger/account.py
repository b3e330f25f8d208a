"""The account of one order: what was paid, what cases hold of it, what moved, and what is left. Pure.

An order's ceiling is the sum of its lines', so that holding each line's holds the order's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from aftersale.money import Purpose
from aftersale.vocabulary import CaseKind, RefundState


class Line(NamedTuple):
    """An order line as it was first told: pieces, and what was paid for them by tender, in minor units."""

    quantity: int
    paid: int
    currency: str
    tenders: Mapping[str, int]


class Held(NamedTuple):
    """What a case reserved, and how many attempts it counts, by order line."""

    case_id: str
    kind: CaseKind
    reserved_at: datetime
    closed_at: datetime | None
    reserved: Mapping[str, int]
    attempts: Mapping[str, int]


class Moved(NamedTuple):
    """The part of an instruction that is allocated to one tender of one order line."""

    case_id: str
    purpose: Purpose
    state: RefundState
    order_line_id: str
    tender: str
    amount: int

    @property
    def given(self) -> int:
        """What this counts of what the buyer has been given: a refund until it fails, less a clawback that succeeded.

        While it is not known how an instruction ends, it counts against giving more.
        """
        if self.purpose == "refund":
            return self.amount if self.state is not RefundState.FAILED else 0
        return -self.amount if self.state is RefundState.SUCCEEDED else 0

    @property
    def returnable(self) -> int:
        """What this counts of what can be clawed back: a refund that succeeded, less a clawback until it fails."""
        if self.purpose == "refund":
            return self.amount if self.state is RefundState.SUCCEEDED else 0
        return -self.amount if self.state is not RefundState.FAILED else 0


@dataclass(frozen=True)
class Account:
    """One order's books, in minor units. `merchant_id` and `buyer_ref` are None until a case tells them, or erased."""

    order_id: str
    merchant_id: str | None
    buyer_ref: str | None
    lines: Mapping[str, Line]
    held: Mapping[str, Held]
    moved: Sequence[Moved]

    def amounts_by_case(self, order_line_id: str, *, without: str | None = None) -> dict[str, int]:
        """Return what each case takes of a line, but for one case.

        What it was given, or reserves while it is open if more.
        """
        found = {}
        for case_id in self.held.keys() - {without}:
            held = self.held[case_id]
            reserved = held.reserved.get(order_line_id, 0) if held.closed_at is None else 0
            taken = max(reserved, self._given_to[case_id, order_line_id])
            if taken:
                found[case_id] = taken
        return dict(sorted(found.items()))

    def on_its_way(self, order_line_id: str) -> int:
        """Return what was instructed of a line for the buyer, and is neither settled nor failed."""
        return self._given_in(RefundState.PROCESSING, order_line_id)

    def settled_amount(self, order_line_id: str) -> int:
        """Return what the buyer has of a line: refunds that succeeded, less clawbacks that did."""
        return self._given_in(RefundState.SUCCEEDED, order_line_id)

    def attempts(self, order_line_id: str) -> int:
        """Say how many attempts were made on a line, by all cases."""
        return sum(held.attempts.get(order_line_id, 0) for held in self.held.values())

    def given(self, case_id: str) -> dict[str, int]:
        """Return what a case gave, by order line: refunds that have not failed, less clawbacks that succeeded."""
        return {line: amount for (case, line), amount in self._given_to.items() if case == case_id}

    def left_to(self, case_id: str) -> dict[str, int]:
        """Return what a case may still instruct, by order line: the rest of what it reserved, as far as that is there.

        Of a closed reservation, whose rest others may have taken since, there is only what nobody takes.
        """
        held = self.held.get(case_id)
        if held is None:
            return {}
        there = self._unspent if held.closed_at is None else self._untaken
        return {
            line: max(0, min(reserved - self._given_to[case_id, line], there(line)))
            for line, reserved in sorted(held.reserved.items())
        }

    def left_of(self, order_line_id: str) -> dict[str, int]:
        """Return what is left of a line, by tender: what was paid, less what was given back; never below nothing."""
        tenders = self.lines[order_line_id].tenders
        return {name: max(0, paid - self._given_of[order_line_id, name]) for name, paid in sorted(tenders.items())}

    def returnable(self, case_id: str) -> dict[str, dict[str, int]]:
        """Return what can be clawed back of a case, by order line and tender: what was paid, less clawbacks."""
        sums: Counter[tuple[str, str]] = Counter()
        for each in self.moved:
            if each.case_id == case_id:
                sums[each.order_line_id, each.tender] += each.returnable
        found: dict[str, dict[str, int]] = {}
        for (line, tender), amount in sorted(sums.items()):
            found.setdefault(line, {})[tender] = max(0, amount)
        return found

    def _given_in(self, state: RefundState, order_line_id: str) -> int:
        return sum(each.given for each in self.moved if (each.state, each.order_line_id) == (state, order_line_id))

    def _unspent(self, order_line_id: str) -> int:
        """Return what was not given back of a line."""
        return sum(self.left_of(order_line_id).values())

    def _untaken(self, order_line_id: str) -> int:
        """Return what no case takes of a line."""
        return self.lines[order_line_id].paid - sum(self.amounts_by_case(order_line_id).values())

    @cached_property
    def _given_to(self) -> Counter[tuple[str, str]]:
        sums: Counter[tuple[str, str]] = Counter()
        for each in self.moved:
            sums[each.case_id, each.order_line_id] += each.given
        return sums

    @cached_property
    def _given_of(self) -> Counter[tuple[str, str]]:
        sums: Counter[tuple[str, str]] = Counter()
        for each in self.moved:
            sums[each.order_line_id, each.tender] += each.given
        return sums

"""Spread an instruction's money over order lines and tenders. Pure; sums are exact, and nothing is overdrawn."""

from collections.abc import Mapping, Sequence

from aftersale.money import Allocation, LineAmount, allocate


def over_lines(amount_minor: int, left: Mapping[str, int]) -> list[LineAmount]:
    """Spread an amount over order lines, in proportion to what is left of each; the parts add up to it exactly."""
    parts = allocate(amount_minor, list(left.values()))
    return [LineAmount(order_line_id=line, amount_minor=part) for line, part in zip(left, parts, strict=True) if part]


def over_tenders(lines: Sequence[LineAmount], left: Mapping[str, Mapping[str, int]]) -> tuple[Allocation, ...]:
    """Spread amounts of order lines over the tenders of each, in proportion to what is left of those.

    Refunds one after the other that come to all of a line so use up each of its tenders, and none before another.
    """
    return tuple(
        Allocation(order_line_id=line.order_line_id, tender=tender, amount_minor=part)
        for line in lines
        for tender, part in _shared(line.amount_minor, left.get(line.order_line_id, {}))
        if part
    )


def _shared(amount_minor: int, left: Mapping[str, int]) -> list[tuple[str, int]]:
    return list(zip(left, allocate(amount_minor, list(left.values())), strict=True))

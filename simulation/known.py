"""Faults that are known and not yet mended: the one list of what simulations leave out. It empties as they go."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulation.chance import Fault


@dataclass(frozen=True)
class Known:
    """A fault of today's code in words; what never happens in courses for its sake, unless checks tolerate it."""

    fault: str
    leaves_out: Fault | None = None


KNOWN = {
    "spent-parcel": Known(
        "goods that were sent back and refused count as sent back again, once another request is agreed on (R19)"
    ),
}
"""By name."""


def without_known() -> frozenset[Fault]:
    """Return every fault that may happen in a course today."""
    return frozenset(Fault) - {known.leaves_out for known in KNOWN.values()}


def lift(names: Iterable[str]) -> None:
    """Have known faults happen in this process, and no check let them pass: for whoever mends them."""
    for name in names:
        KNOWN.pop(name, None)


def tolerated(name: str) -> bool:
    """Tell whether checks let a known fault pass; once it is off the list, they do not."""
    return name in KNOWN

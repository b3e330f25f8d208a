"""The parcels of a case: which ones it waits for, and what the carriers said of any."""

from aftersale.commands import Leg, ParcelEvent

MOST_EVENTS = 200
"""How many scans a case keeps."""


class Parcels:
    """Scans by their event id, in the order in which they came, and the tracking number that each leg waits for."""

    def __init__(self) -> None:
        """Nothing is on its way."""
        self.scans: dict[str, ParcelEvent] = {}
        self.expected: dict[Leg, str] = {}

    @property
    def full(self) -> bool:
        """Whether no further scan is kept."""
        return len(self.scans) >= MOST_EVENTS

    def sign_off(self, leg: Leg) -> ParcelEvent | None:
        """The carrier's sign-off of the parcel that a leg waits for, if it was reported."""
        wanted = (leg, "signed_for", self.expected.get(leg))
        return next((scan for scan in self.scans.values() if (scan.leg, scan.event, scan.tracking_no) == wanted), None)

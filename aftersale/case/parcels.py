"""The parcels of a case: which ones it waits for, and what the carriers said of any."""

from aftersale import bounds
from aftersale.contract.commands import Leg, ParcelEvent, ScanEvent
from aftersale.money import Money


class Parcels:
    """Carriers' scans by event id, in the order in which they came; the parcel that each leg waits for; its freight."""

    def __init__(self) -> None:
        self.scans: dict[str, ParcelEvent] = {}
        self.expected: dict[Leg, str] = {}
        self.freight: Money | None = None

    def keep(self, scan: ParcelEvent) -> None:
        """Keep a scan; the caller has seen that its event id is new."""
        self.scans[scan.event_id] = scan

    def expect(self, leg: Leg, tracking_no: str) -> None:
        """Wait for this parcel on a leg; scans of any other say nothing of the case."""
        self.expected[leg] = tracking_no

    def note_freight(self, cost: Money | None) -> None:
        """Keep what the buyer paid for the way back, as far as it is told."""
        self.freight = cost

    @property
    def full(self) -> bool:
        """Whether a case holds the most scans that it keeps; further ones are not kept."""
        return len(self.scans) >= bounds.SCANS

    def is_moving(self, leg: Leg) -> bool:
        """Tell whether a carrier has had the parcel that a leg waits for in its hands: any scan but of a failure."""
        wanted = (leg, self.expected.get(leg))
        return any((scan.leg, scan.tracking_no) == wanted and scan.event != "failed" for scan in self.scans.values())

    def sign_off(self, leg: Leg) -> ParcelEvent | None:
        """Return the carrier's sign-off of the parcel that a leg waits for, if it was reported."""
        return self.first_scan(leg, "signed_for")

    def first_scan(self, leg: Leg, event: ScanEvent) -> ParcelEvent | None:
        """Return the first scan of a sort of the parcel that a leg waits for, if it was reported."""
        wanted = (leg, event, self.expected.get(leg))
        return next((scan for scan in self.scans.values() if (scan.leg, scan.event, scan.tracking_no) == wanted), None)

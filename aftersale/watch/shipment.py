"""Facts of a shipment: its parcels as the merchant clicked them, its scans as carriers reported them. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from aftersale.contract.commands import ParcelEvent, ScanEvent
from aftersale.policy.facts import MerchantDelay
from aftersale.vocabulary import Clock
from aftersale.watch.commands import Click
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import Check, ParcelView

PICKUP = (Clock.FALSE_DISPATCH_PICKUP, Clock.FALSE_TRACKING_PICKUP)
HUB = (Clock.FALSE_DISPATCH_HUB, Clock.FALSE_TRACKING_HUB)


@dataclass(frozen=True)
class Parcel:
    """One parcel, as the merchant clicked it."""

    carrier: str
    tracking_no: str
    clicked_at: datetime


@dataclass
class Shipment:
    """The facts of one shipment, in whatever order they came; what each says is judged by when it happened (R15)."""

    request: WatchRequest
    parcels: dict[str, Parcel] = field(default_factory=dict)
    scans: dict[str, ParcelEvent] = field(default_factory=dict)
    hubs: set[str] = field(default_factory=set)
    left: Counter[str] = field(init=False)
    dispatched_at: datetime | None = None
    cancelled_at: datetime | None = None
    delay: MerchantDelay | None = field(init=False)
    delay_cancelled_at: datetime | None = field(init=False)
    _of_parcel: dict[str, list[ParcelEvent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing has left; the merchant's own delay is as the order had it."""
        self.left = self.request.pieces
        self.delay, self.delay_cancelled_at = self.request.order.merchant_delay, self.request.order.delay_cancelled_at

    def click(self, given: Click, at: datetime) -> None:
        """Note that a parcel left; with the last pieces the shipment is dispatched, as late as its latest parcel."""
        self.parcels[given.tracking_no] = Parcel(given.carrier, given.tracking_no, at)
        if given.lines is None:
            self.left.clear()
        else:
            self.left -= given_pieces(given)
        if not self.left and self.dispatched_at is None:
            self.dispatched_at = max(parcel.clicked_at for parcel in self.parcels.values())

    def keep(self, scan: ParcelEvent) -> None:
        """Keep a carrier's scan, whatever the order in which scans come."""
        self.scans[scan.event_id] = scan
        self._of_parcel.setdefault(scan.tracking_no, []).append(scan)
        if scan.event == "hub":
            self.hubs.add(scan.event_id)

    @property
    def checks(self) -> Iterator[Check]:
        """The checks of the shipment: its dispatch, and four clocks for each parcel that was clicked (S29-S32)."""
        yield Check(Clock.DISPATCH)
        for tracking_no in self.parcels:
            yield from (Check(clock, tracking_no) for clock in (*PICKUP, *HUB))

    def started_at(self, check: Check) -> datetime | None:
        """Return since when a check's clock runs; None where it does not run yet."""
        if check.tracking_no is None:
            return self.request.order.paid_at
        if check.clock in PICKUP:
            return self.parcels[check.tracking_no].clicked_at
        return self.first(check.tracking_no, "picked_up")

    def met_at(self, check: Check) -> datetime | None:
        """Say when what a check asks for happened, if it has.

        A scan from further on the way shows as well that the parcel was picked up, and a sign-off that it is no false
        one. An order that was cancelled owes no dispatch.
        """
        if check.tracking_no is None:
            return min((at for at in (self.dispatched_at, self.cancelled_at) if at), default=None)
        if check.clock in PICKUP:
            return self.first(check.tracking_no, "picked_up", "hub", "signed_for")
        return self.first(check.tracking_no, "hub", "signed_for")

    def first(self, tracking_no: str, *wanted: ScanEvent) -> datetime | None:
        """Say when carriers first saw a parcel at one of these points."""
        seen = (
            scan.occurred_at
            for scan in self._of_parcel.get(tracking_no, ())
            if scan.event in wanted or ("hub" in wanted and scan.event_id in self.hubs)
        )
        return min(seen, default=None)

    def view(self, parcel: Parcel) -> ParcelView:
        """Return a parcel as the status shows it."""
        return ParcelView(
            carrier=parcel.carrier,
            tracking_no=parcel.tracking_no,
            clicked_at=parcel.clicked_at,
            picked_up_at=self.first(parcel.tracking_no, "picked_up"),
            hub_at=self.first(parcel.tracking_no, "hub"),
            signed_for_at=self.first(parcel.tracking_no, "signed_for"),
        )


def given_pieces(given: Click) -> Counter[str]:
    """Say how many pieces of each line a click names."""
    named = Counter[str]()
    for line in given.lines or ():
        named[line.order_line_id] += line.quantity
    return named

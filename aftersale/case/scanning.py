"""What a carrier's scan means to a case: kept once, refused, or a correction."""

from datetime import datetime

from aftersale.case.case import Case
from aftersale.case.parcels import MOST_EVENTS
from aftersale.contract.commands import ParcelEvent
from aftersale.policy.running import CLOCK_SKEW
from aftersale.times import local
from aftersale.vocabulary import Party, State


def take_scan(case: Case, scan: ParcelEvent, now: datetime) -> None:
    """Keep a carrier's scan, once; one that belongs to a stage whose lapse was executed is a correction (R15)."""
    if scan.event_id in case.parcels.scans:
        return
    if case.parcels.full:
        says = f"a case keeps at most {MOST_EVENTS} parcel events; further ones are not kept"
        if all(entry.says != says for entry in case.timeline):
            case.note("SignalRefused", says, Party.CARRIER, now, now)
        return
    if scan.occurred_at < case.request.order.paid_at or scan.occurred_at > now + CLOCK_SKEW:
        paid_at = local(case.request.order.paid_at)
        says = f"scan {scan.event_id}: occurred_at must lie between the payment at {paid_at} and now"
        case.refuse_signal(says, Party.CARRIER, now)
        return
    case.parcels.scans[scan.event_id] = scan
    says = f"{scan.leg} parcel {scan.tracking_no}: {scan.event}"
    if scan == case.parcels.sign_off("return") and _receipt_lapsed_after(case, scan.occurred_at):
        late = f"{says}, reported after the receipt had lapsed"
        case.correct(late, Party.CARRIER, scan.occurred_at, now)
    else:
        case.note("ParcelScanned", says, Party.CARRIER, scan.occurred_at, now)


def _receipt_lapsed_after(case: Case, at: datetime) -> bool:
    """Whether a receipt lapsed that this instant would have kept from it; parcels travel before their numbers."""
    return any(stage.state is State.AWAITING_MERCHANT_RECEIPT and at <= stage.respond_by for stage in case.lapsed)

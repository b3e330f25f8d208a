"""A request id of a watch stands for one content, as it does at a case."""

from typing import Any

from aftersale.vocabulary import WatchState
from tests.support.cases import MERCHANT, at, refusal
from tests.support.shipments import SF1, entries, paid
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"
CLICK: dict[str, Any] = {"carrier": "sf", "tracking_no": SF1, "request_id": "click-1"}


async def test_other_content_under_a_request_id_is_refused_and_a_repeat_is_answered_alike(place: Workplace) -> None:
    live = await paid(place, JUNE)
    first = await live.act("click", *MERCHANT, **CLICK)
    await live.scan(SF1, "picked_up", at(JUNE), "pickup")
    for command, given in (
        ("click", {**CLICK, "tracking_no": "SF2"}),
        ("cancel_order", {"request_id": "click-1"}),
    ):
        refused = await refusal(live.act(command, *MERCHANT, **given))
        assert refused.code == "idempotency_conflict"
        assert "request_id: click-1 (click) was used before for other content" in str(refused)
    assert await live.act("click", *MERCHANT, **CLICK) == first
    status = await live.status()
    assert status.state is WatchState.AWAITING_SCANS
    assert [parcel.tracking_no for parcel in status.parcels] == [SF1]


async def test_a_scan_that_differs_under_a_known_event_id_is_noted_and_not_taken(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await live.act("click", *MERCHANT, **CLICK)
    await live.scan(SF1, "picked_up", at(JUNE), "scan-1")
    await live.scan(SF1, "picked_up", at(JUNE), "scan-1")
    await live.scan(SF1, "signed_for", at(JUNE), "scan-1")
    status = await live.status()
    assert len(entries(status, "ParcelScanned")) == 1
    (noted,) = entries(status, "SignalRefused")
    assert noted.says.startswith("event_id: scan-1 was used before for other content")

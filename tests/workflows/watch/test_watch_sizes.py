"""Every count of a watch at its limit at once: the watch takes all of it, stays below every size, and ends."""

import asyncio
from typing import Any

from aftersale import bounds
from aftersale.client.open import as_sent
from aftersale.contract.commands import ParcelEvent
from aftersale.times import parse_instant
from aftersale.watch.status import WatchStatus
from tests.support.cases import at, refusal
from tests.support.filling import CODE, NOTE, full_request, reference
from tests.support.shipments import entries, shipment
from trial.environment import Workplace
from trial.watches import LiveWatch, watch

JUNE = "2024-06-03 10:00:00"
MERCHANT = ("merchant", reference("M-7"))
MOST = {"answer": 500_000, "status": 1_000_000, "history": 10_000_000}


async def test_a_watch_that_is_filled_to_every_limit_ends(place: Workplace) -> None:
    names = {name: reference(name) for name in ("shipment_id", "order_id", "buyer_ref")}
    order = {"lines": full_request("C", {})["order"]["lines"]}
    live = await watch(place, shipment(JUNE, **names, merchant_id=MERCHANT[1], order=order), at(JUNE))
    answers = [await _give(live, "click", carrier=CODE, tracking_no=_parcel(n)) for n in range(bounds.PARCELS)]
    for days in range(bounds.DELAYS):
        answers.append(await _give(live, "set_delay", limit=f"P{days + 3}D"))
        answers.append(await _give(live, "cancel_delay"))
    for command, given in (("set_delay", {"limit": "P3D"}), ("cancel_delay", {}), ("click", {"carrier": CODE})):
        await refusal(_give(live, command, **given))
    await asyncio.gather(*(live.handle.signal("parcel_event", _scan(n)) for n in range(bounds.WATCH_SCANS + 1)))
    await live.update("open", {})
    await live.until(at("2024-06-20 10:00:00"))
    final = await asyncio.wait_for(live.handle.result(), 60)
    assert len(entries(final, "ParcelScanned")) == bounds.WATCH_SCANS
    assert len(entries(final, "Violated")) == 2 * bounds.PARCELS
    found = {"answer": max(map(_size, answers)), "status": _size(final), "history": await _history(live)}
    assert all(found[name] <= most for name, most in MOST.items()), found
    assert found["history"] >= MOST["history"] // 2, f"not all of it was as large as it may be: {found}"


async def test_what_a_carrier_says_of_a_scan_is_cut_and_the_scan_counts(place: Workplace) -> None:
    live = await watch(place, shipment(JUNE), at(JUNE))
    await live.act("click", "merchant", "M-7", carrier="sf", tracking_no="SF1")
    await live.scan("SF1", "signed_for", at(JUNE), "wordy", 3 * NOTE)
    assert entries(await live.status(), "SignalRefused") == []
    assert (await live.status()).parcels[0].signed_for_at == at(JUNE)


async def _give(live: LiveWatch, command: str, **given: Any) -> WatchStatus:
    return await live.act(command, *MERCHANT, occurred_at="2024-06-03T10:00:00", **given)


def _parcel(number: int) -> str:
    return reference(f"P{number}")


def _scan(number: int) -> dict[str, Any]:
    """A scan as our client sends it: every parcel is picked up, and then fails to arrive, again and again."""
    scan = ParcelEvent(
        event_id=reference(f"scan-{number}"),
        leg="outbound",
        tracking_no=_parcel(number % bounds.PARCELS),
        event="picked_up" if number < bounds.PARCELS else "failed",
        occurred_at=parse_instant("2024-06-03T10:00:00+08:00"),
        text=NOTE,
    )
    return as_sent(scan)


def _size(status: WatchStatus) -> int:
    return len(status.model_dump_json().encode())


async def _history(live: LiveWatch) -> int:
    return int((await live.handle.describe()).raw_description.workflow_execution_info.history_size_bytes)

"""`aftersale watch` as operators and scripts run it: a process, a server, what is printed, the exit status."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftersale.client import Refusal
from aftersale.contract.commands import ParcelEvent
from aftersale.policy.running import CLOCK_SKEW
from aftersale.times import floor, local
from aftersale.vocabulary import WatchEnd
from aftersale.watch.commands import Click
from tests.support.market import ACTORS, Market, market
from tests.support.platform_fixtures import until
from tests.support.shell import Told, run

LINES = [{"order_line_id": "L1", "quantity": 2, "paid": {"amount_minor": 12900, "currency": "CNY"}}]


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("watch")) as running:
        yield running


def request(shipment_id: str, **order: Any) -> dict[str, Any]:
    """A shipment of an order that was paid a moment ago."""
    paid_at = local(datetime.now(UTC) - CLOCK_SKEW)
    named = {"shipment_id": shipment_id, "order_id": f"O-{shipment_id}", "merchant_id": "M-7", "buyer_ref": "B-5"}
    return {**named, "order": {"paid_at": paid_at, "lines": LINES, **order}}


async def on(place: Market, *words: str, given: Any = "") -> Told:
    text = given if isinstance(given, str) else json.dumps(given)
    return await run("watch", *words, address=place.address, records_url=place.records_url, given=text)


async def test_a_shipment_is_watched_clicked_in_parts_and_shown(place: Market) -> None:
    wanted = request("S-1")
    opened = await on(place, "open", "-", given=wanted)
    assert (opened.status, opened.err) == (0, "") and opened.out.startswith(
        "S-1  O-S-1  awaiting dispatch 待商家发货\n"
    )
    again = await on(place, "open", "-", "--json", given=wanted)
    assert again.json["state"] == "awaiting_dispatch"
    as_merchant = ("--as", "merchant:M-7", "--carrier", "sf")
    half = await on(place, "click", "S-1", *as_merchant, "--tracking-no", "SF1", "--line", "L1:1", "--json")
    assert (half.json["state"], half.json["parcels"][0]["tracking_no"]) == ("awaiting_dispatch", "SF1")
    whole = await on(place, "click", "S-1", *as_merchant, "--tracking-no", "SF2", "--json")
    assert whole.json["state"] == "awaiting_scans"
    scan = {"event_id": "E1", "leg": "outbound", "tracking_no": "SF1", "event": "signed_for"}
    sent = await on(place, "scan", "S-1", "-", given={**scan, "occurred_at": local(datetime.now(UTC))})
    assert sent.out == "E1 is sent\n"
    shown = await on(place, "show", "S-1")
    for told in ("awaiting scans 待物流轨迹", "parcel SF1 (sf): clicked", "signed for", "Deadlines", "SF2", "Timeline"):
        assert told in shown.out


async def test_a_delay_and_a_cancelled_order_are_told(place: Market) -> None:
    await on(place, "open", "-", given=request("S-2"))
    told = await on(place, "delay", "S-2", "--limit", "P3D", "--as", "merchant:M-7", "--json")
    assert [entry["event"] for entry in told.json["timeline"]][-1] == "DelaySet"
    told = await on(place, "delay", "S-2", "--off", "--as", "merchant:M-7", "--json")
    assert [entry["event"] for entry in told.json["timeline"]][-1] == "DelayCancelled"
    refused = await on(place, "cancel", "S-2", "--as", "merchant:M-8", "--json")
    assert refused.status == 1 and "is not this order's merchant" in refused.json["error"]
    ended = await on(place, "cancel", "S-2", "--as", "system:orders", "--note", "refunded", "--json")
    assert (ended.status, ended.json["is_final"], ended.json["end"]) == (0, True, "order_cancelled")
    late = await on(place, "cancel", "S-2", "--as", "system:orders")
    assert late.status == 1 and "is over (order cancelled 订单取消)" in late.err
    assert (await on(place, "open", "-", "--json", given=request("S-2"))).json["code"] == "shipment_id_conflict"


async def test_a_watch_that_is_over_needs_no_more_scans(place: Market) -> None:
    watches = place.cases.watches
    wanted = request("S-4")
    first, second = await asyncio.gather(place.cases.watch(wanted), place.cases.watch(wanted))
    assert first == second
    click = Click(actor=ACTORS["merchant"], carrier="sf", tracking_no="SF1")
    clicked = await watches.act("S-4", click, request_id="click-1")
    assert await watches.act("S-4", click, request_id="click-1") == clicked
    now = floor(datetime.now(UTC))
    scan = ParcelEvent(event_id="E1", leg="outbound", tracking_no="SF1", event="signed_for", occurred_at=now)
    await watches.scan("S-4", scan)
    await until(lambda: _final(place, "S-4"), True)
    await watches.scan("S-4", scan.model_copy(update={"event_id": "E2"}))
    assert (await place.cases.watch(wanted)).end is WatchEnd.CHECKED
    with pytest.raises(Refusal, match="is over"):
        await watches.policy_published("S-4", 9)


async def _final(place: Market, shipment_id: str) -> bool:
    return (await place.cases.watches.status(shipment_id)).is_final


async def test_violations_are_listed_from_the_records(place: Market) -> None:
    await on(place, "open", "-", given=request("S-3", dispatch_promise="PT6S"))

    async def listed() -> list[tuple[str, str, bool]]:
        told = await on(place, "violations", "--merchant", "M-7", "--json")
        return [(each["shipment_id"], each["clock"], each["counts_for_score"]) for each in told.json["violations"]]

    await until(listed, [("S-3", "dispatch", True)])
    table = await on(place, "violations", "--order", "O-S-3", "--clock", "dispatch")
    assert "dispatch 发货" in table.out and "yes" in table.out
    tomorrow = local(datetime.now(UTC) + timedelta(days=1))
    assert (await on(place, "violations", "--since", tomorrow)).out == "no violations\n"


@pytest.mark.parametrize(
    ("words", "given", "status", "said"),
    [
        (("open", "-"), {"shipment_id": "S-9"}, 2, "order: is required"),
        (("open", "-", "--json"), request("S-9", services=["same_day_dispatch"]), 1, "cut-off hour"),
        (("show", "S-unknown"), "", 2, "the watch of shipment S-unknown is unknown here"),
        (("click", "S-1", "--carrier", "sf", "--tracking-no", "SF9", "--line", "L1"), "", 2, "write L1:2"),
        (("delay", "S-1", "--off", "--limit", "P3D"), "", 2, "--off: has no meaning beside a delay"),
        (("violations", "--clock", "tea"), "", 2, "--clock"),
    ],
)
async def test_what_is_wrong_is_named_with_its_remedy(
    place: Market, words: tuple[str, ...], given: Any, status: int, said: str
) -> None:
    told = await on(place, *words, given=given)
    assert told.status == status and said in told.out + told.err

"""A watch from start to end: malformed starts, books that change, workers that come and go, what operators see."""

from datetime import date
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata

from aftersale.policy.book import Book
from aftersale.times import SECOND
from aftersale.vocabulary import WatchEnd, WatchState
from tests.support.books import BOOK, notice
from tests.support.cases import at, quiet, refusal, stamp, working
from tests.support.platform_fixtures import until
from tests.support.shipments import SF1, clicked, due, ended, entries, paid, seen, shipment
from trial.environment import Workplace
from trial.watches import LiveWatch, start

JUNE = "2024-06-03 10:00:00"
LATE = "2024-06-05 10:00:00"
"""The last second in which an order paid at JUNE may be dispatched."""


# Starts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "request: must be a JSON object"),
        (shipment(JUNE) | {"colour": "red"}, "colour: is not a known field"),
        (shipment(JUNE, lines=[{"order_line_id": "L9", "quantity": 1}]), "names L9, which is no line of the order"),
        (shipment(JUNE, lines=[{"order_line_id": "L1", "quantity": 3}]), "of which 2 were bought"),
        (shipment(JUNE, order={"dispatched_at": stamp(JUNE)}), "send the click with its tracking number"),
        (shipment("2024-06-03 11:00:00"), "order.paid_at: lies in the future"),
        (shipment(JUNE, order={"sale_mode": "pre_sale"}), "order.dispatch_promise: is required"),
        (shipment(JUNE, order={"services": ["same_day_dispatch"]}), "give order.same_day_cut_off"),
        (shipment(JUNE, shipment_id="other"), "start the workflow as watch/other"),
    ],
)
async def test_a_malformed_start_ends_as_a_refused_record(place: Workplace, given: Any, said: str) -> None:
    known = given["shipment_id"] if isinstance(given, dict) and given["shipment_id"] != "other" else "S-refused"
    live = await start(place, given, at(JUNE), workflow_id=f"watch/{known}")
    final = await ended(live)
    assert (final.state, final.is_final, final.deadlines) == (WatchState.REFUSED, True, ())
    assert said in "; ".join(map(str, final.problems))


async def test_the_same_request_again_finds_its_watch_and_another_is_told_of_the_conflict(place: Workplace) -> None:
    given = shipment(JUNE)
    live = await start(place, given, at(JUNE))
    assert (await live.update("open", {"request": given})).shipment_id == given["shipment_id"]
    other = {**given, "buyer_ref": "B-6"}
    assert (await refusal(live.update("open", {"request": other}))).code == "shipment_id_conflict"


# Books and workers


async def test_a_book_published_meanwhile_moves_a_running_clock(idle: Workplace) -> None:
    async with working(idle):
        live = await paid(idle, JUNE)
        await quiet(live)
        await live.until(at("2024-06-04 12:00:00"))
        await quiet(live)
    windows = {"june": ("2024-06-01T00:00:00", "2024-06-30T23:59:59")}
    rule = {"id": "T1", "clock": "dispatch", "key": "paid", "window": "june", "effect": {"set": "P4D"}}
    added = notice(rule, windows=windows, announced=date(2024, 6, 4))
    newer = Book([*BOOK.files, added], BOOK.services.files, name=BOOK.name, revision=BOOK.revision + 1)
    async with working(idle, newer):
        await live.handle.signal("policy_published", {"revision": newer.revision})
        moved = at("2024-06-07 10:00:00")
        await until(lambda: _due(live), moved)
        (changed,) = entries(await live.status(), "DeadlineChanged")
        assert (changed.previous_due_at, changed.rules, changed.policy_version) == (at(LATE), ("T1",), newer.version)
        await live.until(moved + 2 * SECOND)
        assert (await seen(live, "dispatch")).breached_at == moved + SECOND


async def test_another_worker_takes_a_watch_up_in_the_middle(idle: Workplace) -> None:
    async with working(idle):
        live = await clicked(idle, JUNE)
        await quiet(live)
    await live.until(at("2024-06-04 10:00:02"), handled=False)
    async with working(idle):
        found = await seen(live, "false_dispatch_pickup", SF1)
        assert found.breached_at == at("2024-06-04 10:00:01")
        await live.scan(SF1, "picked_up", at("2024-06-04 10:00:01"), "pickup")
        assert due(await live.status(), "false_dispatch_hub", SF1) == at("2024-06-05 10:00:01")


async def test_an_operator_sees_what_is_awaited_until_when_and_by_which_rule(place: Workplace) -> None:
    live = await clicked(place, "2024-02-02 00:00:00")
    metadata = await live.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    for said in ("## awaiting scans 待物流轨迹", "2024-02-04T00:00:00+08:00", "| S29 |", "SF1", "### Timeline"):
        assert said in metadata.current_details
    assert await _timers(live) == [
        "dispatch 发货: fixed by S16, to 2024-02-22T23:59:59+08:00, then breach",
        "parcel SF1: false dispatch pickup 虚假发货揽收: PT48H by S29, to 2024-02-04T00:00:00+08:00, then violation",
    ]
    found = (await live.handle.describe()).typed_search_attributes
    shown = {pair.key.name: pair.value for pair in found}
    assert (shown["CaseState"], shown["MerchantId"]) == ("awaiting_scans", "M-7")
    assert shown["RespondBy"] == at("2024-02-04 00:00:00")


async def test_an_operator_may_end_a_watch(place: Workplace) -> None:
    live = await clicked(place, JUNE)
    await live.handle.cancel()
    final = await ended(live)
    assert (final.end, final.violations) == (WatchEnd.STOPPED, ())


async def _timers(live: LiveWatch) -> list[str]:
    """The summary of every timer that the watch started, in order."""
    converter = live.handle._client.data_converter  # the summary has no accessor of its own
    return [
        said
        async for event in live.handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        for said in await converter.decode([event.user_metadata.summary], [str])
    ]


async def _due(live: LiveWatch) -> Any:
    return due(await live.status(), "dispatch")

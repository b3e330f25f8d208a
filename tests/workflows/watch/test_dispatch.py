"""The dispatch watch, to the second: the last instant in time and the one after it, for every clock of a shipment."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from aftersale.times import SECOND
from aftersale.vocabulary import WatchState
from aftersale.watch.status import WatchStatus
from tests.support.cases import TAGGED, at
from tests.support.shipments import SF1, click, clicked, due, paid, picked_up, seen, violations
from trial.environment import Workplace
from trial.watches import LiveWatch

FESTIVAL, JUNE = "2024-02-02 00:00:00", "2024-06-03 10:00:00"
REMOTE = {"services": ["remote_area_logistics"]}
SPECIAL = {"shop_type": "special"}
SAME_DAY = {"services": ["same_day_dispatch"], "same_day_cut_off": "16:00"}
DELAYED = {"merchant_delay": {"set_at": "2024-01-30T09:00:00", "limit": "P4D"}}
DURING = {"merchant_delay": {"set_at": "2024-02-05T09:00:00", "until": "2024-02-25T12:00:00"}}
CANCELLED = {"delay_cancelled_at": "2024-02-05T09:00:00"}


@dataclass(frozen=True)
class Edge:
    """A clock of a watch at its last second: since when it runs, until when, by which rules."""

    clock: str
    since: str
    due: str
    rules: tuple[str, ...] = ()
    order: dict[str, Any] = field(default_factory=dict)
    clicked: str = FESTIVAL

    @property
    def tracking_no(self) -> str | None:
        return None if self.clock == "dispatch" else SF1

    async def begun(self, place: Workplace) -> LiveWatch:
        """A watch in which the clock runs."""
        if self.clock == "dispatch":
            return await paid(place, self.since, order=self.order)
        if self.clock.endswith("pickup"):
            return await clicked(place, self.since, order=self.order)
        return await picked_up(place, self.clicked, self.since, order=self.order)

    async def meet(self, live: LiveWatch, when: str) -> WatchStatus:
        """What the clock asks for happens at that instant."""
        if self.clock == "dispatch":
            return await click(live, when)
        await live.scan(SF1, "picked_up" if self.clock.endswith("pickup") else "hub", at(when), "meets")
        return await live.status()


def dispatch(since: str, last: str, *rules: str, **order: Any) -> Edge:
    return Edge("dispatch", since, last, rules, order)


def hub(clock: str, since: str, last: str, *rules: str, by: str = FESTIVAL, **order: Any) -> Edge:
    return Edge(clock, since, last, rules, order, by)


EDGES = {
    "E21": dispatch(FESTIVAL, "2024-02-22 23:59:59", "S16"),
    "E23b": dispatch("2024-02-20 23:59:59", "2024-02-23 23:59:59", "S16", dispatch_promise="PT72H"),
    "same day, before the hour": dispatch("2024-06-03 15:59:59", "2024-06-03 23:59:59", **SAME_DAY),
    "pre-sale": dispatch(FESTIVAL, "2024-02-12 00:00:00", sale_mode="pre_sale", dispatch_promise="P10D"),
    "S12, tagged": dispatch("2024-02-05 09:00:00", "2024-02-07 09:00:00", "S11", "S12", labels=TAGGED["labels"]),
    "S17, set before": dispatch("2024-02-05 09:00:00", "2024-02-09 09:00:00", "S17", **DELAYED),
    "S17, set during": dispatch("2024-02-05 09:00:00", "2024-02-25 12:00:00", "S17", **DURING),
    "S17, paid before it was set": dispatch("2024-02-05 08:59:59", "2024-02-22 23:59:59", "S16", **DURING),
    "S17, cancelled before": dispatch("2024-02-05 09:00:01", "2024-02-07 09:00:01", **CANCELLED),
    "E29a": Edge("false_dispatch_pickup", FESTIVAL, "2024-02-04 00:00:00", ("S29",)),
    "S29, special shop": Edge("false_dispatch_pickup", FESTIVAL, "2024-02-03 00:00:00", (), SPECIAL),
    "S31": Edge("false_tracking_pickup", FESTIVAL, "2024-02-05 00:00:00", ("S31",)),
    "E29c": hub("false_dispatch_hub", "2024-02-03 12:00:00", "2024-02-07 12:00:00", "S30"),
    "S32": hub("false_tracking_hub", "2024-02-03 12:00:00", "2024-02-08 12:00:00", "S32"),
    "S33, outside the window": hub(
        "false_tracking_hub", "2024-06-04 09:00:00", "2024-06-06 09:00:00", by=JUNE, **REMOTE
    ),
}


@pytest.fixture(params=list(EDGES.values()), ids=list(EDGES))
def edge(request: pytest.FixtureRequest) -> Edge:
    found = request.param
    assert isinstance(found, Edge)
    return found


async def test_what_happens_on_the_last_second_is_in_time(place: Workplace, edge: Edge) -> None:
    live = await edge.begun(place)
    assert due(await live.status(), edge.clock, edge.tracking_no) == at(edge.due)
    await live.until(at(edge.due) - 2 * SECOND)  # as far ahead as a caller's clock may run
    status = await edge.meet(live, edge.due)
    assert status.state is WatchState.AWAITING_SCANS or status.is_final
    assert not violations(status, edge.clock, edge.tracking_no)


async def test_a_silence_is_a_violation_one_second_after_the_last(place: Workplace, edge: Edge) -> None:
    live = await edge.begun(place)
    await live.until(at(edge.due) + 2 * SECOND)
    found = await seen(live, edge.clock, edge.tracking_no)
    assert (found.due_at, found.breached_at, found.rules) == (at(edge.due), at(edge.due) + SECOND, edge.rules)
    assert found.counts_for_score and found.recorded_at >= found.breached_at


async def test_what_happens_one_second_late_is_a_violation_though_it_is_reported_at_once(place: Workplace) -> None:
    live = await paid(place, JUNE)
    await live.until(at("2024-06-05 10:00:00"))
    status = await click(live, "2024-06-05 10:00:01")
    await live.until(at("2024-06-05 10:00:03"))
    found = await seen(live, "dispatch")
    assert found.breached_at == at("2024-06-05 10:00:01")
    assert status.dispatched_at == at("2024-06-05 10:00:01")


async def test_remote_area_logistics_waive_the_hub_scan_of_s32_alone(place: Workplace) -> None:
    live = await picked_up(place, FESTIVAL, "2024-02-03 12:00:00", order=REMOTE)
    waived = next(view for view in (await live.status()).deadlines if view.clock == "false_tracking_hub")
    assert (waived.waived, waived.due_at, waived.rules) == (True, None, ("S33",))
    await live.until(at("2024-02-08 12:00:03"))
    found = await seen(live, "false_dispatch_hub", SF1)
    assert not violations(await live.status(), "false_tracking_hub", SF1)
    assert found.rules == ("S30",)

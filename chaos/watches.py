"""One dispatch watch on its way: clicks, delays and scans at random, and how it is brought to its end."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

from aftersale.times import SECOND, local
from aftersale.vocabulary import WatchState
from aftersale.watch.status import WatchStatus
from chaos.caller import Caller
from simulation.courses.people import BUYER, MERCHANT
from simulation.courses.plan import Sort
from trial.environment import Running

_PARCELS = ("SF1", "SF2", "SF3")


class WatchCaller(Caller[WatchStatus]):
    """Speaks to one watch."""

    def __init__(self, live: Running[WatchStatus], chance: Random, tried: Counter[str]) -> None:
        """Nothing has been sent yet."""
        super().__init__(live, chance, tried)
        self._last = 0

    async def take(self, sort: Sort) -> bool:
        """Have something of this sort happen; whether anything can follow. Raises Over, Unanswered."""
        before = await self.status()
        if before.is_final:
            return False
        self.tried[f"step {sort}"] += 1
        match sort:
            case Sort.SCAN | Sort.TOGETHER:
                await self._scan()
            case Sort.TIME | Sort.EDGE:
                await self._time(before)
            case _:
                await self.give(*self._act())
        return True

    async def onward(self) -> bool:
        """Take the next step towards the end; whether there is one still to take. Raises Over, Unanswered."""
        status = await self.status()
        if status.is_final:
            return False
        due = [view.respond_by for view in status.deadlines if view.respond_by]
        if due or status.state is WatchState.AWAITING_SCANS:
            now = await self.now()
            await self.pass_to(max(min(due, default=now + timedelta(days=2)), now) + 2 * SECOND)
        else:
            self._last += 1
            await self.give("click", {**_by(MERCHANT), "carrier": "sf", "tracking_no": f"LAST-{self._last}"})
        return True

    def _act(self) -> tuple[str, dict[str, Any]]:
        click = {**_by(MERCHANT), "carrier": "sf", "tracking_no": self.chance.choice(_PARCELS)}
        acts: list[tuple[str, dict[str, Any]]] = [
            *[("click", click)] * 3,
            ("set_delay", {**_by(MERCHANT), "limit": self.chance.choice(["P5D", "P9D"])}),
            ("cancel_delay", _by(MERCHANT)),
            ("cancel_order", _by(BUYER)),
        ]
        return self.chance.choice(acts)

    async def _scan(self) -> None:
        when = await self.now() - self.chance.choice([0, 0, 1, 60, 3000]) * 60 * SECOND
        event, number = self.chance.choice(["picked_up", "picked_up", "hub"]), self.chance.choice(_PARCELS)
        scan = {"event_id": f"scan-{self.chance.randrange(20)}", "leg": "outbound", "tracking_no": number}
        await self.signal("parcel_event", {**scan, "event": event, "occurred_at": local(when)})

    async def _time(self, before: WatchStatus) -> None:
        now = await self.now()
        due = [view.respond_by for view in before.deadlines if view.respond_by and view.respond_by > now]
        edges = [each + step * SECOND for each in due for step in (-1, 0, 1, 2)]
        await self.pass_to(self.chance.choice([now + timedelta(hours=20), now + timedelta(days=3), *edges]))


def _by(actor: tuple[str, str]) -> dict[str, Any]:
    return {"actor": {"party": actor[0], "id": actor[1]}}

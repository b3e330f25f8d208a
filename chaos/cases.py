"""One case on its way: what parties, carriers, banks and operators do at random, and how it is brought to its end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from aftersale.case.moves import legal
from aftersale.contract.status import Status
from aftersale.records import Records, RecordsUnavailable
from aftersale.times import SECOND, local
from aftersale.vocabulary import Command, Party, State
from chaos.caller import Caller
from simulation.courses.plan import Sort
from simulation.courses.sendings import Sender, Sending
from simulation.courses.statuses import ALONE, givers, leading
from trial.environment import Running

_SPANS = [timedelta(minutes=5), timedelta(hours=3), timedelta(days=1), timedelta(days=30)]

_NOTICES = 20
"""How often a bank's notice is given: for longer than anybody locks the records."""


class CaseCaller(Caller[Status]):
    """Speaks to one case; `asked` is its request."""

    def __init__(
        self, live: Running[Status], chance: Random, tried: Counter[str], asked: dict[str, Any], kept: Records
    ) -> None:
        """Nothing has been sent yet."""
        super().__init__(live, chance, tried)
        self.sender, self._asked, self._kept = Sender(asked, chance), asked, kept

    async def take(self, sort: Sort) -> bool:
        """Have something of this sort happen; whether anything can follow. Raises Over, Unanswered."""
        before = await self.status()
        if before.is_final:
            return False
        self.tried[f"step {sort}"] += 1
        match sort:
            case Sort.SCAN:
                await self._scan()
            case Sort.TIME | Sort.EDGE:
                await self._time(before)
            case Sort.SPOILED:
                spoiled = self.sender.spoiled(before, await self.now())
                await self.give(spoiled.command, spoiled.payload)
            case Sort.CHARGEBACK:
                await self._chargeback(before)
            case Sort.CANCEL if self.chance.randrange(4) == 0:
                await self.live.handle.cancel()
            case Sort.TOGETHER:
                meant = [each for _ in range(self.chance.randint(2, 4)) if (each := self._meant(before)) is not None]
                calls: list[Any] = [self.give(each.command, each.payload) for each in meant]
                await _all([*calls, self._scan(), self._time(before)])
            case _:
                if (sending := self._meant(before)) is not None:
                    await self.give(sending.command, sending.payload)
        return True

    async def onward(self) -> bool:
        """Take the next step towards the end; whether there is one still to take. Raises Over, Unanswered."""
        status = await self.status()
        if status.is_final:
            return False
        likely = [name for name in leading(status) if name in status.next.commands]
        if status.held_since:
            await self._give(self.sender.meant(status, Command.RESUME, Party.PLATFORM))
        elif status.state is State.REFUNDING or status.state is State.OPENING:
            await asyncio.sleep(0.5)
        elif status.next.party and likely and self.chance.randrange(3):
            await self._give(self.sender.meant(status, self.chance.choice(likely), status.next.party))
        elif status.next.respond_by is not None:
            await self.pass_to(max(status.next.respond_by, await self.now()) + 2 * SECOND)
        elif status.state in ALONE:
            await self._give(self.sender.meant(status, *ALONE[status.state]))
        else:
            await asyncio.sleep(0.5)
        return True

    async def _give(self, sending: Sending) -> None:
        await self.give(sending.command, sending.payload)

    def _meant(self, before: Status) -> Sending | None:
        """Return something that somebody may do now."""
        moves = legal(before.state, before.kind, held=before.held_since is not None)
        likely = (leading(before) if self.chance.randrange(3) else []) or sorted(moves)
        if not likely:
            return None
        command = self.chance.choice(likely)
        who = givers(before, command)
        return self.sender.meant(before, command, self.chance.choice(who)) if who else None

    async def _time(self, before: Status) -> None:
        now, due = await self.now(), before.next.respond_by
        ahead = [now + span for span in _SPANS]
        if due is not None and due > now:
            ahead += [due - SECOND, due, due + SECOND, due + 2 * SECOND]
        await self.pass_to(self.chance.choice(ahead))

    async def _scan(self) -> None:
        leg, number = self.chance.choice([("return", "BACK"), ("outbound", "OUT"), ("return", "OTHER")])
        when = await self.now() + self.chance.choice([0, 0, -1, -72]) * timedelta(hours=1)
        event = self.chance.choice(["signed_for", "signed_for", "hub", "picked_up", "failed"])
        scan = {"event_id": f"scan-{self.chance.randrange(8)}", "leg": leg, "tracking_no": number, "event": event}
        await self.signal("parcel_event", {**scan, "occurred_at": local(when)})

    async def _chargeback(self, before: Status) -> None:
        """Have the buyer's bank freeze the order, at times as a payment is on its way, and take it back soon."""
        order, now, ledger = self._asked["order_id"], await self.now(), self._kept.ledger
        notice = f"CB-{self.chance.randrange(10**6)}"
        await self._kept_to(lambda: ledger.freeze(order, notice, "disputed", now))
        if (sending := self._meant(before)) is not None:
            await self._give(sending)
        await asyncio.sleep(self.chance.choice([0.5, 3, 12]))
        await self._kept_to(lambda: ledger.lift(order, now + SECOND))

    async def _kept_to(self, call: Callable[[], object]) -> None:
        """Have the ledger do something, whatever locks it: a bank's notice is given again until it is kept."""
        for _ in range(_NOTICES):
            with suppress(RecordsUnavailable):
                await asyncio.to_thread(call)
                return
            self.tried["calls repeated, as the records were locked"] += 1
        raise RecordsUnavailable(f"the ledger took no notice of a bank in {_NOTICES} tries; look for who locks it")


async def _all(calls: list[Any]) -> None:
    """Have all come together, and raise what the first of them raised once all are through."""
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer

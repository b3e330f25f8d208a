"""Any course that a case may take: steps drawn at random, taken on the real server, held against the table of moves.

A `Course` knows nothing of a case but what its status shows. After every step it checks what must always hold.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from aftersale.case import Status
from aftersale.client import Refusal
from aftersale.kinds import Command, Party, State
from aftersale.moves import legal
from aftersale.times import SECOND, local
from tests.cases import seen
from tests.sendings import FAULTS, Sending
from tests.trails import MACHINES, Trail
from tests.walks import givers, leading, moved, sane


class Sort(StrEnum):
    """What may happen at a step; what exactly, the step's chance decides when it sees where the case stands."""

    NOTHING = "nothing"
    MOVE = "move"
    SPOILED = "spoiled"
    SCAN = "scan"
    TIME = "time"
    EDGE = "edge"
    REPEAT = "repeat"
    PUBLISH = "publish"
    FAULT = "fault"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Step:
    """One step as it is drawn: where a case stands at a second's edge depends on the machine, so not the act itself."""

    sort: Sort
    chance: int


@dataclass(kw_only=True)
class Course(Trail):
    """One case on its way, by steps; `arm` has a fault happen to its next refund."""

    arm: Callable[[dict[str, Any]], Awaitable[None]]
    revision: int

    async def run(self, steps: list[Step]) -> Status:
        """Take the steps while the case is open, bring it to its end, and give the record it leaves."""
        try:
            for step in steps:
                if not await self._open_after(step):
                    break
            return await self._end()
        except BaseException as error:
            error.add_note("the course:\n" + "\n".join(f"  {line}" for line in self.log))
            raise

    async def _open_after(self, step: Step) -> bool:
        self.sender.chance = Random(step.chance)
        before = await self.status()
        if before.is_final:
            return False
        try:
            await self._take(step.sort, before)
            await self.live.rested()
        except RPCError as error:
            assert error.status is RPCStatusCode.NOT_FOUND, error
            return False
        return not (await self.status()).is_final

    async def _take(self, sort: Sort, before: Status) -> None:
        match sort:
            case Sort.NOTHING:
                pass
            case Sort.MOVE:
                await self._move(before)
            case Sort.SPOILED:
                await self.refused(before, self.sender.spoiled(before, await self.live.now()))
            case Sort.SCAN:
                await self._scan(before)
            case Sort.TIME:
                await self._time(before)
            case Sort.EDGE:
                await self._edge(before)
            case Sort.REPEAT:
                await self._repeat()
            case Sort.PUBLISH:
                self.say(f"the policy book is published at revision {self.revision}")
                await self.live.handle.signal("policy_published", {"revision": self.revision})
            case Sort.FAULT:
                await self._fault()
            case Sort.CANCEL:
                await self._cancel()

    async def _move(self, before: Status) -> None:
        moves = legal(before.state, before.kind, held=before.held_since is not None)
        pick = self.sender.pick
        likely = (leading(before) if self.sender.chance.randrange(3) else []) or sorted(moves)
        if likely:
            command = pick(likely)
            await self.give(before, self.sender.meant(before, command, pick(givers(before, command))))

    # Time, and what happens at its edges

    async def _time(self, before: Status) -> None:
        """Time passes: to a second before the next deadline, to it, to its lapse, or for a while."""
        due, now = before.next.respond_by, await self.live.now()
        ahead = [timedelta(minutes=5), timedelta(hours=3), timedelta(days=1), timedelta(days=30)]
        if due is not None and due > now:
            ahead += [due - now - SECOND, due - now, due - now + SECOND]
        span = self.sender.pick(ahead)
        await self._pass_to(before, now + span)

    async def _pass_to(self, before: Status, to: datetime) -> None:
        self.say(f"time passes to {local(to)}")
        await self.live.until(to)
        if before.next.respond_by is not None and to > before.next.respond_by:
            await seen(self.live, lambda after: moved(before, after))
        await self.live.rested()
        await self.status()

    async def _edge(self, before: Status) -> None:
        """An act of the deadline's second, of the one before or the one after, told then, or after the lapse."""
        due, pick = before.next.respond_by, self.sender.pick
        if due is None or before.held_since or due < await self.live.now():
            return
        told, happened = pick([(-1, -1), *[(-1, 0), (-1, 1)] * 3, *[(1, 0)] * 2, (1, 1), (7200, -1), (7200, 1)])
        await self._pass_to(before, due + told * SECOND)
        await self._tell(before, due + happened * SECOND, await self.live.rested())
        await self.live.until(due + SECOND)  # a stage that began by a clock ahead takes nothing until the case is there

    async def _tell(self, before: Status, happened: datetime, now: Status) -> None:
        """Tell in `now` of an act of that instant that was legal `before`."""
        due, moves, pick = before.next.respond_by, legal(before.state, before.kind, held=False), self.sender.pick
        assert due is not None
        command = pick(leading(before) if self.sender.chance.randrange(3) else sorted(moves))
        sending = self.sender.meant(before, command, pick(givers(before, command)))
        sending = Sending(command, {**sending.payload, "occurred_at": local(happened)})
        self.say(f"{sending} in {now.kind} {now.state}")
        if happened <= due and now.state is before.state and not moved(before, now):
            return await self.give(now, sending)
        try:
            after = await self.live.update(command, sending.payload)
        except Refusal as refusal:
            self.say(f"  refused: {refusal}")
            self.unmoved(now, await self.status(), sending)
            assert happened > due, f"what happened in time, and was told late, went lost: {refusal}"
        else:
            sane(self.kind, after)
            told_of = [entry.event for entry in after.timeline[len(now.timeline) :] if entry.by not in MACHINES]
            same = now.state is before.state  # where it waits on for the same, late acts are as good as any
            assert told_of == ["CorrectionRequested"] or happened > due or same, told_of

    # What others do

    async def _scan(self, before: Status) -> None:
        """A carrier's scan, of the right parcel or a wrong one, now, before or to come, new or known."""
        pick, chance = self.sender.pick, self.sender.chance
        fetched = "return", f"{self.live.handle.id}/pickup/1".replace("/", "-")
        parcels = [("return", "BACK"), ("outbound", "OUT"), ("return", "OTHER"), ("outbound", "BACK"), fetched]
        leg, number = pick(parcels)
        event = pick(["signed_for", "signed_for", "hub", "picked_up", "failed"])
        when = await self.live.now() + pick([0, 0, -1, -72, 1]) * timedelta(hours=1)
        event_id = f"scan-{chance.randrange(8)}"
        self.say(f"scan {event_id}: {leg} {number} {event} of {local(when)} in {before.kind} {before.state}")
        await self.live.scan(number, event, when, event_id, leg)

    async def _repeat(self) -> None:
        """A command that was taken is sent again under its id: it gets the answer that it got."""
        if self.taken:
            sending, request_id, answer = self.sender.pick(self.taken)
            self.say(f"{sending} again, as {request_id}")
            before = await self.status()
            assert await self.live.update(sending.command, sending.payload, id=request_id) == answer
            self.unmoved(before, await self.status(), sending)

    async def _fault(self) -> None:
        fault = self.sender.pick(FAULTS)
        self.say(f"to the next refund happens {fault}")
        await self.arm({**fault, "key": f"case/{self.case['case_id']}/"})

    async def _cancel(self) -> None:
        """An operator cancels the case, which seldom happens."""
        if self.sender.chance.randrange(6) == 0:
            self.say("an operator cancels the case")
            await self.live.handle.cancel()
            async with asyncio.timeout(60):
                while not self._cancelled(await self.live.status()):
                    await asyncio.sleep(0.02)

    @staticmethod
    def _cancelled(status: Status) -> bool:
        return status.is_final or status.state is State.REFUNDING

    # How it ends

    async def _end(self) -> Status:
        """Bring the case to its end, whatever it waits for."""
        for _ in range(60):
            status = await self.status()
            if status.is_final:
                return await asyncio.wait_for(self.live.handle.result(), 60)
            try:
                await self._onward(status)
            except RPCError as error:
                assert error.status is RPCStatusCode.NOT_FOUND, error
        raise AssertionError(f"the case does not end: it is {status.kind} {status.state}, {status.next}")

    async def _onward(self, status: Status) -> None:
        """The next thing towards the end: who is awaited moves or is silent; who alone can move does."""
        likely = [name for name in leading(status) if name in status.next.commands]
        if status.held_since:
            await self.give(status, self.sender.meant(status, Command.RESUME, Party.PLATFORM))
        elif status.state is State.REFUNDING:
            await asyncio.sleep(0.1)
        elif status.next.party and likely and self.sender.chance.randrange(3):
            await self.give(status, self.sender.meant(status, self.sender.pick(likely), status.next.party))
        elif status.next.respond_by is not None:
            await self._pass_to(status, max(status.next.respond_by, await self.live.now()) + SECOND)
        else:
            alone = {
                State.REFUND_FAILED: (Command.RETRY_REFUND, Party.PLATFORM),
                State.IN_ARBITRATION: (Command.RULE, Party.PLATFORM),
                State.AWAITING_MERCHANT_DISPATCH: (Command.AMEND, Party.BUYER),
                State.AWAITING_BUYER_RECEIPT: (Command.CONFIRM_DELIVERY, Party.BUYER),
                State.AWAITING_CLAIM_REVIEW: (Command.DECIDE_CLAIM, Party.PLATFORM),
            }
            await self.give(status, self.sender.meant(status, *alone[status.state]))

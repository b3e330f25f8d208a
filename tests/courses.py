"""Any course that a case may take: steps drawn at random, taken on the real server, held against the table of moves.

A `Course` knows nothing of a case but what its status shows. After every step it checks what must always hold.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from aftersale.case import Status
from aftersale.client import Refusal
from aftersale.kinds import CaseKind, Command, Party, State
from aftersale.moves import legal
from aftersale.times import SECOND, local
from tests.cases import seen
from tests.sendings import FAULTS, Sender, Sending
from tests.walks import leading, moved, offered, sane
from trial.workplace import Live

REASONS = ("the goods are with the merchant",)
"""Why the table's own commands may be refused for what they say: only the case knows what it took in."""

_COMMANDS = {command.value: command for command in Command}

MACHINES = {"timer", "policy", Party.SYSTEM}


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


@dataclass(frozen=True)
class Step:
    """One step as it is drawn: where a case stands at a second's edge depends on the machine, so not the act itself."""

    sort: Sort
    chance: int


@dataclass
class Course:
    """One case on its way, and the log of what happened to it."""

    live: Live
    kind: CaseKind
    case: dict[str, Any]
    arm: Callable[[dict[str, Any]], Awaitable[None]]
    revision: int
    log: list[str] = field(default_factory=list)
    taken: list[tuple[Sending, str, Status]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What is sent is made by the chance of the step at hand."""
        self.sender = Sender(self.case, Random(0))

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
        before = await self._status()
        if before.is_final:
            return False
        try:
            await self._take(step.sort, before)
            await self.live.rested()
        except RPCError as error:
            assert error.status is RPCStatusCode.NOT_FOUND, error
            return False
        return not (await self._status()).is_final

    async def _take(self, sort: Sort, before: Status) -> None:
        match sort:
            case Sort.NOTHING:
                pass
            case Sort.MOVE:
                await self._move(before)
            case Sort.SPOILED:
                await self._refused(before, self.sender.spoiled(before, await self.live.now()))
            case Sort.SCAN:
                await self._scan(before)
            case Sort.TIME:
                await self._time(before)
            case Sort.EDGE:
                await self._edge(before)
            case Sort.REPEAT:
                await self._repeat()
            case Sort.PUBLISH:
                self._say(f"the policy book is published at revision {self.revision}")
                await self.live.handle.signal("policy_published", {"revision": self.revision})
            case Sort.FAULT:
                await self._fault()

    async def _status(self) -> Status:
        status = await self.live.status()
        sane(self.kind, status)
        return status

    def _say(self, what: str) -> None:
        self.log.append(what)

    # Commands that are meant well

    async def _move(self, before: Status) -> None:
        moves = legal(before.state, before.kind, held=before.held_since is not None)
        pick = self.sender.pick
        likely = (leading(before) if self.sender.chance.randrange(3) else []) or sorted(moves)
        if likely:
            command = pick(likely)
            await self._give(before, self.sender.meant(before, command, pick(sorted(moves[command].parties))))

    async def _give(self, before: Status, sending: Sending) -> None:
        """Give what the table allows: it is taken, unless the case moved meanwhile or has its reasons."""
        self._say(f"{sending} in {before.kind} {before.state}")
        request_id = f"request-{len(self.log)}"
        try:
            after = await self.live.update(sending.command, sending.payload, id=request_id)
        except Refusal as refusal:
            self._say(f"  refused: {refusal}")
            now = await self._status()
            self._unmoved(before, now, sending)
            theirs = sending.command not in offered(before) or any(reason in str(refusal) for reason in REASONS)
            assert theirs or moved(before, now), f"{sending} was refused in {before.state}: {refusal}"
            return
        sane(self.kind, after)
        own = sending.command in offered(before) | {Command.EXTEND}
        assert own or moved(before, after), f"{sending} was taken in {before.state}"
        self.taken.append((sending, request_id, after))
        if sending.command is Command.AMEND and after.timeline[-1].event != "AmendmentRefused":
            self.case["items"] = sending.payload.get("items", self.case["items"])

    # Commands that must be refused

    async def _refused(self, before: Status, sending: Sending) -> None:
        """Send what must be refused: the case stands as it stood, and the refusal says what is legal."""
        self._say(f"{sending} in {before.kind} {before.state}")
        try:
            after = await self.live.update(sending.command, sending.payload)
        except Refusal as refusal:
            now = await self._status()
            self._unmoved(before, now, sending)
            assert refusal.code == sending.refused_as or moved(before, now), f"{sending}: {refusal.code}, {refusal}"
            if refusal.code == "illegal_move":
                named = _named(refusal)
                allowed = [offered(before), offered(now)]
                assert named - {Command.EXTEND} in allowed, f"{refusal} names {named}, not one of {allowed}"
        else:
            assert moved(before, after), f"{sending} was taken in {before.state}"

    def _unmoved(self, before: Status, after: Status, sending: Sending) -> None:
        """What was refused left no trace; a clock may have run out meanwhile, or a refund come back."""
        assert after.timeline[: len(before.timeline)] == before.timeline
        new = after.timeline[len(before.timeline) :]
        assert {entry.by for entry in new} <= MACHINES, f"{sending} was refused, and left {new}"
        if not new:
            assert after.model_copy(update={"next": before.next}) == before
            assert {*after.next.commands} - {Command.EXTEND} == {*before.next.commands} - {Command.EXTEND}

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
        self._say(f"time passes to {local(to)}")
        await self.live.until(to)
        if before.next.respond_by is not None and to > before.next.respond_by:
            await seen(self.live, lambda after: moved(before, after))
        await self.live.rested()
        await self._status()

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
        sending = self.sender.meant(before, command, pick(sorted(moves[command].parties)))
        sending = Sending(command, {**sending.payload, "occurred_at": local(happened)})
        self._say(f"{sending} in {now.kind} {now.state}")
        if happened <= due and now.state is before.state and not moved(before, now):
            return await self._give(now, sending)
        try:
            after = await self.live.update(command, sending.payload)
        except Refusal as refusal:
            self._say(f"  refused: {refusal}")
            self._unmoved(now, await self._status(), sending)
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
        leg, number = pick([("return", "BACK"), ("outbound", "OUT"), ("return", "OTHER"), ("outbound", "BACK")])
        event = pick(["signed_for", "signed_for", "hub", "picked_up", "failed"])
        when = await self.live.now() + pick([0, 0, -1, -72, 1]) * timedelta(hours=1)
        event_id = f"scan-{chance.randrange(8)}"
        self._say(f"scan {event_id}: {leg} {number} {event} of {local(when)} in {before.kind} {before.state}")
        await self.live.scan(number, event, when, event_id, leg)

    async def _repeat(self) -> None:
        """A command that was taken is sent again under its id: it gets the answer that it got."""
        if self.taken:
            sending, request_id, answer = self.sender.pick(self.taken)
            self._say(f"{sending} again, as {request_id}")
            before = await self._status()
            assert await self.live.update(sending.command, sending.payload, id=request_id) == answer
            self._unmoved(before, await self._status(), sending)

    async def _fault(self) -> None:
        fault = self.sender.pick(FAULTS)
        self._say(f"to the next refund happens {fault}")
        await self.arm({**fault, "key": f"case/{self.case['case_id']}/"})

    # How it ends

    async def _end(self) -> Status:
        """Bring the case to its end, whatever it waits for."""
        for _ in range(60):
            status = await self._status()
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
            await self._give(status, self.sender.meant(status, Command.RESUME, Party.PLATFORM))
        elif status.state is State.REFUNDING:
            await asyncio.sleep(0.1)
        elif status.next.party and likely and self.sender.chance.randrange(3):
            await self._give(status, self.sender.meant(status, self.sender.pick(likely), status.next.party))
        elif status.next.respond_by is not None:
            await self._pass_to(status, max(status.next.respond_by, await self.live.now()) + SECOND)
        else:
            alone = {
                State.REFUND_FAILED: (Command.RETRY_REFUND, Party.PLATFORM),
                State.IN_ARBITRATION: (Command.RULE, Party.PLATFORM),
                State.AWAITING_MERCHANT_DISPATCH: (Command.AMEND, Party.BUYER),
                State.AWAITING_BUYER_RECEIPT: (Command.CONFIRM_DELIVERY, Party.BUYER),
            }
            await self._give(status, self.sender.meant(status, *alone[status.state]))


def _named(refusal: Refusal) -> set[Command]:
    assert "legal now: " in str(refusal), refusal
    named = str(refusal).rpartition("legal now: ")[2]
    return set() if named.startswith("nothing") else {_COMMANDS[name] for name in named.split(", ")}

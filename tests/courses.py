"""Any course that a case may take: steps drawn at random, taken on the real server, held against the table of moves.

A `Course` knows nothing of a case but what its status shows. After every step it checks what must always hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

from hypothesis import note
from temporalio.service import RPCError, RPCStatusCode

from aftersale.case import Status
from aftersale.client import Refusal
from aftersale.kinds import CaseKind, Command, Party, State
from aftersale.moves import AWAITED, BY_ITSELF, PARTIES, Goal, legal, reached
from aftersale.times import SECOND, local
from tests.cases import BUYER, MERCHANT, PLATFORM, yuan
from trial.workplace import Live

T = TypeVar("T")

ACTORS = {Party.MERCHANT: MERCHANT, Party.BUYER: BUYER, Party.PLATFORM: PLATFORM}
KINDS = [kind for kind in CaseKind if kind is not CaseKind.CLAIM]
DATES = ["2024-01-30 00:00:00", "2024-02-15 23:59:59", "2024-06-03 10:00:00"]
FINAL = {State.COMPLETED, State.CLOSED}
BY_NOBODY = {State.REFUNDING, State.REFUND_FAILED, *FINAL}
"""States to which a case may come within the turn that leads to a refund."""

NEVER_OFFERED_EARLY = {Command.EXTEND}
"""What `next` offers though it may be refused now: it becomes legal before the deadline."""

EVIDENCE = [{"uri": "https://evidence.example/1"}]


@dataclass
class Course:
    """One case on its way.

    What a step does depends on where the case stands, and that, at a second's edge, on how fast the machine is. So what
    is drawn beforehand is a seed for each step, not the step.
    """

    live: Live
    case: Mapping[str, Any]
    decline: Callable[[str], Awaitable[None]]
    chance: Random = field(default_factory=Random)
    taken: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    # What happens

    async def step(self, seed: int) -> bool:
        """Take one step of any sort; whether the case is still open after it."""
        self.chance = Random(seed)
        before = await self.live.status()
        self.sane(before)
        if before.is_final:
            return False
        steps = [self.legal, self.legal, self.legal, self.illegal, self.scan, self.time, self.time, self.odd]
        try:
            await self.pick(steps)(before)
            after = await self.live.rested()
        except RPCError as error:
            assert error.status is RPCStatusCode.NOT_FOUND, error
            return False
        self.sane(after)
        return not after.is_final

    async def legal(self, before: Status) -> None:
        """A command that the table allows, by a party that may give it."""
        moves = legal(before.state, before.kind, held=before.held_since is not None)
        if not moves:
            return await self.time(before)
        command = self.pick(sorted(moves))
        party = self.pick(sorted(moves[command].parties))
        if command is Command.WITHDRAW and self.chance.randrange(4):
            return None  # not too often: it ends the course
        await self.give(before, command, party, self.payload(before, command))

    async def illegal(self, before: Status) -> None:
        """A command that may not be given here, or not by this party, or not so: refused, and nothing changes."""
        command = self.pick(sorted(Command))
        party = self.pick(sorted(ACTORS))
        spoiled = self.pick(["as it is", "stranger", "malformed", "future"])
        payload = self.payload(before, command)
        reference = ACTORS[party][1]
        if spoiled == "stranger" and party is not Party.PLATFORM:
            reference = "somebody-else"
        elif spoiled == "malformed":
            payload["surprise"] = True
        elif spoiled == "future":
            payload["occurred_at"] = local(await self.live.now() + timedelta(minutes=1))
        else:
            moves = legal(before.state, before.kind, held=before.held_since is not None)
            if command in moves and party in moves[command].parties:
                return await self.give(before, command, party, payload)
        note(f"{party} {command} {payload} ({spoiled}), to be refused")
        await self.refused(before, command, {"actor": {"party": party, "id": reference}, **payload})

    async def scan(self, before: Status) -> None:
        """A carrier's scan, of the right parcel or a wrong one, now or before, new or known."""
        scans = [("return", "signed_for"), ("outbound", "signed_for"), ("return", "hub")]
        leg, event = self.pick(scans)
        number = self.pick(["OUT" if leg == "outbound" else "BACK", "BACK", "OTHER"])
        when = await self.live.now() - self.pick([timedelta(0), timedelta(hours=1), timedelta(days=3)])
        event_id = f"scan-{self.chance.randrange(6)}"
        note(f"scan {leg} {number} {event} of {local(when)} as {event_id}")
        await self.live.scan(number, event, when, event_id, leg)
        self.led(before, await self.live.rested(), [state for state in [before.state, *_itself(before)]])

    async def time(self, before: Status) -> None:
        """Time passes: to a second before the deadline, to it, beyond it, or for a while."""
        due, now = before.next.respond_by, await self.live.now()
        ahead = [timedelta(minutes=5), timedelta(days=1), timedelta(days=30)]
        if due is not None and due > now:
            ahead = [due - now - SECOND, due - now, due - now + 2 * SECOND, *ahead]
        span = self.pick(ahead)
        note(f"time passes: {span}, to {local(now + span)}")
        await self.live.until(now + span)

    async def odd(self, before: Status) -> None:
        """A publication, a repetition, a decline to come, or an act of the deadline that is told after it."""
        sort = self.pick(["publication", "repetition", "decline", "late"])
        note(sort)
        if sort == "publication":
            await self.live.handle.signal("policy_published", {"revision": 1})
        elif sort == "repetition" and self.taken:
            name, payload, request_id = self.pick(self.taken)
            await self.live.update(name, payload, id=request_id)
            assert (await self.live.status()).timeline == before.timeline, "a repetition changes nothing"
        elif sort == "decline":
            await self.decline(self.case["case_id"])
        elif sort == "late" and before.next.respond_by and before.next.party in ACTORS and before.next.commands:
            due = before.next.respond_by
            await self.live.until(due + self.pick([-SECOND, SECOND, timedelta(hours=2)]))
            before = await self.live.rested()
            command = self.pick(sorted(PARTIES))
            party = self.pick(sorted(PARTIES[command] & ACTORS.keys()))
            payload = {**self.payload(before, command), "occurred_at": local(due)}
            note(f"{party} {command} {payload}, told late")
            try:
                await self.live.act(command, *ACTORS[party], **payload)
            except Refusal:
                self.untaken(before, await self.live.status(), party)

    # How it is given, and what must follow

    async def give(self, before: Status, command: Command, party: Party, payload: dict[str, Any]) -> None:
        """Give a command that the table allows: it leads where the table says, or is refused with a reason."""
        note(f"{party} {command} {payload} in {before.kind} {before.state}")
        whole = {"actor": {"party": party, "id": ACTORS[party][1]}, **payload}
        request_id = f"r-{len(self.taken)}"
        move = legal(before.state, before.kind, held=before.held_since is not None)[command]
        try:
            after = await self.live.update(command, whole, id=request_id)
        except Refusal:
            return self.untaken(before, await self.live.status(), party)
        self.taken.append((command, whole, request_id))
        self.led(before, after, [reached(_step(before), goal, after.kind) for goal in move.leads] or [before.state])

    async def refused(self, before: Status, command: Command, whole: dict[str, Any]) -> None:
        """Send what must be refused: the case stands as it stood, and the refusal says what is legal."""
        try:
            await self.live.update(command, whole)
        except Refusal as refusal:
            after = await self.live.status()
            self.untaken(before, after, whole["actor"]["party"])
            if refusal.code == "illegal_move":
                named = str(refusal).rpartition("legal now: ")[2]
                names = set() if named.startswith("nothing") else set(named.split(", "))
                table = set(legal(after.state, after.kind, held=after.held_since is not None))
                assert set(after.next.commands) - NEVER_OFFERED_EARLY <= names <= table, (names, table, after.next)
        else:
            raise AssertionError(f"{command} {whole} was taken in {before.state}")

    def untaken(self, before: Status, after: Status, party: Party) -> None:
        """What was refused is not in the file; a clock may have run out meanwhile."""
        new = after.timeline[len(before.timeline) :]
        assert not [entry for entry in new if entry.by == party and entry.event != "CorrectionRequested"], new

    def led(self, before: Status, after: Status, allowed: list[State]) -> None:
        """A step may lead to these states, from one that leads to a refund also to what becomes of that."""
        wider = {*allowed, *(BY_NOBODY if State.REFUNDING in allowed else ())}
        assert after.state in wider, f"{before.kind} {before.state} led to {after.kind} {after.state}, not to {allowed}"

    def sane(self, status: Status) -> None:
        """What holds of every status."""
        held = status.held_since is not None
        moves = legal(status.state, status.kind, held=held)
        awaited = Party.PLATFORM if held else AWAITED[status.state]
        assert status.next.party is awaited
        assert {*status.next.commands} <= {name for name, move in moves.items() if awaited in move.parties}
        assert status.is_final == (status.state in FINAL) == bool(status.outcome or status.close_reason)
        assert all(
            view.respond_by >= view.due_at - SECOND for view in status.deadlines if view.respond_by and view.due_at
        )
        assert len({view.clock for view in status.deadlines}) == len(status.deadlines)
        most = sum(each["requested"]["amount_minor"] for each in self.case["items"])
        assert status.refund.amount_minor <= most
        assert sum(each.status == "succeeded" for each in status.refund.instructions) <= 1

    # How it ends

    async def end(self) -> Status:
        """Bring the case to its end, whatever it waits for."""
        for _ in range(60):
            status = await self.live.status()
            self.sane(status)
            if status.is_final:
                break
            try:
                await self.onward(status)
            except RPCError as error:
                assert error.status is RPCStatusCode.NOT_FOUND, error
        return await asyncio.wait_for(self.live.handle.result(), 10)

    async def onward(self, status: Status) -> None:
        """The next thing towards the end: whoever alone can move does, all others are silent."""
        if status.held_since:
            await self.live.act("resume", *PLATFORM)
        elif status.state is State.REFUNDING:
            await asyncio.sleep(0.02)
        elif status.state is State.REFUND_FAILED:
            await self.live.act("retry_refund", *PLATFORM)
        elif status.next.respond_by is not None:
            await self.live.until(max(status.next.respond_by, await self.live.now()) + 2 * SECOND)
            await self.live.rested()
        else:
            alone = {
                State.IN_ARBITRATION: (Command.RULE, PLATFORM),
                State.AWAITING_MERCHANT_DISPATCH: (Command.AMEND, BUYER),
                State.AWAITING_BUYER_RECEIPT: (Command.CONFIRM_DELIVERY, BUYER),
            }
            command, actor = alone[status.state]
            await self.live.act(command, *actor, **self.payload(status, command))

    # What is given

    def payload(self, status: Status, command: Command) -> dict[str, Any]:
        """The fields of a command, as somebody could mean them."""
        match command:
            case Command.REJECT | Command.ESCALATE:
                return {"reason_code": "because"}
            case Command.REFUSE_RECEIPT:
                return {"reason_code": "empty", "evidence": EVIDENCE}
            case Command.OFFER:
                offer = {"kind": self.pick(KINDS).value}
                return offer | ({"amount": yuan(1)} if self.chance.random() < 0.5 else {})
            case Command.SHIP_BACK:
                return {"carrier": "sf", "tracking_no": "BACK"}
            case Command.DISPATCH:
                replaced = status.kind is CaseKind.REPAIR and self.chance.random() < 0.5
                return {"carrier": "sf", "tracking_no": "OUT"} | ({"replaced": True} if replaced else {})
            case Command.CONFIRM_RECEIPT:
                return self.pick([{}, *self.counts()])
            case Command.AMEND:
                kinds = [CaseKind.REFUND] if status.state is State.AWAITING_MERCHANT_DISPATCH else KINDS
                return {"kind": self.pick(kinds).value}
            case Command.RULE:
                outcome = self.pick(["refund", "replacement", "dismissal"])
                return {"outcome": outcome, "liability": "merchant"}
            case Command.ADD_EVIDENCE:
                return {"evidence": EVIDENCE}
            case Command.AGREE_LIMIT:
                clock = status.deadlines[0].clock if status.deadlines else "buyer_return"
                return {"clock": clock, "limit": self.pick(["P3D", "P20D"])}
            case _:
                return {}

    def counts(self) -> list[dict[str, Any]]:
        """What may have arrived, by condition; at least one piece of the first line."""
        pieces = [{name: each[name] for name in ("order_line_id", "quantity")} for each in self.case["items"]]
        fewer = [{**piece, "quantity": 1, "condition": "damaged"} for piece in pieces]
        return [{"items": pieces}, {"items": fewer}, {"items": fewer[:1]}]

    def pick(self, among: Sequence[T]) -> T:
        """One of several, by chance."""
        return among[self.chance.randrange(len(among))]


def _step(status: Status) -> State:
    """The step from which a move leads onward: an offer answers the review."""
    return State.AWAITING_MERCHANT_REVIEW if status.state is State.AWAITING_BUYER_CONFIRMATION else status.state


def _itself(status: Status) -> list[State]:
    goals: list[Goal] = [goal for goals in BY_ITSELF[status.state].values() for goal in goals]
    return [reached(_step(status), goal, status.kind) for goal in goals]

"""The course of one case: commands meant well and spoiled, scans, silences, what comes together, to its end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from aftersale.case.moves import legal
from aftersale.contract.status import Status
from aftersale.errors import Refusal
from aftersale.times import SECOND, local
from aftersale.vocabulary import Command, Party, State
from simulation.courses import checks
from simulation.courses.checked_case import MACHINES, REASONS, CheckedCase
from simulation.courses.course import Over
from simulation.courses.plan import Sort
from simulation.courses.sendings import Sending
from simulation.courses.statuses import ALONE, givers, leading, moved, offered


class CaseCourse(CheckedCase):
    """One case on its way, step by step."""

    async def take(self, sort: Sort, before: Status) -> None:
        """Have something of this sort happen to the case."""
        match sort:
            case Sort.MOVE:
                await self._move(before)
            case Sort.EDGE:
                await self._edge(before)
            case Sort.TOGETHER:
                await self._together(before)
            case Sort.SCAN:
                await self._scan(before)
            case Sort.TIME:
                await self._time(before)
            case Sort.SPOILED:
                await self.refused(before, self.sender.spoiled(before, self.now))
            case Sort.REPEAT:
                await self._repeat()
            case Sort.PUBLISH:
                await self._publish()
            case Sort.CHARGEBACK:
                await self._chargeback(before)
            case Sort.CANCEL:
                await self._cancel()

    def _meant(self, before: Status) -> Sending | None:
        """Something that somebody may do now."""
        moves = legal(before.state, before.kind, held=before.held_since is not None)
        likely = (leading(before) if self.sender.chance.randrange(3) else []) or sorted(moves)
        if not likely:
            return None
        command = self.sender.pick(likely)
        return self.sender.meant(before, command, self.sender.pick(givers(before, command)))

    async def _move(self, before: Status) -> None:
        sending = self._meant(before)
        if sending is not None:
            await self.give(before, sending)

    async def _together(self, before: Status) -> None:
        """Several things come at once: acts, a scan, the end of a clock, a publication, in any order."""
        due, random = before.next.respond_by, self.sender.chance
        if due is not None and due > self.now and random.randrange(2):
            await self.pass_to(due - self.sender.pick([1, 2, 30]) * SECOND)
        sendings = [each for _ in range(random.randint(2, 4)) if (each := self._meant(before)) is not None]
        for sending in sendings:
            self.say(f"together: {sending} in {before.kind} {before.state}")
        ids = [self.fresh_id() for _ in sendings]
        calls: list[Any] = [self.send(sending, request_id) for sending, request_id in zip(sendings, ids, strict=True)]
        if sendings and random.randrange(3) == 0:
            calls.append(self.send(sendings[0], ids[0]))  # a caller that got no answer in time asks again
            calls.append(self.send(sendings[-1], ids[0]))  # and one confuses its ids
        if random.randrange(2):
            calls.append(self._scan(before))
        if random.randrange(6) == 0:
            calls.append(self._publish())
        random.shuffle(calls)
        for answer in await self.together(calls, random):
            if isinstance(answer, BaseException) and not isinstance(answer, Refusal | Over):
                raise answer

    # Time, and what happens at its edges

    async def _time(self, before: Status) -> None:
        """Time passes: to a second before the next deadline, to it, to its lapse, or for a while."""
        due = before.next.respond_by
        ahead = [timedelta(minutes=5), timedelta(hours=3), timedelta(days=1), timedelta(days=30)]
        if due is not None and due > self.now:
            ahead += [due - self.now - SECOND, due - self.now, due - self.now + SECOND]
        await self.pass_to(self.now + self.sender.pick(ahead))

    async def _edge(self, before: Status) -> None:
        """Tell of an act of the deadline's second, of the one before or the one after, then, or after the lapse."""
        due, pick = before.next.respond_by, self.sender.pick
        if due is None or before.held_since or due < self.now:
            return
        told, happened = pick([(-1, -1), *[(-1, 0), (-1, 1)] * 3, *[(1, 0)] * 2, (1, 1), (7200, -1), (7200, 1)])
        await self.pass_to(due + told * SECOND)
        await self._tell(before, due + happened * SECOND, await self.when_settled())

    async def _tell(self, before: Status, happened: datetime, now: Status) -> None:
        """Tell in `now` of an act of that instant that was legal `before`."""
        due, moves = before.next.respond_by, legal(before.state, before.kind, held=False)
        assert due is not None
        command = self.sender.pick(leading(before) if self.sender.chance.randrange(3) else sorted(moves))
        sending = self.sender.meant(before, command, self.sender.pick(givers(before, command)))
        sending = Sending(command, {**sending.payload, "occurred_at": local(happened)})
        self.say(f"{sending} in {now.kind} {now.state}")
        in_time = happened <= min(due, now.next.respond_by or due)
        try:
            after = await self.send(sending, self.fresh_id())
        except Refusal as refusal:
            self.say(f"  refused: {refusal}")
            with checks.holding("what happened in time is not lost, however late it is told"):
                reasons = any(reason in str(refusal) for reason in REASONS) or sending.command not in offered(before)
                ahead = happened > self.now + 5 * SECOND
                assert not in_time or reasons or ahead or moved(before, await self.status()), str(refusal)
        else:
            with checks.holding("what comes after an executed lapse undoes nothing"):
                told_of = [each.event for each in after.timeline[len(now.timeline) :] if each.by not in MACHINES]
                same = now.state is before.state
                assert told_of == ["CorrectionRequested"] or happened > due or same, told_of

    # What others do

    async def _scan(self, before: Status) -> None:
        """Send a carrier's scan, of the right parcel or a wrong one, now, before or to come, new or known."""
        pick, random = self.sender.pick, self.sender.chance
        fetched = "return", f"{self.workflow_id}/pickup/1".replace("/", "-")
        leg, number = pick(
            [("return", "BACK"), ("outbound", "OUT"), ("return", "OTHER"), ("outbound", "BACK"), fetched]
        )
        event = pick(["signed_for", "signed_for", "hub", "picked_up", "failed"])
        when = self.now + pick([0, 0, -1, -72, 1]) * timedelta(hours=1)
        event_id = f"scan-{random.randrange(8)}"
        self.say(f"scan {event_id}: {leg} {number} {event} of {local(when)} in {before.kind} {before.state}")
        scan = {"event_id": event_id, "leg": leg, "tracking_no": number, "event": event, "occurred_at": local(when)}
        await self.signal("parcel_event", scan)

    async def _repeat(self) -> None:
        """Send a command that was taken again under its id: it gets the answer that it got. Another one gets none."""
        if not self.taken:
            return
        sending, request_id = self.sender.pick(self.taken)
        self.say(f"{sending} again, as {request_id}")
        before = await self.status()
        again = await self.update(sending.command, sending.payload, request_id, Status)
        with checks.holding("a command that is repeated is taken once"):
            assert again == self.answers[request_id], "it was answered otherwise"
            self.unmoved(before, await self.status(), sending)
        other = self._meant(before)
        if other is not None and other != sending:
            await self.conflicting(other.command, other.payload, request_id, Status)
            self.unmoved(before, await self.status(), other)

    async def _publish(self) -> None:
        """Publish the next book: every worker has it by and by; the case is told, by a rollout or at once."""
        revision = self.world.house.books[-1].revision
        self.world.publish(overlap=timedelta(seconds=self.sender.pick([1, 120])))
        if self.sender.chance.randrange(2):
            self.say(f"a rollout of revision {revision} begins")
            await self.world.cases.rollouts.start(revision, rate=self.sender.pick([1, 100]), batch=1)
        else:
            self.say(f"the case is told that revision {revision} of the policy book is published")
            await self.signal("policy_published", {"revision": revision})

    async def _chargeback(self, before: Status) -> None:
        """Have the buyer's bank freeze the order for a while; at times as a payment may be on its way, and be late."""
        ledger, order = self.world.house.records.ledger, self.asked["order_id"]
        if self.sender.chance.randrange(2):
            self.world.house.platform.strained = True
            await self._move(before)
            await asyncio.sleep(self.sender.pick([0, 1, 5, 12]))
        self.say("a chargeback freezes the order")
        ledger.freeze(order, f"CB-{self.now:%Y%m%d%H%M%S}", "disputed", self.now)
        self.world.house.platform.strained = False
        await self.pass_to(self.now + self.sender.pick([timedelta(minutes=1), timedelta(days=2)]))
        await self._retry_in_vain()
        self.say("the chargeback is lifted")
        ledger.lift(order, self.now)

    async def _retry_in_vain(self) -> None:
        """Retry a refund whose order is frozen, which is refused by name; a clawback may be retried."""
        before = await self.when_settled()
        if before.state is not State.REFUND_FAILED or before.refund.instructions[-1].purpose != "refund":
            return
        sending = self.sender.meant(before, Command.RETRY_REFUND, Party.PLATFORM)
        self.say(f"{sending} while the order is frozen")
        with checks.holding("a frozen order's refund is not retried"):
            try:
                await self.update(sending.command, sending.payload, self.fresh_id(), Status)
            except Refusal as refusal:
                assert refusal.code == "order_frozen", refusal
                self.unmoved(before, await self.status(), sending)
            else:
                raise AssertionError("it was taken")

    async def _cancel(self) -> None:
        """Have an operator cancel the case, which seldom happens."""
        if self.sender.chance.randrange(3) == 0:
            self.say("an operator cancels the case")
            await self.handle.cancel()
            after = await self.when_settled()
            with checks.holding("a cancelled case ends"):
                assert after.is_final or after.state in (State.REFUNDING, State.REFUND_FAILED), after.state

    # How it ends

    async def end(self) -> Status:
        """Bring the case to its end, whatever it waits for."""
        paying = 0
        for _ in range(80):
            status = await self.when_settled()
            paying = paying + 1 if status.state is State.REFUNDING else 0
            if paying > _MOST_LOOKS:
                break
            if status.is_final:
                return status
            try:
                await self._onward(status)
            except Over:
                await asyncio.sleep(1)
        raise checks.Broken("a case ends in a final state", f"it stays {status.kind} {status.state}, {status.next}")

    async def _onward(self, status: Status) -> None:
        """Take the next step towards the end: who is awaited moves or is silent; who alone can move does."""
        likely = [name for name in leading(status) if name in status.next.commands]
        if status.held_since:
            await self.give(status, self.sender.meant(status, Command.RESUME, Party.PLATFORM))
        elif status.state is State.REFUNDING:
            await asyncio.sleep(600)
        elif status.next.party and likely and self.sender.chance.randrange(3):
            await self.give(status, self.sender.meant(status, self.sender.pick(likely), status.next.party))
        elif status.next.respond_by is not None:
            await self.pass_to(max(status.next.respond_by, self.now) + 2 * SECOND)
        else:
            await self.give(status, self.sender.meant(status, *ALONE[status.state]))


_MOST_LOOKS = 3
"""How often, days apart, a payment that is on its way is looked at before it counts as one that never arrives."""

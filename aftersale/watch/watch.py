"""A dispatch watch at work: which clocks ought to run, which facts meet them, which ran out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aftersale import bounds
from aftersale.contract.commands import ParcelEvent
from aftersale.contract.idempotency import conflict, mark
from aftersale.contract.markdown import timer_summary
from aftersale.contract.quotas import Quotas
from aftersale.contract.status import Entry, Noted
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import OrderFacts, Question
from aftersale.policy.running import CLOCK_SKEW, RunningClock
from aftersale.times import local, span
from aftersale.vocabulary import Clock, Party, WatchCommand, WatchEnd, WatchState
from aftersale.watch.commands import CancelDelay, CancelOrder, Click, SetDelay, WatchAct
from aftersale.watch.request import WatchRequest
from aftersale.watch.shipment import HUB, PICKUP, Shipment
from aftersale.watch.status import Check, Violation, WatchDeadline, WatchStatus, violation_of


@dataclass
class Watch(Noted):
    """All that is known of one watch. Instants are in UTC, floored to the second (R4)."""

    request: WatchRequest
    opened_at: datetime
    shipment: Shipment = field(init=False)
    bought: OrderFacts = field(init=False)
    clocks: dict[Check, RunningClock] = field(default_factory=dict)
    met: set[Check] = field(default_factory=set)
    violations: dict[Check, Violation] = field(default_factory=dict)
    heard_until: dict[Check, datetime] = field(default_factory=dict)
    unread: list[ParcelEvent] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)
    quotas: Quotas = field(default_factory=Quotas)
    policy_version: str | None = None
    end: WatchEnd | None = None

    def __post_init__(self) -> None:
        """Nothing has left yet."""
        self.shipment, self.bought = Shipment(self.request), self.request.bought
        says = f"shipment {self.request.shipment_id} of order {self.request.order_id} is watched"
        self.note("Opened", says, Party.SYSTEM, self.opened_at, self.opened_at)

    # What happens

    def take(self, command: WatchCommand, act: WatchAct, at: datetime, now: datetime) -> None:
        """Put an act that was found legal onto the shipment and the timeline, as of `at`, when it happened."""
        says = command.words
        self.quotas.use(act.actor.party, command)
        match act:
            case Click():
                self.shipment.click(act, at)
                left = sum(self.shipment.left.values())
                says += f": {act.carrier} {act.tracking_no}" + (f", {left} pieces are left" if left else "")
            case SetDelay():
                self.shipment.delay = delay = act.delay(at)
                says += f": {delay.limit or (delay.until and local(delay.until))}"
            case CancelDelay():
                self.shipment.delay_cancelled_at = act.cancelled_at or at
            case CancelOrder():
                self.shipment.cancelled_at = at
        self.note(_EVENTS[command], says, act.actor.party, at, now, **mark(command, act))

    def scan(self, scan: ParcelEvent, now: datetime) -> bool:
        """Keep a carrier's scan, once; parcels may travel before their click. Returns whether it was kept."""
        known = self.shipment.scans.get(scan.event_id)
        if known is not None:
            if known != scan:
                self.refuse_signal(str(conflict("event_id", scan.event_id)), Party.CARRIER, now)
            return False
        if refused := self._why_unfit(scan, now):
            self.refuse_signal(refused, Party.CARRIER, now)
            return False
        self.shipment.keep(scan)
        if scan.text is not None and scan.event != "hub":
            self.unread.append(scan)
        says = f"parcel {scan.tracking_no}: {scan.event}"
        self.note("ParcelScanned", says, Party.CARRIER, scan.occurred_at, now)
        return True

    def read(self, scans: Sequence[ParcelEvent], hubs: Sequence[ParcelEvent]) -> None:
        """Note that the words of these scans were read; those of a hub count as its scans (S30, S32)."""
        self.unread = [scan for scan in self.unread if scan not in scans]
        self.shipment.hubs.update(scan.event_id for scan in hubs)

    def claim(self, check: Check, case_id: str) -> str:
        """Note the claim that a violation opens, and return its id (S6)."""
        self.violations[check] = self.violations[check].model_copy(update={"claim_case_id": case_id})
        return case_id

    def finish(self, end: WatchEnd, now: datetime) -> None:
        """End the watch: no clock runs any more."""
        self.end = end
        self.clocks.clear()
        self.note("Ended", f"the watch ended: {end.words}", Party.SYSTEM, now, now)

    # What the policy book is asked

    def questions(self, now: datetime) -> dict[Check, Question]:
        """Return the questions of clocks that ought to run and do not, or that the facts have changed."""
        open_ = (check for check in self.shipment.checks if not self._is_decided(check))
        wanted = ((check, self._question(check, now)) for check in open_)
        return {
            check: question
            for check, question in wanted
            if question is not None and not self._is_asked(check, question)
        }

    def questions_again(self, now: datetime) -> dict[Check, Question]:
        """Return the questions of every clock that runs, for a newer book (R9)."""
        return {check: running.question.model_copy(update={"as_of": now}) for check, running in self.clocks.items()}

    def answer(
        self,
        answers: Sequence[tuple[tuple[Check, Question], Deadline]],
        why: str,
        learned_at: datetime,
        now: datetime,
    ) -> None:
        """Take the book's answers: a clock starts, or a running one is re-timed; the old answer stays (R9).

        What was decided meanwhile stays decided.
        """
        for (check, question), deadline in answers:
            if self._is_decided(check):
                continue
            self.policy_version = deadline.policy_version
            running = self.clocks.get(check)
            if running is None:
                self.clocks[check] = begun = RunningClock.start(question, deadline, learned_at)
                self.note_clock("DeadlineSet", begun, f"deadline set: {summary(check, begun)}", now)
                continue
            self.clocks[check] = moved = running.retime(question, deadline, now)
            old = running.deadline.due_at
            if deadline.due_at != old:
                says = f"deadline changed: {summary(check, moved)}; {why}"
                self.note_clock("DeadlineChanged", moved, says, now, previous_due_at=old)

    # What the clocks say

    def settle(self, now: datetime) -> list[Violation]:
        """Conclude what was met in time and what ran out; return the violations that are new, or newly cleared."""
        self._meet(now)
        ran_out = [check for check, running in self.clocks.items() if running.lapses_at and running.lapses_at <= now]
        violated = [self._violate(check, now) for check in ran_out]
        return violated + [cleared for check in self.violations if (cleared := self._clear_late(check, now))]

    def over(self, now: datetime) -> WatchEnd | None:
        """Say why the watch has nothing more to learn, or None where it has."""
        if self.unread or not all(self._is_settled(check, now) for check in self.shipment.checks):
            return None
        cancelled = self.shipment.cancelled_at is not None and self.shipment.dispatched_at is None
        return WatchEnd.ORDER_CANCELLED if cancelled else WatchEnd.CHECKED

    def next_wake(self, now: datetime) -> tuple[datetime, Check, RunningClock | None] | None:
        """Say when the watch must look again, and what for: a clock's end, or the end of the time for late facts."""
        ends = [(at, check, running) for check, running in self.clocks.items() if (at := running.lapses_at)]
        waits = [(at, check, None) for check, at in self.heard_until.items() if at > now]
        return min([*ends, *waits], key=lambda wake: wake[0], default=None)

    @property
    def state(self) -> WatchState:
        """What the watch waits for."""
        if self.end is not None:
            return WatchState.ENDED
        awaited = self.shipment.met_at(Check(Clock.DISPATCH)) is None
        return WatchState.AWAITING_DISPATCH if awaited else WatchState.AWAITING_SCANS

    @property
    def status(self) -> WatchStatus:
        """The watch as it stands."""
        shipment, request = self.shipment, self.request
        return WatchStatus(
            shipment_id=request.shipment_id,
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            state=self.state,
            is_final=self.end is not None,
            end=self.end,
            dispatched_at=shipment.dispatched_at,
            parcels=tuple(shipment.view(parcel) for parcel in shipment.parcels.values()),
            deadlines=tuple(
                WatchDeadline.of(running, tracking_no=check.tracking_no) for check, running in self.clocks.items()
            ),
            violations=tuple(self.violations.values()),
            timeline=tuple(self.timeline),
            policy_version=self.policy_version,
            problems=(),
        )

    # How it works

    def _why_unfit(self, scan: ParcelEvent, now: datetime) -> str | None:
        paid_at = self.request.order.paid_at
        if scan.leg != "outbound":
            return f"scan {scan.event_id}: leg must be outbound; what comes back belongs to a case"
        if not paid_at <= scan.occurred_at <= now + CLOCK_SKEW:
            return f"scan {scan.event_id}: occurred_at must lie between the payment at {local(paid_at)} and now"
        if len(self.shipment.scans) >= bounds.WATCH_SCANS:
            return f"a watch keeps at most {bounds.WATCH_SCANS} scans; further ones are not kept"
        return None

    def _question(self, check: Check, now: datetime) -> Question | None:
        started_at = self.shipment.started_at(check)
        if started_at is None:
            return None
        switches = {"merchant_delay": self.shipment.delay, "delay_cancelled_at": self.shipment.delay_cancelled_at}
        told = {name: value for name, value in switches.items() if value is not None}
        facts: dict[str, Any] = {"order": self.bought.model_copy(update=told)}
        if check.tracking_no is not None:
            facts["dispatch_clicked_at"] = self.shipment.parcels[check.tracking_no].clicked_at
        return Question(clock=check.clock, started_at=started_at, as_of=now, **facts)

    def _is_decided(self, check: Check) -> bool:
        return check in self.met or check in self.violations

    def _is_asked(self, check: Check, question: Question) -> bool:
        running = self.clocks.get(check)
        return running is not None and running.question.model_copy(update={"as_of": question.as_of}) == question

    def _meet(self, now: datetime) -> None:
        """Stop the clocks that were met in time, however late that is known (R15)."""
        for check, running in list(self.clocks.items()):
            met_at = self.shipment.met_at(check)
            if met_at is not None and running.in_time(met_at):
                del self.clocks[check]
                self.met.add(check)
                if met_at != self.shipment.cancelled_at:
                    says = f"{check.words}: in time, at {local(met_at)}"
                    self.note("Met", says, Party.SYSTEM, now, now, clock=check.clock)

    def _violate(self, check: Check, now: datetime) -> Violation:
        request, running = self.request, self.clocks.pop(check)
        found = violation_of(check, running, (request.shipment_id, request.order_id, request.merchant_id), now)
        self.violations[check] = found
        if check.tracking_no is not None:
            self.heard_until[check] = now + span(running.deadline.grace)
        says = f"{check.words} ran out: {found.on_timeout.words}"
        about = {"clock": check.clock, "due_at": found.due_at, "rules": found.rules}
        self.note("Violated", says, "timer", found.breached_at, now, **about)
        return found

    def _clear_late(self, check: Check, now: datetime) -> Violation | None:
        """Return the violation as it stands once a fact has arrived that had happened in time.

        It is kept, and said so.
        """
        found, met_at = self.violations[check], self.shipment.met_at(check)
        if found.cleared_at is not None or met_at is None or met_at > found.respond_by:
            return None
        by = f"it was in time after all, at {local(met_at)}, and reported at {local(now)}"
        self.violations[check] = cleared = found.model_copy(
            update={"cleared_at": now, "cleared_by": by, "counts_for_score": False}
        )
        self.note("ViolationCleared", f"{check.words}: {by}", Party.SYSTEM, now, now, clock=check.clock)
        return cleared

    def _is_settled(self, check: Check, now: datetime) -> bool:
        """Tell whether nothing more can be learned of a check.

        For a while, a violation may still turn out to be none.
        """
        known = self.shipment.met_at(check) is not None
        if check in self.violations:
            cleared = self.violations[check].cleared_at is not None
            return cleared or (known if check.tracking_no is None else self.heard_until[check] <= now)
        if check in self.clocks:
            return self.clocks[check].respond_by is None
        # A parcel that was never picked up has no clock to its hub; how long that may still be told, its pickups say.
        unseen = all(Check(clock, check.tracking_no) in self.violations for clock in PICKUP)
        return check in self.met or (check.clock in HUB and (known or unseen))


def summary(check: Check, running: RunningClock) -> str:
    """Return one line for a check's clock: which limit, by which rules, to when, and what its silence will mean."""
    about = f"parcel {check.tracking_no}: " if check.tracking_no else ""
    return about + timer_summary(running)


_EVENTS = {
    WatchCommand.CLICK: "Dispatched",
    WatchCommand.SET_DELAY: "DelaySet",
    WatchCommand.CANCEL_DELAY: "DelayCancelled",
    WatchCommand.CANCEL_ORDER: "OrderCancelled",
}

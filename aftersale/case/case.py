"""A case: everything that is known of it, and how a fact changes it. Pure memory; it waits for nothing.

Nobody else assigns an attribute of it: what changes a case is one of its methods, or of its parts (refunds, parcels,
agreements, messages).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aftersale.case.agreed_limits import Agreements
from aftersale.case.hold_alarm import HoldAlarm
from aftersale.case.intake import Application
from aftersale.case.messages import PendingMessages
from aftersale.case.moves import AWAITED, STEPS
from aftersale.case.parcels import Parcels
from aftersale.case.refunds import Refunds
from aftersale.case.turn import CaseSubject
from aftersale.contract.commands import DecideClaim, ReceivedItem, Rule
from aftersale.contract.markdown import timer_summary
from aftersale.contract.quotas import Extra, Quotas
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import By, Completed, Ending, Entry, Escalation, Noted
from aftersale.errors import Problem
from aftersale.guarantees.claims import ClaimTerms, Filed
from aftersale.guarantees.compensation import MustBeStated
from aftersale.guarantees.eligibility import NO_REASON_CODES
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.running import RunningClock
from aftersale.vocabulary import CaseKind, Clock, MessageEvent, Party, State, Tier


@dataclass(frozen=True)
class LapsedStage:
    """A stage that ended by silence; a fact from its time that arrives later is a correction (R15)."""

    state: State
    since: datetime
    respond_by: datetime


@dataclass
class Case(Noted):
    """One case. Instants are in UTC, floored to the second."""

    kind: CaseKind
    request: CaseRequest
    applied_at: datetime
    state: State = field(init=False)
    since: datetime = field(init=False)
    stage_clock: RunningClock | None = None
    beside: dict[Clock, RunningClock] = field(default_factory=dict)
    lapsed: list[LapsedStage] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)
    quotas: Quotas = field(default_factory=Quotas)
    held_since: datetime | None = None
    hold_alarm: HoldAlarm = field(default_factory=HoldAlarm)
    admitted: bool = False
    attempts: int = 1
    agreed_at: datetime | None = None
    ruled: bool = False
    breached: bool = False
    taken_in: bool = False
    tier: Tier | None = None
    terms: ClaimTerms | None = None
    goods_wanted: bool = False
    parcels: Parcels = field(default_factory=Parcels)
    agreements: Agreements = field(default_factory=Agreements)
    refunds: Refunds = field(init=False)
    messages: PendingMessages = field(init=False)
    escalation: Escalation | None = None
    ending: Ending | None = None

    def __post_init__(self) -> None:
        """Begin the first stage with the application."""
        self.state, self.since = STEPS[self.kind][0], self.applied_at
        self.refunds = Refunds(self.request)
        self.messages = PendingMessages(self.request)

    @property
    def awaited(self) -> Party | None:
        """Whose move it is."""
        platform = self.state is State.AWAITING_CLAIM_REVIEW and self.tier is Tier.PLATFORM
        return Party.PLATFORM if platform else AWAITED[self.state]

    @property
    def subject(self) -> CaseSubject:
        """What the case is about, for the records."""
        return CaseSubject.of(self.request, self.applied_at)

    @property
    def filed(self) -> Filed:
        """The claim, as the policy book prices it."""
        return Filed(request=self.request, applied_at=self.applied_at)

    # What the policy book is asked

    @property
    def running(self) -> list[RunningClock]:
        """Every clock that runs, the stage's own first."""
        return [*([self.stage_clock] if self.stage_clock else []), *self.beside.values()]

    def law_clocks(self, received_at: datetime) -> dict[Clock, datetime]:
        """Give the law's clocks that start when the merchant has the goods: the refund of a no-reason return, once."""
        no_reason = self.kind is CaseKind.RETURN and self.request.reason_code in NO_REASON_CODES
        started = any(entry.clock is Clock.STATUTORY_REFUND for entry in self.timeline)
        owing = no_reason and not started and not self.refunds.advanced
        return {Clock.STATUTORY_REFUND: received_at} if owing else {}

    # What happens

    def grant(self, decided: DecideClaim | None, now: datetime) -> bool:
        """Grant the claim as was decided, else as its terms say.

        False where they leave the amount to a person.
        """
        assert self.terms is not None
        award = self.terms.award(self.request, decided)
        if isinstance(award, MustBeStated):
            return False
        self.refunds.agree(None, award.lines)
        self.refunds.payer = award.payer
        self.goods_wanted = self.terms.goods_back(decided)
        says = f"granted: {award.amount_minor} {award.currency} minor, borne by {award.payer} ({self.terms.edition})"
        self.note("Granted", says, Party.SYSTEM, now, now)
        return True

    def open(self, remarks: Sequence[Problem], now: datetime) -> None:
        """Open the case: its request was admitted, its claim reserved; `remarks` say why it rests on no right."""
        self.admitted = self.refunds.reserved = True
        says = f"{self.kind.words} requested: {self.request.reason_code}"
        self.note("Opened", says, Party.BUYER, self.applied_at, now)
        if remarks:
            says = f"no right to it, so that the merchant is free to refuse: {'; '.join(map(str, remarks))}"
            self.note("NotByRight", says, Party.SYSTEM, now, now)

    def enter(self, state: State, since: datetime, clock: RunningClock | None) -> None:
        """Begin a stage: its state, the instant since when it counts, and its own clock."""
        self.state, self.since, self.stage_clock, self.breached = state, since, clock, False

    def replace_clock(self, clock: RunningClock) -> None:
        """Put another clock in the place of the stage's own, whether earlier or later (R11)."""
        self.stage_clock = clock

    def start_beside(self, clocks: Mapping[Clock, RunningClock]) -> None:
        """Run these clocks beside the stage."""
        self.beside.update(clocks)

    def hold(self, at: datetime | None) -> None:
        """Hold the case from that instant on (R16); None ends a hold that nobody resumed."""
        self.held_since = at

    def become_refund(self) -> None:
        """Make the case one about money alone, whatever it began as."""
        self.kind = CaseKind.REFUND

    def rule(self, ruling: Rule) -> None:
        """Take the platform's ruling; there is no second one."""
        self.ruled = True
        self.refunds.agree(ruling.amount, ruling.lines)

    def review_claim(self, tier: Tier) -> None:
        """Have the claim decided by this tier from now on."""
        self.tier = tier

    def learn_terms(self, terms: ClaimTerms) -> None:
        """Keep what the policy says of the claim (R14): what it pays once granted."""
        self.terms = terms

    def breach(self, state: State, since: datetime, waiting: RunningClock, now: datetime) -> None:
        """Note that what was due was not sent: both sides hear of it, and the case waits for whoever moves first."""
        self.enter(state, since, waiting)
        self.breached = True
        says = f"{state.words}: what was due was not sent in time; the buyer may take the money instead"
        self.note("Breached", says, "timer", since, now)
        for party in (Party.BUYER, Party.MERCHANT):
            self.messages.add(party, MessageEvent.BREACH, says)

    def take_in(self, items: Sequence[ReceivedItem] | None) -> None:
        """Note that the merchant has the goods: these, or all that were claimed."""
        self.taken_in = True
        self.refunds.receive(items)

    def become(self, kind: CaseKind, agreed_at: datetime | None) -> None:
        """Go on as a kind, on what was agreed at that instant; None where it is to be reviewed."""
        self.kind, self.agreed_at, self.escalation = kind, agreed_at, None

    def amend(self, wanted: Application) -> None:
        """Put another request in the place of the case's own; facts are then as they were at that (R6)."""
        self.kind, self.request, self.applied_at = wanted.kind, wanted.request, wanted.applied_at
        self.attempts = wanted.attempt
        self.refunds.amend(wanted.request)

    def refuse_amendment(self, problems: Sequence[Problem], at: datetime, now: datetime) -> None:
        """Refuse to change the request so; the case stands where it stood."""
        says = f"the request stays as it was: {'; '.join(map(str, problems))}"
        self.note("AmendmentRefused", says, Party.SYSTEM, at, now)
        self.messages.add(Party.BUYER, MessageEvent.MOVE_AWAITED, says)

    def call_platform(self, at: datetime, now: datetime) -> None:
        """Have the platform look: the stage's clock ran out, and no silence ends the stage; the case waits on."""
        self.stage_clock = None
        says = f"{self.state.words}: nobody moved in time; the case waits on without a clock, look into it"
        self.note("Alert", says, "timer", at, now)
        self.messages.add(Party.PLATFORM, MessageEvent.ALERT, says)

    def lapse(self, running: RunningClock, now: datetime) -> None:
        """Execute what a silence means: note the lapse as of the instant at which it took effect (R4)."""
        assert running.respond_by is not None and running.lapses_at is not None
        self.lapsed.append(LapsedStage(self.state, self.since, running.respond_by))
        says = f"{running.clock.words} ran out: {running.deadline.on_timeout.words}"
        self.note("Lapsed", says, "timer", running.lapses_at, now, clock=running.clock, rules=running.deadline.rules)

    def retime(self, running: RunningClock, question: Question, deadline: Deadline, why: str, now: datetime) -> None:
        """Give a running clock a new answer; the old one stays on the timeline (R9)."""
        moved = running.retime(question, deadline, now)
        if self.stage_clock == running:
            self.stage_clock = moved
            if self.escalation:
                self.escalation = self.escalation.model_copy(update={"escalate_by": moved.respond_by})
        elif self.beside.get(running.clock) == running:
            self.beside[running.clock] = moved
        else:
            return
        old = running.deadline.due_at
        if moved.deadline.due_at != old:
            says = f"deadline changed: {timer_summary(moved)}; {why}"
            self.note_clock("DeadlineChanged", moved, says, now, previous_due_at=old)
            if self.stage_clock is moved and (party := self.awaited):
                self.messages.add(party, MessageEvent.DEADLINE_CHANGED, says)

    def remind(self, now: datetime) -> None:
        """Remind the party that is awaited that the stage's clock will run out soon."""
        running, party = self.stage_clock, self.awaited
        assert running is not None and running.respond_by is not None and party is not None
        self.stage_clock = running.model_copy(update={"told_at": now})
        says = f"{party.words} reminded: {timer_summary(running)}"
        self.note("Reminded", says, Party.SYSTEM, now, now, clock=running.clock, due_at=running.deadline.due_at)
        self.messages.add(party, MessageEvent.REMINDER)

    def alert(self, running: RunningClock, now: datetime) -> None:
        """Alert the platform that a clock beside the stage ran out; nothing else happens."""
        assert running.lapses_at is not None
        del self.beside[running.clock]
        says = f"{running.clock.words} ran out: {running.deadline.on_timeout.words}"
        self.note("Alert", says, "timer", running.lapses_at, now, clock=running.clock, due_at=running.deadline.due_at)
        self.messages.add(Party.PLATFORM, MessageEvent.ALERT, says)

    def correct(self, says: str, by: By, at: datetime, now: datetime, **about: object) -> None:
        """Note a fact from a stage whose lapse was executed: the platform hears of it, nothing is undone (R15)."""
        if isinstance(by, Party):
            self.quotas.use(by, Extra.CORRECTIONS)
        self.note("CorrectionRequested", says, by, at, now, **about)
        self.messages.add(Party.PLATFORM, MessageEvent.CORRECTION_REQUESTED, says)

    def finish(self, ending: Ending, now: datetime) -> None:
        """End the case; both sides are told."""
        self.ending, self.held_since = ending, None
        self.enter(State.COMPLETED if isinstance(ending, Completed) else State.CLOSED, now, None)
        self.beside.clear()
        why = ending.outcome if isinstance(ending, Completed) else ending.reason
        self.note(type(ending).__name__, f"{self.state.words}: {why.words}", Party.SYSTEM, now, now)
        event = MessageEvent.CASE_COMPLETED if isinstance(ending, Completed) else MessageEvent.CASE_CLOSED
        for party in (Party.BUYER, Party.MERCHANT):
            self.messages.add(party, event, why.words)

    def refuse(self, at: datetime, reason_code: str) -> None:
        """Note the merchant's refusal; until its clock runs out the buyer may take that to the platform."""
        escalate_by = self.stage_clock.respond_by if self.stage_clock else None
        self.escalation = Escalation(refused_at=at, reason_code=reason_code, escalate_by=escalate_by)

    def resume(self, at: datetime) -> tuple[datetime, datetime]:
        """End the hold; return from when to when it lasted.

        One that began a little ahead of its end lasted no time at all.
        """
        since, self.held_since = self.held_since or at, None
        until = max(since, at)
        if self.stage_clock:
            self.stage_clock = self.stage_clock.after_hold(since, until)
        return since, until

    def has_lapsed_at(self, state: State, at: datetime) -> bool:
        """Tell whether an executed lapse ended a stage of this state to which that instant belongs."""
        return any(stage.state is state and stage.since <= at <= stage.respond_by for stage in self.lapsed)

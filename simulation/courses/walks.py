"""A case's timeline as a walk through the table of moves: each line must be a step that the table knows.

A case is judged by what it tells of itself, without the product's own validator: which standings it may be in after
every line, and which outcome each of its clocks had.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aftersale.case.moves import BY_ITSELF, ONWARD, STEPS, Move, destination, legal
from aftersale.contract.status import Entry, Status
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Command, Party, State
from simulation.known import tolerated
from workflows.cases.apply import EVENTS

KINDS = [kind for kind in CaseKind if kind is not CaseKind.CLAIM]
"""What a case may become; a claim is one from its beginning."""

GRANTED = State.REFUNDING, State.AWAITING_BUYER_RETURN
FINAL = {State.COMPLETED, State.CLOSED}
CLAIM_REVIEW = Clock.CLAIM_REVIEW
BESIDE = {Clock.STATUTORY_REFUND, Clock.PAYOUT}
"""Clocks that run beside a stage: nothing but an alert follows from them."""

GRACE = timedelta(hours=24)
"""What is left to everyone where a start or a change is learned late (R13)."""

COMMANDS = {event: command for command, event in EVENTS.items()}


@dataclass(frozen=True)
class Standing:
    """Where a case stands."""

    kind: CaseKind
    state: State


@dataclass(frozen=True)
class Ticking:
    """The clock of a stage: silence lapses one second after `due_at`, or after a grace that ends here at the latest."""

    clock: Clock
    due_at: datetime
    grace_until: datetime


class Walk:
    """What a timeline makes of a case, line by line. Raises AssertionError at a line that may not stand there."""

    def __init__(self, kind: CaseKind, timeline: Iterable[Entry]) -> None:
        """Begin with the first step of the kind, and take every line."""
        self.standings = {Standing(kind, STEPS[kind][0])}
        self.held_since: datetime | None = None
        self.ticking: Ticking | None = None
        self._beside = set[Clock | None]()
        self._left = set[Standing]()
        self._fetched = False
        self._before_amendment: tuple[set[Standing], Ticking | None] = self.standings, None
        for entry in timeline:
            self._take(entry)
            if self._fetched:
                self._send_back()
            assert self.standings, f"{entry.event} by {entry.by} stands where no move allows it"

    def require(self, status: Status) -> None:
        """Make sure that the case shows one of the standings to which its timeline leads."""
        assert Standing(status.kind, status.state) in self.standings, (status.kind, status.state, self.standings)
        assert status.held_since == (None if status.is_final else self.held_since)

    def _take(self, entry: Entry) -> None:
        if (command := COMMANDS.get(entry.event)) is not None:
            return self._command(command, entry)
        match entry.event:
            case "DeadlineSet":
                self._set(entry)
            case "DeadlineChanged":
                self._change(entry)
            case "Lapsed":
                self._lapse(entry)
            case "Alert" if entry.clock is not None:
                assert entry.clock in self._beside, f"{entry.clock} alerts twice for one start"
                self._beside.remove(entry.clock)
            case "AmendmentRefused":
                self.standings, self.ticking = self._before_amendment
            case "RefundInstructed":
                self._only(State.REFUNDING)
                self._left.clear()
            case "ClawbackInstructed":
                self._only(State.REFUNDING)
            case "ClawbackSucceeded" | "ClawbackAbandoned":
                self._only(State.REFUNDING, State.REFUND_FAILED)
                self.standings = {replace(each, state=state) for each in self.standings for state in FINAL}
            case "ClawbackDeclined":
                self._only(State.REFUNDING, become=State.REFUND_FAILED)
            case "RefundSucceeded":
                self._only(State.REFUNDING, become=State.COMPLETED)
            case "RefundDeclined":
                self._only(State.REFUNDING, become=State.REFUND_FAILED)
            case "Granted":
                self._only(*GRANTED)
            case "ParcelScanned":
                self._scanned(entry)
            case "Completed":
                self._only(State.COMPLETED, State.REFUNDING, become=State.COMPLETED)
            case "Closed" if self._left:
                self._only(State.REFUNDING, State.CLOSED, become=State.CLOSED)
            case "Closed" if CloseReason.CANCELLED.words in entry.says:
                self._only(*set(State) - FINAL - {State.REFUNDING}, become=State.CLOSED)
            case "Closed":
                self._only(State.CLOSED)
            case _:
                pass  # told, and nothing moves

    def _only(self, *states: State, become: State | None = None) -> None:
        left = {each for each in self.standings if each.state in states}
        self.standings = {replace(each, state=become) for each in left} if become else left

    def _scanned(self, entry: Entry) -> None:
        """Note a scan: what is fetched at the buyer's door is sent back, where it is the parcel to be fetched."""
        returned = "signed_for" in entry.says and tolerated("spent-parcel")
        self._fetched = self._fetched or returned or "picked_up" in entry.says

    def _send_back(self) -> None:
        at_home = [each for each in self.standings if each.state is State.AWAITING_BUYER_RETURN]
        self.standings |= {replace(each, state=destination(each.state, ONWARD, each.kind)) for each in at_home}

    # Acts

    def _command(self, command: Command, entry: Entry) -> None:
        held, moves = self.held_since is not None, list[tuple[Standing, Move]]()
        for each in self.standings:
            move = legal(each.state, each.kind, held=held).get(command)
            if move is not None and entry.by in move.parties:
                moves.append((each, move))
        if command is Command.AMEND:
            self._before_amendment = {each for each, _ in moves}, self.ticking
        self.standings = {after for each, move in moves for after in _after(each, command, move, entry)}
        if command is Command.HOLD:
            self.held_since = entry.at
        elif command is Command.RESUME:
            self._resume(entry.at)
        elif any(move.leads for _, move in moves):
            self._answered(command, entry)

    def _answered(self, command: Command, entry: Entry) -> None:
        ticking = self.ticking
        if ticking is not None and self.held_since is None:
            assert entry.at <= max(ticking.due_at, ticking.grace_until), f"{command} was taken after {ticking}"
        runs_on = command is Command.CONFIRM_RECEIPT and ticking and ticking.clock is Clock.REPLACEMENT_DISPATCH
        self.ticking = ticking if runs_on else None
        self.held_since = None  # only a withdrawal leads on under a hold, and ends it

    def _resume(self, at: datetime) -> None:
        assert self.held_since is not None
        if self.ticking is not None:
            self.ticking = replace(self.ticking, grace_until=self.ticking.grace_until + (at - self.held_since))
        self.held_since = None

    # Clocks

    def _set(self, entry: Entry) -> None:
        if entry.clock is Clock.PAYOUT:
            self._end_with_the_money()
        if entry.clock in BESIDE:
            self._beside.add(entry.clock)
        elif entry.clock and entry.due_at:
            self.ticking = Ticking(entry.clock, entry.due_at, entry.recorded_at + GRACE)

    def _end_with_the_money(self) -> None:
        """Have a case that ends, wherever it stood, wait for what was paid ahead, and take back what is not owed."""
        self._left = {each for each in self.standings if each.state not in (State.REFUNDING, State.REFUND_FAILED)}
        self.standings = {replace(each, state=State.REFUNDING) for each in self.standings}

    def _change(self, entry: Entry) -> None:
        if self.ticking and entry.clock is self.ticking.clock and entry.due_at:
            self.ticking = Ticking(self.ticking.clock, entry.due_at, entry.recorded_at + GRACE)

    def _lapse(self, entry: Entry) -> None:
        ticking, self.ticking = self.ticking, None
        assert self.held_since is None, f"{entry.clock} lapsed under a hold"
        assert ticking and ticking.clock is entry.clock, f"{entry.clock} lapsed, where {ticking} was running"
        latest = max(ticking.due_at, ticking.grace_until)
        assert ticking.due_at + SECOND <= entry.at <= latest + SECOND, f"{ticking} lapsed at {entry.at}"
        assert entry.at <= entry.recorded_at
        self.standings = {after for each in self.standings for after in _silence(each, ticking.clock)}


def _after(standing: Standing, command: Command, move: Move, entry: Entry) -> Iterable[Standing]:
    if not move.leads:
        yield standing
    for goal in _decided(entry) if command is Command.DECIDE_CLAIM else move.leads:
        state = destination(standing.state, goal, standing.kind)
        if command is Command.AMEND and state is State.AWAITING_MERCHANT_REVIEW:
            yield from (Standing(kind, state) for kind in KINDS)
        elif isinstance(goal, CaseKind) and state is not State.REFUNDING:
            yield Standing(goal, state)
        elif isinstance(goal, CaseKind):
            yield from (Standing(kind, state) for kind in {standing.kind, CaseKind.REFUND})
        else:
            yield replace(standing, state=state)


def _decided(entry: Entry) -> tuple[State, ...]:
    """Say where a decision on a claim leads: a merchant's no is not the last, the platform's is."""
    if "decision decline" not in entry.says:
        return GRANTED
    return (State.CLOSED,) if entry.by is Party.PLATFORM else (State.AWAITING_CLAIM_REVIEW,)


def _silence(standing: Standing, clock: Clock) -> Iterable[Standing]:
    if clock is Clock.STALLED:
        yield standing  # nobody moved at all: the platform must look
        return
    for how, goals in BY_ITSELF[standing.state].items():
        if how.startswith("silence"):
            yield from (replace(standing, state=destination(standing.state, goal, standing.kind)) for goal in goals)

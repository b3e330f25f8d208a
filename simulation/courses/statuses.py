"""Checks of every status, by the table of moves and the timeline, without the product's own validator."""

from collections.abc import Mapping

from aftersale.case.moves import AWAITED, Move, legal
from aftersale.contract.status import Status
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, Command, Party, State
from simulation.courses.walks import BESIDE, CLAIM_REVIEW, FINAL, Walk

ALONE = {
    State.REFUND_FAILED: (Command.RETRY_REFUND, Party.PLATFORM),
    State.IN_ARBITRATION: (Command.RULE, Party.PLATFORM),
    State.AWAITING_MERCHANT_DISPATCH: (Command.AMEND, Party.BUYER),
    State.AWAITING_BUYER_RECEIPT: (Command.CONFIRM_DELIVERY, Party.BUYER),
    State.AWAITING_CLAIM_REVIEW: (Command.DECIDE_CLAIM, Party.PLATFORM),
}
"""Who alone can move a case whose clock has run out for good."""


def awaited(status: Status) -> Party | None:
    """Whose move it is, by the table and the timeline: the platform's once the merchant has not granted a claim."""
    if status.held_since is not None:
        return Party.PLATFORM
    passed_on = any(
        (each.event, each.by) == ("ClaimDecided", "merchant") or (each.event, each.clock) == ("Lapsed", CLAIM_REVIEW)
        for each in status.timeline
    )
    return Party.PLATFORM if status.state is State.AWAITING_CLAIM_REVIEW and passed_on else AWAITED[status.state]


def moves_of(status: Status) -> Mapping[Command, Move]:
    """Return the moves that the table allows there."""
    return legal(status.state, status.kind, held=status.held_since is not None)


def givers(status: Status, command: Command) -> list[Party]:
    """Say who may give a legal command there; a claim is decided by whoever is awaited."""
    parties = moves_of(status)[command].parties
    return sorted(parties & {awaited(status)} if command is Command.DECIDE_CLAIM else parties)


def offered(status: Status) -> set[Command]:
    """Return the commands that are legal now, as the table and the timeline say.

    The extension depends on what remains.
    """
    told = [entry.event for entry in status.timeline]
    withheld = {Command.EXTEND}
    if "Ruled" in told:
        withheld.add(Command.ESCALATE)
    if status.state is State.AWAITING_MERCHANT_DISPATCH and not _breached(status):
        withheld.add(Command.AMEND)
    return set(moves_of(status)) - withheld


def leading(status: Status) -> list[Command]:
    """Return those of them that take the case on, but for the withdrawal."""
    moves = moves_of(status)
    return [name for name in sorted(offered(status) - {Command.WITHDRAW}) if moves[name].leads]


def _breached(status: Status) -> bool:
    marks = [
        entry.event
        for entry in status.timeline
        if entry.event == "Breached" or (entry.event == "DeadlineSet" and entry.clock not in {Clock.STALLED, *BESIDE})
    ]
    return marks[-1:] == ["Breached"]


def sane(kind: CaseKind, status: Status) -> None:
    """Make sure of what must hold of every status of a case that began as this kind."""
    moves = moves_of(status)
    party = awaited(status)
    assert status.next.party is party
    theirs = {command for command in offered(status) if party in moves[command].parties}
    assert {*status.next.commands} - {Command.EXTEND} == theirs, (status.state, status.next)
    assert status.is_final == (status.state in FINAL) == bool(status.outcome or status.close_reason)
    assert not (status.outcome and status.close_reason)
    for view in status.deadlines:
        last = view.due_at and (view.due_at - SECOND if view.exclusive else view.due_at)
        assert last is None or (view.respond_by is not None and view.respond_by >= last >= view.started_at), view
    clocks = [view.clock for view in status.deadlines]
    assert len({*clocks}) == len(clocks)
    assert len({*clocks} - BESIDE) <= 1, clocks
    advanced = any(entry.event == "AdvanceInstructed" for entry in status.timeline)
    assert advanced or sum(each.status == "succeeded" for each in status.refund.instructions) <= 1
    Walk(kind, status.timeline).require(status)


_MOVES_ON = {
    "Lapsed",
    "RefundSucceeded",
    "RefundDeclined",
    "ClawbackSucceeded",
    "ClawbackDeclined",
    "CorrectionRequested",
    "Completed",
    "Closed",
}


def moved(before: Status, after: Status) -> bool:
    """Tell whether a clock ran out, or a refund came back, between the two: what was legal may be so no more."""
    new = {entry.event for entry in after.timeline[len(before.timeline) :]}
    return bool(new & _MOVES_ON)

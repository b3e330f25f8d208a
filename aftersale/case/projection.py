"""A case as it is shown: its status, and whose move it is."""

from datetime import datetime

from aftersale.case.case import Case
from aftersale.case.moves import legal
from aftersale.case.validator import reason_to_refuse
from aftersale.contract.status import NOBODY, Closed, Completed, DeadlineView, Next, Status
from aftersale.vocabulary import Party, State


def status(case: Case, now: datetime) -> Status:
    """Return the case as callers see it at `now`: updates, the query, the records and the Temporal UI show this.

    Until its request is admitted it stands in no state of its own: it may be refused yet.
    """
    ending = case.ending
    versions = [entry.policy_version for entry in case.timeline if entry.policy_version]
    return Status(
        case_id=case.request.case_id,
        kind=case.kind,
        state=case.state if case.admitted else State.OPENING,
        is_final=ending is not None,
        outcome=ending.outcome if isinstance(ending, Completed) else None,
        close_reason=ending.reason if isinstance(ending, Closed) else None,
        refund=case.refunds.view(),
        next=next_move(case, now),
        deadlines=tuple(DeadlineView.of(running) for running in case.running),
        escalation=case.escalation,
        attempts=case.attempts,
        held_since=case.held_since,
        timeline=tuple(case.timeline),
        policy_version=versions[-1] if versions else None,
        problems=(),
    )


def next_move(case: Case, now: datetime) -> Next:
    """Whose move it is, what they may do, until when, and what their silence will mean; nobody's before admission."""
    if not case.admitted:
        return NOBODY
    held = case.held_since is not None
    party = Party.PLATFORM if held else case.awaited
    if party is None:
        return NOBODY
    clock = None if held else case.stage_clock
    # A query knows no later instant than the case's last turn, so what becomes legal before the deadline is offered.
    at = clock.respond_by if clock and clock.respond_by else now
    offered = tuple(
        command
        for command, move in legal(case.state, case.kind, held=held).items()
        if party in move.parties and reason_to_refuse(case, command, party, at) is None
    )
    return Next(
        party=party,
        commands=offered,
        respond_by=clock.respond_by if clock else None,
        on_timeout=clock.deadline.on_timeout if clock else None,
    )

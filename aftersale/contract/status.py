"""The status of a case: the read model that updates, the query and the record all return."""

from datetime import datetime
from typing import Literal, Self

from pydantic import StrictBool

from aftersale import bounds
from aftersale.contract.quotas import Quotas
from aftersale.errors import Problem
from aftersale.money import Currency, Purpose
from aftersale.policy.deadline import ExplainedDeadline
from aftersale.policy.running import LATE, RunningClock
from aftersale.schema import Instant, MinorUnits, Schema
from aftersale.times import local
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Command, OnTimeout, Outcome, Party, RefundState, State

ALREADY_OPEN = "already_open"
"""The code of a refusal to `open` once more what has been opened very often."""

By = Party | Literal["timer", "policy"]
"""Who caused an entry: a party, the lapse of a clock, or the publication of a policy."""


class Completed(Schema):
    """The end of a case that did what was asked, with how."""

    outcome: Outcome


class Closed(Schema):
    """The end of a case that did not complete, with why; an operator's cancellation is one."""

    reason: CloseReason


Ending = Completed | Closed


class Entry(Schema):
    """One line of a case's timeline: what happened `at` which instant, and when the case learned of it (R15).

    `late_report` marks more than five minutes between the two. `clock`, `due_at` and `rules` are of its clock.
    `request_id` and `fingerprint` are of the command that caused it: under which id it came, and what tells it from
    any other.
    """

    at: Instant
    recorded_at: Instant
    by: By
    event: str
    says: str
    late_report: StrictBool = False
    clock: Clock | None = None
    due_at: Instant | None = None
    previous_due_at: Instant | None = None
    rules: tuple[str, ...] | None = None
    policy_version: str | None = None
    request_id: str | None = None
    fingerprint: str | None = None


class Noted:
    """What has a timeline, and adds to it: a case, or a watch."""

    timeline: list[Entry]
    quotas: Quotas

    def note(self, event: str, says: str, by: By, at: datetime, now: datetime, **about: object) -> None:
        """Add a line about what happened at `at` and is noted now; a gap over five minutes marks it as late (R15)."""
        late = now - at > LATE and by not in ("timer", "policy")
        said = bounds.cut(says, bounds.SAID)
        line = {"at": at, "recorded_at": now, "by": by, "event": event, "says": said, "late_report": late, **about}
        entry = Entry.model_validate(line)
        self.timeline.append(entry)
        self.quotas.note_line(by, len(entry.model_dump_json(exclude_defaults=True).encode()))

    def note_clock(self, event: str, running: RunningClock, says: str, now: datetime, **about: object) -> None:
        """Add a line about a clock that the policy has set: its deadline, the rules it follows and the book."""
        deadline = running.deadline
        about |= {"clock": running.clock, "due_at": deadline.due_at, "rules": deadline.rules}
        self.note(event, says, "policy", now, now, policy_version=deadline.policy_version, **about)

    def refuse_signal(self, says: str, by: Party, now: datetime) -> None:
        """Note a signal that was not taken: nobody else hears of it. The first of very many say enough."""
        if sum(entry.event == "SignalRefused" for entry in self.timeline) < bounds.REFUSED_SIGNALS:
            self.note("SignalRefused", bounds.cut(says, bounds.REFUSED_SIGNAL), by, now, now)


class DeadlineView(ExplainedDeadline):
    """A running clock: the answer of `policy explain`, and `respond_by`, the last instant with any grace (R13)."""

    respond_by: Instant | None

    @property
    def figures(self) -> tuple[str, str, str]:
        """Until when, by which limit and by which rules, in words."""
        due = local(self.due_at) if self.due_at else "waived"
        return due, self.limit or "fixed", " ".join(self.rules) or "ordinary"

    @classmethod
    def of(cls, running: RunningClock, **about: object) -> Self:
        """Return the view of one running clock."""
        shown = {name: getattr(running.deadline, name) for name in ExplainedDeadline.model_fields}
        return cls.model_validate({**shown, "respond_by": running.respond_by, **about})


class Next(Schema):
    """Whose move it is, what they may do, until when, and what their silence will mean."""

    party: Party | None
    commands: tuple[Command, ...]
    respond_by: Instant | None
    on_timeout: OnTimeout | None


class Instruction(Schema):
    """One instruction as it stands, a refund or a clawback: `reason` says why it was declined, `payer` who bears it."""

    key: str
    purpose: Purpose = "refund"
    amount_minor: MinorUnits
    currency: Currency
    tender: str | None
    payer: str | None = None
    status: RefundState
    instructed_at: Instant
    provider_ref: str | None
    reason: str | None


class RefundView(Schema):
    """Where the money is. `amount_minor` is what the buyer has or will get; until that is known, what was asked for."""

    status: RefundState
    amount_minor: MinorUnits
    currency: Currency | None
    instructions: tuple[Instruction, ...]


class Escalation(Schema):
    """A refusal, and until when the buyer can take it to the platform; None where that time is waived."""

    refused_at: Instant
    reason_code: str
    escalate_by: Instant | None


class Status(Schema):
    """All that a caller may know of a case, as updates, the query and the record show it.

    `attempts` counts its requests, `held_since` is set under a hold (R16).
    `problems` says why a request was refused.
    """

    case_id: str
    kind: CaseKind
    state: State
    is_final: StrictBool
    outcome: Outcome | None
    close_reason: CloseReason | None
    refund: RefundView
    next: Next
    deadlines: tuple[DeadlineView, ...]
    escalation: Escalation | None
    attempts: int
    held_since: Instant | None
    timeline: tuple[Entry, ...]
    policy_version: str | None
    problems: tuple[Problem, ...]


def refused_status(case_id: str, kind: CaseKind, problems: tuple[Problem, ...]) -> Status:
    """Return the record of a request that opened no case."""
    return Status(
        case_id=case_id,
        kind=kind,
        state=State.CLOSED,
        is_final=True,
        outcome=None,
        close_reason=CloseReason.REFUSED,
        refund=RefundView(status=RefundState.NONE, amount_minor=0, currency=None, instructions=()),
        next=NOBODY,
        deadlines=(),
        escalation=None,
        attempts=0,
        held_since=None,
        timeline=(),
        policy_version=None,
        problems=problems,
    )


NOBODY = Next(party=None, commands=(), respond_by=None, on_timeout=None)
"""Nobody is awaited: the case is final, or not open yet."""

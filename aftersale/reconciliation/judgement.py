"""The judgement on what a reconciliation reads: what is a discrepancy, and which command mends it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from aftersale.ledger.reports import DifferenceKind, LedgerDifference
from aftersale.reconciliation.discrepancies import Discrepancy
from aftersale.times import local
from aftersale.vocabulary import DiscrepancyKind, Party, State

QUIET = timedelta(minutes=1)
"""So long after its end an activity of a workflow may still be at work: until then nothing is concluded from it."""

OVERDUE = timedelta(hours=1)
"""How long after its last instant a case may take to act on a silence: very many that wake at once need minutes."""

PACE = timedelta(minutes=15)
"""How long a message that is due may wait: longer than a messenger's lease and its longest pause together."""

UNDELIVERED = timedelta(days=1)
"""How long a message may be tried without being taken: beyond that its channel is no passing trouble."""

MOST_ALIKE = 20
"""How many discrepancies of a kind are told one by one in a run; more of them have one cause, and are told as one."""

_NAMED = 5
"""How many are named where they are told as one."""


class ExecutionState(StrEnum):
    """How Temporal has a workflow; `TERMINATED` is all that it ended itself, by hand or by a limit."""

    RUNNING = "running"
    COMPLETED = "completed"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Execution:
    """A workflow as Temporal has it: the last run, when it ended, and what is said of its end."""

    state: ExecutionState
    run_id: str = ""
    ended_at: datetime | None = None
    says: str = ""


@dataclass(frozen=True)
class ListedCase:
    """A case that the records show as open; `state` is None where only the ledger knows of it."""

    case_id: str
    order_id: str | None
    state: State | None = None
    respond_by: datetime | None = None
    is_held: bool = False

    @property
    def words(self) -> str:
        """How it stands by the records."""
        return f"case {self.case_id} is {self.state.words}" if self.state else f"case {self.case_id} holds money"


@dataclass(frozen=True)
class StuckWorkflow:
    """A running workflow whose workflow task fails again and again."""

    workflow_id: str
    attempt: int
    since: datetime | None


@dataclass(frozen=True)
class OutboxLag:
    """Messages to one party that are behind: how many, since when, and the last error of those that were tried."""

    party: Party
    messages: int
    since: datetime
    error: str | None = None


@dataclass(frozen=True)
class UndecidedRefund:
    """An instruction whose end nobody waits for any more: its case is over, and the payment service has not said."""

    key: str
    case_id: str
    order_id: str
    amount_minor: int
    currency: str
    instructed_at: datetime


def judge_execution(case: ListedCase, execution: Execution, now: datetime) -> Discrepancy | None:
    """Return what is amiss where the records have a case open: Temporal does not run it."""
    match execution.state:
        case ExecutionState.RUNNING:
            return None
        case ExecutionState.COMPLETED:
            return _unrecorded(case)
        case ExecutionState.TERMINATED:
            quiet = execution.ended_at is None or now - execution.ended_at >= QUIET
            return _terminated(case, execution) if quiet else None
        case ExecutionState.UNKNOWN:
            return _forgotten(case)


def _terminated(case: ListedCase, execution: Execution) -> Discrepancy:
    at = f" at {local(execution.ended_at)}" if execution.ended_at else ""
    says = (
        f"{case.words} by the records, but its workflow {execution.says or 'was terminated'}{at}; it is closed in the "
        "records, and what it had reserved and not instructed is free again. To have it go on instead, reset it"
    )
    command = _reset(case.case_id)
    return _about(DiscrepancyKind.CASE_TERMINATED, case, says, command)


def _unrecorded(case: ListedCase) -> Discrepancy:
    says = (
        f"{case.words} by the records, but its workflow has completed: the records lost its end, as restored ones do. "
        "The end is taken over from Temporal; its money stays as it is: compare the books, then release what it holds"
    )
    return _about(DiscrepancyKind.END_UNRECORDED, case, says, "aftersale ledger check --statement FILE")


def _forgotten(case: ListedCase) -> Discrepancy:
    says = (
        f"{case.words} by the records, and Temporal knows no such workflow: see that TEMPORAL_NAMESPACE is right, and "
        "that Temporal was not restored from a backup; if it is gone for good, close it"
    )
    command = (
        f"aftersale reconcile --close {case.case_id}" if case.state else f"aftersale ledger release {case.case_id}"
    )
    return _about(DiscrepancyKind.CASE_FORGOTTEN, case, says, command)


def judge_deadline(case: ListedCase, now: datetime) -> Discrepancy | None:
    """Return what is amiss where a case runs, and has not acted on a silence that took effect long ago."""
    if case.respond_by is None or case.is_held or now - case.respond_by < OVERDUE:
        return None
    says = (
        f"{case.words}, and its last instant {local(case.respond_by)}, any grace included, is past: see that workers "
        "run, and what the workflow waits for"
    )
    return _about(DiscrepancyKind.CASE_OVERDUE, case, says, _described(f"case/{case.case_id}"))


def judge_stuck(stuck: StuckWorkflow) -> Discrepancy:
    """Return what is amiss where workflow tasks fail: nothing of the workflow goes on, its deadlines included."""
    since = f" since {local(stuck.since)}" if stuck.since else ""
    says = (
        f"workflow {stuck.workflow_id}: its task fails{since}, attempt {stuck.attempt}; nothing of it goes on until a "
        "worker's release can take it: see the failure, and put the release right, or back"
    )
    return Discrepancy(
        kind=DiscrepancyKind.WORKFLOW_STUCK,
        subject=stuck.workflow_id,
        case_id=stuck.workflow_id.removeprefix("case/") if stuck.workflow_id.startswith("case/") else None,
        says=says,
        command=_described(stuck.workflow_id),
    )


def judge_waiting(lags: Sequence[OutboxLag]) -> list[Discrepancy]:
    """Return what is amiss where messages that are due wait longer than their pace: no messenger is at work."""
    if not lags:
        return []
    count, since = sum(lag.messages for lag in lags), min(lag.since for lag in lags)
    says = (
        f"{count} messages are due and have waited since {local(since)}: see that a worker runs, and that the workflow "
        "deliveries does; a worker that starts begins it anew"
    )
    command = _described("deliveries")
    return [Discrepancy(kind=DiscrepancyKind.OUTBOX_BEHIND, subject="outbox", says=says, command=command)]


def judge_undelivered(lag: OutboxLag) -> Discrepancy:
    """Return what is amiss where a party's channel has taken a message in no attempt of a day."""
    said = f", the last error is: {lag.error}" if lag.error else ""
    says = (
        f"{lag.messages} messages to the {lag.party.words} are tried since {local(lag.since)}, and not delivered"
        f"{said}; put AFTERSALE_NOTIFY_{lag.party.name} right, and start the workers anew"
    )
    command = "aftersale reconcile"
    return Discrepancy(kind=DiscrepancyKind.MESSAGES_UNDELIVERED, subject=lag.party, says=says, command=command)


def judge_refund(refund: UndecidedRefund) -> Discrepancy:
    """Return what is amiss where a case is over, and nobody waits for the end of its instruction."""
    says = (
        f"{refund.key}: {refund.amount_minor} {refund.currency} minor was instructed at {local(refund.instructed_at)}, "
        "its case is over, and the payment service has not said how it ended; the amount stays taken. Ask the service "
        "under the key; a case that was terminated asks by itself once it is reset"
    )
    return Discrepancy(
        kind=DiscrepancyKind.REFUND_UNDECIDED,
        subject=refund.key,
        case_id=refund.case_id,
        order_id=refund.order_id,
        says=says,
        command=_reset(refund.case_id),
    )


_OF_STATEMENT = {
    DifferenceKind.NOT_IN_STATEMENT,
    DifferenceKind.TWICE_IN_STATEMENT,
    DifferenceKind.STATEMENT_DIFFERS,
    DifferenceKind.UNKNOWN_PAYMENT,
    DifferenceKind.PAID_UNSETTLED,
}


def judge_difference(difference: LedgerDifference) -> Discrepancy:
    """Return what is amiss with the books, by themselves or beside the payment service's statement."""
    of_statement = difference.kind in _OF_STATEMENT
    subject = f"{difference.kind}/{difference.key or difference.case_id or difference.order_id}"
    outlives = difference.kind is DifferenceKind.RESERVATION_OUTLIVES_CASE
    looking = f"aftersale ledger show {difference.order_id}" if difference.order_id else "aftersale ledger check"
    return Discrepancy(
        kind=DiscrepancyKind.STATEMENT_DIFFERS if of_statement else DiscrepancyKind.LEDGER_DIFFERS,
        subject=subject,
        case_id=difference.case_id,
        order_id=difference.order_id,
        says=difference.says,
        command=f"aftersale ledger release {difference.case_id}" if outlives else looking,
    )


def unreadable_statement(why: str) -> Discrepancy:
    """Return what is amiss where there is to be a statement, and it cannot be read."""
    says = (
        f"the payment service's statement cannot be read ({why}); have the file that "
        "AFTERSALE_PAYMENTS_STATEMENT names written anew, a payment on each line"
    )
    command = "aftersale ledger check --statement FILE"
    return Discrepancy(kind=DiscrepancyKind.STATEMENT_UNREADABLE, subject="statement", says=says, command=command)


def condense(found: Iterable[Discrepancy]) -> list[Discrepancy]:
    """Return discrepancies with those of a kind told as one where they are very many: they have one cause.

    What was closed, or holds money, is told by itself whatever the number.
    """
    told: list[Discrepancy] = []
    for kind, group in groupby(sorted(found, key=lambda each: each.discrepancy_id), key=lambda each: each.kind):
        alike = list(group)
        told += alike if len(alike) <= MOST_ALIKE or kind in _EACH_BY_ITSELF else [_as_one(alike)]
    return told


_EACH_BY_ITSELF = {
    DiscrepancyKind.CASE_TERMINATED,
    DiscrepancyKind.END_UNRECORDED,
    DiscrepancyKind.REFUND_UNDECIDED,
    DiscrepancyKind.LEDGER_DIFFERS,
    DiscrepancyKind.STATEMENT_DIFFERS,
}


def _as_one(alike: Sequence[Discrepancy]) -> Discrepancy:
    first = alike[0]
    named = ", ".join(each.subject for each in alike[:_NAMED])
    says = f"{len(alike)} at once, which have one cause: {named}, …; of the first: {first.says}"
    return Discrepancy(kind=first.kind, subject="many", says=says, command=first.command)


def _about(kind: DiscrepancyKind, case: ListedCase, says: str, command: str) -> Discrepancy:
    return Discrepancy(
        kind=kind, subject=case.case_id, case_id=case.case_id, order_id=case.order_id, says=says, command=command
    )


def _reset(case_id: str) -> str:
    return f"temporal workflow reset --workflow-id case/{case_id} --type LastWorkflowTask --reason 'goes on'"


def _described(workflow_id: str) -> str:
    return f"temporal workflow describe --workflow-id {workflow_id}"

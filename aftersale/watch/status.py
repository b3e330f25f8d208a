"""The status of a dispatch watch: its clocks as `policy explain` answers them, its violations, its timeline."""

from datetime import datetime
from typing import NamedTuple

from pydantic import StrictBool

from aftersale.contract.status import DeadlineView, Entry
from aftersale.errors import Problem
from aftersale.policy.deadline import ExplainedDeadline
from aftersale.policy.running import RunningClock
from aftersale.schema import Code, Id, Instant, Schema
from aftersale.vocabulary import Clock, OnTimeout, WatchEnd, WatchState


class Check(NamedTuple):
    """One thing that is checked: the dispatch of the shipment, or one clock of one parcel."""

    clock: Clock
    tracking_no: str | None = None

    @property
    def words(self) -> str:
        """The check as an operator reads it."""
        return f"{self.clock.words} of {self.tracking_no}" if self.tracking_no else self.clock.words


class Violation(Schema):
    """A clock that ran out: what was due until when, by which rules, and whether it counts for the experience score.

    `due_at` is the last instant in time as the rules compute it, `respond_by` with the grace of what was learned late
    (R13); at `breached_at` the silence took effect (R4). `cleared_at` is when a fact arrived that had happened in time
    all the same: the violation is kept, and counts for nothing any more. `claim_case_id` is the claim that it opened.
    """

    violation_id: str
    shipment_id: Id
    order_id: Id
    merchant_id: Id
    clock: Clock
    tracking_no: Id | None = None
    started_at: Instant
    due_at: Instant
    respond_by: Instant
    breached_at: Instant
    recorded_at: Instant
    rules: tuple[str, ...]
    policy_version: str
    on_timeout: OnTimeout
    counts_for_score: StrictBool
    because: tuple[str, ...] = ()
    cleared_at: Instant | None = None
    cleared_by: str | None = None
    claim_case_id: Id | None = None

    @property
    def check(self) -> Check:
        """What was checked."""
        return Check(self.clock, self.tracking_no)


class WatchDeadline(DeadlineView):
    """A running clock of a watch, and the parcel it is about; None for the dispatch of the shipment."""

    tracking_no: Id | None


class ParcelView(Schema):
    """A parcel: when the merchant clicked, and when carriers first saw it at each point."""

    carrier: Code
    tracking_no: Id
    clicked_at: Instant
    picked_up_at: Instant | None
    hub_at: Instant | None
    signed_for_at: Instant | None


class WatchStatus(Schema):
    """All that a caller may know of a watch. `problems` says why a request was refused."""

    shipment_id: str
    order_id: str | None
    merchant_id: str | None
    state: WatchState
    is_final: StrictBool
    end: WatchEnd | None
    dispatched_at: Instant | None
    parcels: tuple[ParcelView, ...]
    deadlines: tuple[WatchDeadline, ...]
    violations: tuple[Violation, ...]
    timeline: tuple[Entry, ...]
    policy_version: str | None
    problems: tuple[Problem, ...]


def refused_watch_status(shipment_id: str, problems: tuple[Problem, ...]) -> WatchStatus:
    """Return the record of a request that opened no watch."""
    return WatchStatus(
        shipment_id=shipment_id,
        order_id=None,
        merchant_id=None,
        state=WatchState.REFUSED,
        is_final=True,
        end=None,
        dispatched_at=None,
        parcels=(),
        deadlines=(),
        violations=(),
        timeline=(),
        policy_version=None,
        problems=problems,
    )


def violation_of(check: Check, running: RunningClock, about: tuple[str, str, str], now: datetime) -> Violation:
    """Return the violation of a check whose clock ran out; `about` is the shipment, its order and its merchant."""
    assert running.last_instant is not None and running.respond_by is not None and running.lapses_at is not None
    shared = Violation.model_fields.keys() & ExplainedDeadline.model_fields.keys()
    shipment_id, order_id, merchant_id = about
    named = [shipment_id, check.clock.value, *([check.tracking_no] if check.tracking_no else [])]
    return Violation(
        violation_id="/".join(named),
        shipment_id=shipment_id,
        order_id=order_id,
        merchant_id=merchant_id,
        tracking_no=check.tracking_no,
        due_at=running.last_instant,
        respond_by=running.respond_by,
        breached_at=running.lapses_at,
        recorded_at=now,
        **{name: getattr(running.deadline, name) for name in sorted(shared - {"due_at"})},
    )

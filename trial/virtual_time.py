"""Any date of the calendar for a workflow on a real server, which itself only knows today and only moves forward.

A workflow whose start memo says `test_clock` lives on a calendar of its own: `workflow.now()` and its start times are
shifted by one constant, from its real start to the instant the memo names. Timers are durations, so they need no
shifting; activities keep the real date, so business instants must reach them as input. Runs started by
continue-as-new carry the memo on and would begin at its instant again: this is for workflows of one run.

No skip can have an answer from outside come on a deadline's very second, since a calendar stands still while a call is
under way. So a calendar may leap as such an answer arrives (`test_leap`): part of history, and so the same in a replay.
"""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionDescription,
    WorkflowHandle,
)
from temporalio.converter import PayloadConverter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from aftersale.temporal.steady_clock import InstanceAround, RunnerAround

TEST_CLOCK: Final = "test_clock"
TEST_LEAP: Final = "test_leap"

AnyHandle = WorkflowHandle[Any, Any]


@dataclasses.dataclass(frozen=True)
class Leap:
    """The answer to the workflow's `call`-th activity, of those that leave the house, arrives at the instant `to`."""

    call: int
    to: datetime


def memo(at: datetime, leap: Leap | None = None) -> dict[str, str]:
    """Return the start memo that puts a workflow on the calendar at the instant `at`, and has it leap once."""
    leaps = {TEST_LEAP: f"{leap.call} {_aware(leap.to).isoformat()}"} if leap else {}
    return {TEST_CLOCK: _aware(at).isoformat(), **leaps}


class Descendants(Interceptor):
    """Puts what an activity starts on the calendar too, at the instant at which it is asked for. For tests and trials.

    Such a workflow stands still until it is moved, as every other one does.
    """

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Stand between the client and the server."""
        return _Descending(next)


class _Descending(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> AnyHandle:
        asked_at = getattr(input.args[0], "requested_at", None) if input.args else None
        if asked_at is not None and activity.in_activity():
            input.memo = {**(input.memo or {}), **memo(asked_at)}
            input.time_skipping_config = None
        return await super().start_workflow(input)


class CalendarRunner(RunnerAround):
    """Runs workflows as `inner` does, each on the calendar its memo asks for. For tests and trials only."""

    def __init__(self, inner: WorkflowRunner | None = None) -> None:
        super().__init__(inner or UnsandboxedWorkflowRunner())

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create the inner runner's instance, on the calendar if the workflow's memo asks for it."""
        offset = _offset_of(det)
        if offset is None:
            return super().create_instance(det)
        info = dataclasses.replace(
            det.info,
            start_time=det.info.start_time + offset,
            workflow_start_time=det.info.workflow_start_time + offset,
        )
        return _OnCalendar(super().create_instance(dataclasses.replace(det, info=info)), offset, _leap_of(det))


class _OnCalendar(InstanceAround):
    """An instance that is told another time than the server's."""

    def __init__(self, inner: WorkflowInstance, offset: timedelta, leap: Leap | None) -> None:
        super().__init__(inner)
        self._offset_ns = _nanoseconds(offset)
        self._leap, self._answers = leap, 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        # Evictions carry no time.
        if act.HasField("timestamp"):
            self._hear_answers(act)
            act.timestamp.FromNanoseconds(act.timestamp.ToNanoseconds() + self._offset_ns)
        return super().activate(act)

    def _hear_answers(self, act: WorkflowActivation) -> None:
        before = self._answers
        self._answers += sum(job.HasField("resolve_activity") and not job.resolve_activity.is_local for job in act.jobs)
        if self._leap and before < self._leap.call <= self._answers:
            self._offset_ns = _nanoseconds(self._leap.to - act.timestamp.ToDatetime(UTC))


async def now(handle: AnyHandle) -> datetime:
    """Return the instant at which the workflow stands on its calendar; one that has ended stands where it ended."""
    found = await handle.describe()
    start = await found.memo_value(TEST_CLOCK, None, type_hint=str)
    offset = datetime.fromisoformat(start) - found.start_time if start else timedelta(0)
    return _server_time(found) + offset


async def advance(
    env: WorkflowEnvironment, handle: AnyHandle, to: datetime, *, handled: bool = True, within: float = 120.0
) -> bool:
    """Move the workflow's calendar to the instant `to` or a moment past it, firing on the way the timers that are due.

    Answers whether the workflow is still open; one that ends on the way ends at its own time. An instant already past
    is a no-op: calendars only move forward. A calendar stands still while a task or an activity of the workflow waits
    for a worker; with `handled=False` the last timer may be left so, fired at `to` but not yet taken in by anybody.
    """
    try:
        async with asyncio.timeout(within):
            while (left := _aware(to) - await now(handle)) > timedelta(0):
                if not await (env.fast_forward(handle, left) if handled else _push(env, handle, left, to)):
                    return False
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:  # it ended between the look at its calendar and the push
            return False
        raise
    except TimeoutError:
        raise TimeoutError(
            f"{handle.id} stands at {await now(handle)} and did not reach {to} within {within:.0f} s;"
            " is a worker running, and no activity stuck?"
        ) from None
    return (await handle.describe()).close_time is None


async def _push(env: WorkflowEnvironment, handle: AnyHandle, left: timedelta, to: datetime) -> bool:
    """Fast-forward without waiting for the workflow to take in what has fired at the end."""
    skip = asyncio.create_task(env.fast_forward(handle, left))
    try:
        while not skip.done() and await now(handle) < to:
            await asyncio.sleep(0.01)
        return await skip if skip.done() else True
    finally:
        skip.cancel()


def _offset_of(details: WorkflowInstanceDetails) -> timedelta | None:
    start = _told(details, TEST_CLOCK)
    return _aware(datetime.fromisoformat(start)) - details.info.workflow_start_time if start else None


def _leap_of(details: WorkflowInstanceDetails) -> Leap | None:
    call, _, to = (_told(details, TEST_LEAP) or "").partition(" ")
    return Leap(int(call), _aware(datetime.fromisoformat(to))) if to else None


def _told(details: WorkflowInstanceDetails, key: str) -> str | None:
    payload = details.info.raw_memo.get(key)
    return None if payload is None else str(PayloadConverter.default.from_payload(payload, str))


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000


def _server_time(found: WorkflowExecutionDescription) -> datetime:
    """Return what the server takes the workflow's time to be; never skipped, it is the time of day."""
    if found.close_time is not None:
        return found.close_time
    more = found.raw_description.workflow_extended_info
    if not more.HasField("time_skipping_info"):
        return datetime.now(UTC)
    return more.time_skipping_info.current_time.ToDatetime(UTC)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no UTC offset; write one, as in {instant.isoformat()}+08:00")
    return instant

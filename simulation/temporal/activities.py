"""Activities as workers carry them out: the real ones, with retries and time limits, and what may go wrong."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from temporalio.activity import Info
from temporalio.activity import _Definition as Definition
from temporalio.api.common.v1 import RetryPolicy
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.workflow_commands import ScheduleActivity, ScheduleLocalActivity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from aftersale.temporal.plugin import TASK_QUEUE
from simulation.chance import Fault
from simulation.temporal.history import resolution
from simulation.temporal.instance import CONVERTER

if TYPE_CHECKING:
    from simulation.temporal.run import Run
    from simulation.temporal.server import Server

Hand = Mapping[str, tuple[Callable[..., Any], Definition]]
"""The activities of one worker, by their names, with what the SDK knows of each."""

Scheduled = ScheduleActivity | ScheduleLocalActivity


MOST_ATTEMPTS = 500
"""After so many an activity counts as one that will never succeed: no outage of a course lasts that long."""


class Unanswered(AssertionError):
    """An activity is tried for ever."""


def hand(activities: Sequence[Callable[..., Any]]) -> Hand:
    """Return the activities of a worker, as it registers them."""
    definitions = [Definition.must_from_callable(each) for each in activities]
    return {str(each.name): (do, each) for do, each in zip(activities, definitions, strict=True)}


@dataclass
class _Outcome:
    """How one attempt ended."""

    result: ActivityResolution | None = None
    failure: Failure | None = None
    retryable: bool = True
    pause: timedelta | None = None


class Activities:
    """All activities of one server's queue, shared out among its workers by chance."""

    def __init__(self, server: "Server", client: Client) -> None:
        """Wait for workers: `hands` are those at work, the newest last."""
        self.hands: list[Hand] = []
        self._server, self._client = server, client
        self._unwanted: set[tuple[str, int]] = set()

    # Normal activities

    async def carry_out(self, run: "Run", scheduled: ScheduleActivity) -> None:
        """Do what was scheduled until it succeeds or fails for good, and tell the run, unless nobody waits any more."""
        attempt = 1
        while True:
            await asyncio.sleep(self._server.delay())
            outcome = await self._attempted(run, scheduled, attempt)
            if outcome.result is not None or self._is_over(outcome, scheduled.retry_policy, attempt):
                break
            if outcome.failure is not None:
                run.underway.failures[scheduled.seq] = outcome.failure
            await asyncio.sleep(_pause(outcome, scheduled.retry_policy, attempt))
            attempt += 1
            if attempt > MOST_ATTEMPTS:
                self._server.broke(
                    Unanswered(f"{scheduled.activity_type} was tried {attempt} times: {outcome.failure}")
                )
                return
        if (run.born.run_id, scheduled.seq) not in self._unwanted:
            run.post(resolution(scheduled.seq, outcome.result or _failed(outcome, scheduled), local=False))

    def cancel(self, run: "Run", seq: int) -> None:
        """Nobody waits any more; it may do its work all the same."""
        self._unwanted.add((run.born.run_id, seq))
        run.underway.drop_answer(seq)
        if not self._server.chance.happens(Fault.HIDDEN):
            run.underway.activities[seq].cancel()

    async def _attempted(self, run: "Run", scheduled: ScheduleActivity, attempt: int) -> _Outcome:
        chance = self._server.chance
        if chance.happens(Fault.FAILS):
            return _Outcome(failure=_to_failure(RuntimeError("the worker failed")))
        lost = chance.happens(Fault.LOST)
        outcome = await self._done(run, scheduled, attempt)
        if not lost:
            return outcome
        limit = scheduled.heartbeat_timeout.ToTimedelta() or scheduled.start_to_close_timeout.ToTimedelta()
        await asyncio.sleep(limit.total_seconds())
        return _Outcome(failure=_timed_out())

    # Local activities

    async def locally(self, run: "Run", scheduled: ScheduleLocalActivity) -> ActivityResolution:
        """Do what was scheduled within its workflow task; it has few attempts, and little time."""
        chance, attempt = self._server.chance, 1
        while True:
            await asyncio.sleep(self._server.moment())
            if chance.happens(Fault.LOCAL_FAILS):
                outcome = _Outcome(failure=_to_failure(RuntimeError("no answer")))
            elif chance.happens(Fault.LOCAL_LOST):
                await self._done(run, scheduled, attempt)
                await asyncio.sleep(scheduled.start_to_close_timeout.ToTimedelta().total_seconds())
                outcome = _Outcome(failure=_timed_out(), retryable=False)
            else:
                outcome = await self._done(run, scheduled, attempt)
            if outcome.result is not None:
                return outcome.result
            if self._is_over(outcome, scheduled.retry_policy, attempt):
                result = ActivityResolution()
                result.failed.failure.CopyFrom(outcome.failure or Failure())
                return result
            attempt += 1
            await asyncio.sleep(_pause(outcome, scheduled.retry_policy, attempt))

    # How one is done

    async def _done(self, run: "Run", scheduled: Scheduled, attempt: int) -> _Outcome:
        do, definition = self._worker()[scheduled.activity_type]
        environment = ActivityEnvironment(self._client if definition.is_async else None)
        environment.info = _info(run, scheduled, attempt, self._server)
        limit = scheduled.start_to_close_timeout.ToTimedelta().total_seconds()
        try:
            given = CONVERTER.payload_converter.from_payloads(list(scheduled.arguments), definition.arg_types)
            answer = environment.run(do, *given)
            if definition.is_async:
                answer = await asyncio.wait_for(answer, limit)
        except TimeoutError:
            return _Outcome(failure=_timed_out())
        except Exception as error:
            final = isinstance(error, ApplicationError) and error.non_retryable
            pause = error.next_retry_delay if isinstance(error, ApplicationError) else None
            return _Outcome(failure=_to_failure(error), retryable=not final, pause=pause)
        result = ActivityResolution()
        result.completed.result.CopyFrom(CONVERTER.payload_converter.to_payload(answer))
        return _Outcome(result=result)

    def _worker(self) -> Hand:
        """Return the worker that takes it: for as long as there are older ones, any of them may be the one."""
        older = self.hands[:-1]
        return older[-1] if older and self._server.chance.happens(Fault.OLD_BOOK) else self.hands[-1]

    @staticmethod
    def _is_over(outcome: _Outcome, policy: RetryPolicy, attempt: int) -> bool:
        return not outcome.retryable or 0 < policy.maximum_attempts <= attempt


def _pause(outcome: _Outcome, policy: RetryPolicy, attempt: int) -> float:
    if outcome.pause is not None:
        return outcome.pause.total_seconds()
    first, most = policy.initial_interval.ToTimedelta(), policy.maximum_interval.ToTimedelta()
    grown = first.total_seconds() * (policy.backoff_coefficient or 2.0) ** min(attempt - 1, 30)
    return min(grown, most.total_seconds() or grown)


def _failed(outcome: _Outcome, scheduled: ScheduleActivity) -> ActivityResolution:
    """Return the failure of a normal activity, as its history tells it."""
    result = ActivityResolution()
    failure = result.failed.failure
    failure.message = "Activity task failed"
    failure.activity_failure_info.activity_type.name = scheduled.activity_type
    failure.activity_failure_info.activity_id = scheduled.activity_id
    assert outcome.failure is not None
    failure.cause.CopyFrom(outcome.failure)
    return result


def _timed_out() -> Failure:
    failure = Failure(message="activity StartToClose timeout")
    failure.timeout_failure_info.timeout_type = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    return failure


def _to_failure(error: Exception) -> Failure:
    failure = Failure()
    CONVERTER.failure_converter.to_failure(error, CONVERTER.payload_converter, failure)
    return failure


_INFO = ActivityEnvironment.default_info()

_MOST_BEATS = 12
"""How many heartbeat timeouts an attempt holds: nobody hears its signs of life here, and messengers give many."""


def _info(run: "Run", scheduled: Scheduled, attempt: int, server: "Server") -> Info:
    local = isinstance(scheduled, ScheduleLocalActivity)
    limit = scheduled.start_to_close_timeout.ToTimedelta()
    beat = None if isinstance(scheduled, ScheduleLocalActivity) else scheduled.heartbeat_timeout.ToTimedelta() or None
    return dataclasses.replace(
        _INFO,
        activity_id=scheduled.activity_id,
        activity_type=scheduled.activity_type,
        attempt=attempt,
        heartbeat_timeout=max(beat, limit / _MOST_BEATS) if beat else None,
        is_local=local,
        started_time=server.now,
        start_to_close_timeout=limit,
        task_queue=TASK_QUEUE,
        workflow_id=run.born.workflow_id,
        workflow_run_id=run.born.run_id,
        workflow_type=run.born.type,
    )

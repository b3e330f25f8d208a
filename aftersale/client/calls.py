"""Calls to Temporal, each with a time limit, and their failures in the errors of this package."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersale.contract.commands import Act
from aftersale.errors import CaseNotFound, NoAnswer, Refusal, ServiceFault
from aftersale.times import local

T = TypeVar("T")

PATIENCE = timedelta(seconds=30)
"""How long a caller waits for an answer unless it says otherwise."""

_PASSING = {
    RPCStatusCode.CANCELLED,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
}
"""What a server says that may serve the same call a little later."""


class NotFound(ServiceFault):
    """The server knows no such thing."""


async def await_answer(what: str, call: Awaitable[T], timeout: timedelta) -> T:
    """Return the answer to a call about `what`, such as case C-1.

    Raises Refusal, CaseNotFound, NoAnswer, ServiceFault.
    """
    try:
        return await await_server(call, timeout)
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        code = cause.type if isinstance(cause, ApplicationError) and cause.type else "refused"
        raise Refusal(code, cause.message if isinstance(cause, ApplicationError) else str(cause)) from error
    except WorkflowQueryFailedError as error:
        raise NoAnswer(f"{what} cannot answer ({error}); look at it in the Temporal UI") from error
    except NotFound as error:
        raise CaseNotFound(f"{what} is unknown here; check its id, and TEMPORAL_NAMESPACE") from error


async def await_server(call: Awaitable[T], timeout: timedelta) -> T:
    """Return what the server answers in time. Raises NoAnswer, ServiceFault."""
    seconds = timeout.total_seconds()
    try:
        return await asyncio.wait_for(call, seconds)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise NoAnswer(f"no answer within {seconds:g} s; check that a worker runs. It may still be applied") from error
    except RPCError as error:
        said = f"{error.status.name}: {error.message}"
        if error.status in _PASSING:
            raise NoAnswer(f"the Temporal server gives no answer now ({said}). It may still be applied") from error
        kind = NotFound if error.status is RPCStatusCode.NOT_FOUND else ServiceFault
        raise kind(f"the Temporal server does not serve this ({said}); check its settings") from error


def with_command(error: NoAnswer, act: Act, request_id: str) -> NoAnswer:
    """Return the error with what to repeat the command with, in its fields and in its words."""
    at = f" and occurred_at {local(act.occurred_at)}" if act.occurred_at else ""
    return NoAnswer(f"{error}; repeat the command with request id {request_id}{at}", act, request_id)

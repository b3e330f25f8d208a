"""The Temporal plugin of this product: one for client, worker and replayer, so that replay equals production."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter, ToJsonOptions
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.runtime import Runtime
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from aftersale.errors import ServiceFault
from aftersale.temporal.steady_clock import RepeatedQueries, SteadyClockRunner

T = TypeVar("T")

TASK_QUEUE = "after-sale"

DEFAULT_ADDRESS = "127.0.0.1:7233"


class LeanPayloadConverter(PydanticPayloadConverter):
    """Pydantic as JSON, with fields that were not set left out: histories stay small."""

    def __init__(self) -> None:
        super().__init__(ToJsonOptions(exclude_unset=True))

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Decode; where nobody says what is wanted, what cannot be read is None rather than an error.

        A workflow's input comes so: a start that no converter reads must end as a refused request, and an error here
        would fail its first task for ever.
        """
        try:
            return super().from_payloads(payloads, type_hints)
        except Exception:
            if type_hints is not None:
                raise
            return [None] * len(payloads)


def plugin(runner: WorkflowRunner | None = None) -> SimplePlugin:
    """Return the plugin to hand to `Client.connect` (workers inherit it) and to `Replayer`.

    Workflows run as they were loaded at the worker's start. The SDK's sandbox would load them anew for each run; what
    it refuses is refused by lint and tests instead (decision 0024).
    """
    return SimplePlugin(
        "aftersale",
        data_converter=DataConverter(payload_converter_class=LeanPayloadConverter),
        workflow_runner=SteadyClockRunner(runner or UnsandboxedWorkflowRunner()),
        interceptors=[RepeatedQueries()],
    )


async def connect(*, runtime: Runtime | None = None, **overrides: Any) -> Client:
    """Give a Temporal client by the environment (`TEMPORAL_ADDRESS`, …, or a profile file), with this product's plugin.

    Raises ServiceFault where the settings cannot be read or no server answers.
    """
    settings: dict[str, Any] = {"target_host": DEFAULT_ADDRESS}
    try:
        settings |= ClientConfig.load_client_connect_config(config_file_strict=True)
    except (RuntimeError, ValueError) as error:
        raise ServiceFault(f"the settings for Temporal cannot be used; mend them: {error}") from error
    settings |= {"plugins": [plugin()], "runtime": runtime} | overrides
    try:
        return await Client.connect(**settings)
    except (RuntimeError, ValueError) as error:
        address = settings["target_host"]
        remedy = "start one with `make dev`, or set TEMPORAL_ADDRESS to where it is"
        raise ServiceFault(f"no Temporal server answers at {address} ({_gist(error)}); {remedy}") from error


def _gist(error: Exception) -> str:
    """Return the core of a connection error, which the SDK wraps in several layers of debug output."""
    words = re.findall(r'(?:message|error): "([^"]+)"', str(error))
    return words[-1] if words else str(error)

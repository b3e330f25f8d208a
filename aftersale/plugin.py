"""How this product speaks Temporal: one plugin for clients, workers and the replayer, so that replay equals production."""

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, ToJsonOptions
from temporalio.converter import DataConverter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

TASK_QUEUE = "after-sale"

PASSED_THROUGH = ("aftersale", "activities", "structlog", "httpx", "apprise", "standardwebhooks")
"""Modules that the sandbox does not load anew for every run: they hold no workflow code."""


class LeanPayloadConverter(PydanticPayloadConverter):
    """Pydantic as JSON, with fields that were not set left out: histories stay small."""

    def __init__(self) -> None:
        """Leave out what was not set."""
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


def sandbox() -> WorkflowRunner:
    """The runner of production: the sandbox stays on."""
    return SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def plugin(runner: WorkflowRunner | None = None) -> SimplePlugin:
    """The plugin to hand to `Client.connect` (workers inherit it) and to `Replayer`."""
    return SimplePlugin(
        "aftersale",
        data_converter=DataConverter(payload_converter_class=LeanPayloadConverter),
        workflow_runner=runner or sandbox(),
    )

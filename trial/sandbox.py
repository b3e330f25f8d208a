"""The SDK's sandbox, which watches over workflow code where it is tried; production runs without it (decision 0024)."""

from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSED_THROUGH = ("aftersale", "activities")
"""Packages that the sandbox does not load anew for every run: they hold no workflow code."""


def sandbox() -> WorkflowRunner:
    """Return a runner that loads workflow code anew for each run, and refuses what a replay would meet otherwise."""
    return SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))

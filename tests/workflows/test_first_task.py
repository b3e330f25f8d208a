"""The first task of a run takes no longer than what a worker loads for it, however many runs begin at once."""

import sys
from types import ModuleType

import pytest
from temporalio import workflow
from temporalio.worker.workflow_sandbox import _runner

from aftersale.temporal.plugin import sandbox
from worker import WORKFLOWS

MOST = 40
"""Modules of workflow code; a package is but a docstring.

Each is loaded anew for each run, and a task that takes two seconds has failed.
"""


ITS_OWN = {"__main__", "builtins", "sys"}
"""What every sandbox has of its own."""


@pytest.mark.parametrize("defined", WORKFLOWS, ids=lambda defined: defined.__name__)
async def test_a_run_loads_workflow_code_and_nothing_else(defined: type, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[_runner._Instance] = []
    create = _runner._Instance._create_instance

    def noted(self: _runner._Instance) -> None:
        made.append(self)
        create(self)

    monkeypatch.setattr(_runner._Instance, "_create_instance", noted)
    sandbox().prepare_workflow(workflow._Definition.must_from_class(defined))
    [instance] = made
    new = instance.importer.new_modules.items()
    # What the sandbox lends is the same module, or the same behind a proxy that watches over it.
    loaded = {name for name, module in new if type(module) is ModuleType and module is not sys.modules.get(name)}
    ours = {name for name in loaded if not name.startswith("temporalio.worker.") and name not in ITS_OWN}
    assert {name.partition(".")[0] for name in ours} == {"workflows"}, sorted(ours)
    packages = {name for name, module in new if name in ours and hasattr(module, "__path__")}
    assert len(ours - packages) <= MOST

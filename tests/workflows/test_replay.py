"""A recorded history is a promise: today's workflows must make the same decisions again."""

from datetime import datetime
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from aftersale.schema import Schema
from aftersale.temporal.plugin import plugin
from aftersale.vocabulary import Clock
from trial.histories import HISTORIES, keep, missing, recorded
from trial.sandbox import sandbox
from trial.virtual_time import CalendarRunner
from worker import WORKFLOWS
from workflows.cases.desk import Desk
from workflows.cases.procedures import return_goods
from workflows.cases.stages.refund import refund

FILES = sorted(HISTORIES.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_case_replays(file: Path) -> None:
    await Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner())]).replay_workflow(recorded(file))


async def test_a_history_of_each_type_of_workflow_replays_in_the_sandbox() -> None:
    types = {workflow._Definition.must_from_class(each).name: each for each in WORKFLOWS}
    first = {type_of(history): history for history in map(recorded, reversed(FILES))}
    for type_, history in first.items():
        # A replayer would load all code anew for each class that it is given.
        replayer = Replayer(workflows=[types[type_]], plugins=[plugin(CalendarRunner(sandbox()))])
        await replayer.replay_workflow(history)


def type_of(history: WorkflowHistory) -> str:
    return history.events[0].workflow_execution_started_event_attributes.workflow_type.name


def test_every_story_has_its_history() -> None:
    assert [story.title for story in missing()] == [], "record them: python -m trial record"


async def test_a_changed_procedure_no_longer_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits once more before the money goes back."""

    async def later(desk: Desk, received_at: datetime) -> None:
        await desk.enter(desk.case.state, received_at, Clock.ESCALATION)
        await desk.answer(Schema)
        await refund(desk, received_at)

    monkeypatch.setattr(return_goods, "refund", later)
    history = recorded(HISTORIES / "T-1001.json")
    with pytest.raises(workflow.NondeterminismError):
        await Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner())]).replay_workflow(history)


def test_a_recorded_history_is_never_written_again() -> None:
    file = FILES[0]
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        keep(recorded(file), file)
    assert file.read_bytes() == before

"""A recorded history is a promise: today's workflows must make the same decisions again."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from aftersale.temporal.plugin import plugin, sandbox
from trial.histories import HISTORIES, keep, missing, recorded
from trial.virtual_time import CalendarRunner
from worker import WORKFLOWS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("history", recorded(), ids=lambda history: history.workflow_id)
async def test_a_recorded_case_replays(history: WorkflowHistory) -> None:
    replayer = Replayer(workflows=[of_history(history)], plugins=[plugin(CalendarRunner(sandbox()))])
    await replayer.replay_workflow(history)


def of_history(history: WorkflowHistory) -> type:
    """The workflow whose history it is; a replayer would load all code anew for each class that it is given."""
    wanted = history.events[0].workflow_execution_started_event_attributes.workflow_type.name
    [found] = [each for each in WORKFLOWS if workflow._Definition.must_from_class(each).name == wanted]
    return found


def test_every_story_has_its_history() -> None:
    assert [story.title for story in missing()] == [], "record them: python -m trial record"


def test_a_changed_page_no_longer_replays(tmp_path: Path) -> None:
    copy = tmp_path / "changed"
    for part in ("aftersale", "activities", "policies", "tests", "trial", "workflows"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("worker.py", "pyproject.toml"):
        shutil.copy(ROOT / file, copy)
    page = copy / "workflows" / "cases" / "procedures" / "return_goods.py"
    text = page.read_text(encoding="utf-8")
    longer = "await desk.enter(desk.case.state, received.at, Clock.ESCALATION)"
    changed = text.replace("await refund(desk,", f"{longer}\n    await desk.answer(object)\n    await refund(desk,")
    assert changed != text
    page.write_text(changed, encoding="utf-8")
    replay = [sys.executable, "-m", "pytest", "-q", "-k", "replays and T-1001", "tests/workflows/test_replay.py"]
    ran = subprocess.run(replay, cwd=copy, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout
    assert "Nondeterminism" in ran.stdout


def test_a_recorded_history_is_never_written_again() -> None:
    history = recorded()[0]
    file = HISTORIES / f"{history.workflow_id.removeprefix('case/')}.json"
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        keep(history, file)
    assert file.read_bytes() == before

"""Two answers of the house may reach a case in one activation or in two: what it does then must be the same."""

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from aftersale.plugin import plugin, sandbox
from trial.calendar import CalendarRunner
from trial.record import HISTORIES
from worker import WORKFLOWS

Told = dict[str, Any]
"""The result of a local activity as its marker tells it."""


def told(history: Told) -> Iterator[tuple[Told, Told]]:
    """The markers of local activities, and what they tell, in their order."""
    for event in history["events"]:
        marker = event.get("markerRecordedEventAttributes", {})
        if marker.get("markerName") == "core_local_activity":
            (payload,) = marker["details"]["data"]["payloads"]
            yield payload, json.loads(base64.b64decode(payload["data"]))


def together(history: Told) -> int:
    """Have each turn's answer arrive with that of the deadline asked after it; how many do now."""
    joined = 0
    for (_, first), (payload, second) in pairwise(list(told(history))):
        if first["activity_type"] == "quote" and second["activity_type"] == "record" and second["seq"] < first["seq"]:
            merged = {**second, "activation_index": first["activation_index"]}
            payload["data"] = base64.b64encode(json.dumps(merged, separators=(",", ":")).encode()).decode()
            joined += 1
    return joined


def of_two_answers() -> list[str]:
    """The recorded cases in which a turn was still being written while a deadline was asked for."""
    files = sorted(HISTORIES.glob("*.json"))
    return [file.stem for file in files if together(json.loads(file.read_text("utf-8")))]


@pytest.mark.parametrize("name", of_two_answers())
async def test_a_case_whose_answers_come_together_does_what_it_did_when_they_came_apart(name: str) -> None:
    history = json.loads((HISTORIES / f"{name}.json").read_text("utf-8"))
    together(history)
    started = history["events"][0]["workflowExecutionStartedEventAttributes"]
    replayer = Replayer(workflows=WORKFLOWS, plugins=[plugin(CalendarRunner(sandbox()))])
    await replayer.replay_workflow(WorkflowHistory.from_json(started["workflowId"], json.dumps(history)))


def test_some_recorded_cases_had_two_answers_at_once() -> None:
    assert {"T-1015", "H-2109"} <= {*of_two_answers()}

"""Count from its history what a workflow cost: noise-free, so a test can hold it."""

from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

LOCAL_ACTIVITY = "core_local_activity"
"""The name of the marker that holds a local activity's result."""

BILLED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
}
"""What counts as one action each on Temporal's price list; local activities count once per workflow task."""


class Cost(NamedTuple):
    """What a run cost: history events, bytes of history, workflow tasks, billable actions."""

    events: int
    size: int
    tasks: int
    actions: int


def cost(history: WorkflowHistory) -> Cost:
    """The cost of a finished run. Retried activities, queries and refused updates are not in its history."""
    kinds = [event.event_type for event in history.events]
    local = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY
    }
    return Cost(
        events=len(kinds),
        size=sum(_size(event) for event in history.events),
        tasks=kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
        actions=sum(kind in BILLED for kind in kinds) + len(local),
    )


def _size(event: HistoryEvent) -> int:
    return event.ByteSize()

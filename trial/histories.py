"""Record the histories of example cases, so that tomorrow's workflow code can be replayed against today's promise.

`python -m trial record` plays every story that has no history yet. A recorded history is never written again: where
one no longer replays, running cases would break too, and the code must say `workflow.patched`, or a decision record why
nothing had been released.
"""

import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path

from temporalio.client import WorkflowHistory

from aftersale.client import Cases
from aftersale.contract.commands import Actor, ShipBack
from aftersale.policy.load import default_book, default_root, load
from aftersale.policy.rollout import Step, workflow_id
from aftersale.times import parse_instant
from aftersale.vocabulary import CloseReason, Party
from trial.demo import CASES, Story, follow, prepare, stories
from trial.environment import Workplace, grounds
from trial.pricing import priced
from trial.watches import watch
from worker import DELIVERIES, MESSENGERS, worker

TESTS = Path(__file__).resolve().parents[1] / "tests"
STORIES = (CASES, TESTS / "stories")
HISTORIES = TESTS / "histories"
OF_MESSENGERS = HISTORIES / f"{DELIVERIES}.json"
OF_A_CORRECTION = HISTORIES / "correction.json"
OF_A_ROLLOUT = HISTORIES / "rollout.json"
OF_A_WATCH = HISTORIES / "watch.json"


def recorded(file: Path) -> WorkflowHistory:
    """Return a recorded history under its own id, which its first event tells."""
    text = file.read_text(encoding="utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def missing() -> list[Story]:
    """Return the stories whose history is not recorded yet."""
    return [story for folder in STORIES for story in stories(folder) if not _file(story).exists()]


async def record(wanted: list[Story]) -> None:
    """Play each story and keep its history; then those of the other workflows, where they are missing."""
    with tempfile.TemporaryDirectory() as files:
        async with grounds(Path(files)) as place:
            for story in wanted:
                if story.worth:
                    book = priced(load(default_root()), story.worth)
                    async with worker(place.client, place.settings, book) as hand, hand:
                        await _kept(place, story)
            async with worker(place.client, place.settings) as hand, hand:
                for story in wanted:
                    if not story.worth:
                        await _kept(place, story)
                if not OF_A_CORRECTION.exists():
                    keep(await _corrected(place), OF_A_CORRECTION)
                if not OF_A_ROLLOUT.exists():
                    keep(await _rolled_out(place), OF_A_ROLLOUT)
                if not OF_A_WATCH.exists():
                    keep(await _watched(place), OF_A_WATCH)
            if not OF_MESSENGERS.exists():
                keep(await _relieved(place), OF_MESSENGERS)


async def _kept(place: Workplace, story: Story) -> None:
    await prepare(place, story)
    live = await place.open(story.kind, story.request, story.opened_at)
    await follow(place, live, story)
    keep(await live.handle.fetch_history(), _file(story))


async def _corrected(place: Workplace) -> WorkflowHistory:
    """Return the history of a correction: a sending in time, reported after its case had closed."""
    story = next(story for story in stories(TESTS / "stories") if story.ends is CloseReason.NOT_SENT_BACK)
    given = {**story.request, "case_id": "H-late", "order_id": "O-H-late"}
    live = await place.open(story.kind, given, story.opened_at)
    await follow(place, live, story)
    buyer = Actor(party=Party.BUYER, id=given["buyer_ref"])
    sent = ShipBack(actor=buyer, carrier="sf", tracking_no="SF1", occurred_at=story.steps[-1].at - timedelta(days=1))
    await Cases(place.client).act("H-late", sent, request_id="late")
    return await place.client.get_workflow_handle("correction/H-late/late").fetch_history()


async def _rolled_out(place: Workplace) -> WorkflowHistory:
    """Return the history of a rollout of the book in use that was stopped and resumed; a case waits for it."""
    story = stories(CASES)[0]
    given = {**story.request, "case_id": "H-told", "order_id": "O-H-told"}
    await place.open(story.kind, given, story.opened_at)
    rollouts, revision = Cases(place.client).rollouts, default_book().revision
    with place.env.with_time_skipping_disabled():
        await rollouts.start(revision, rate=1, batch=1)
        while (found := await rollouts.progress(revision)).step is Step.WORKERS:
            await asyncio.sleep(0.05)
        if not found.step.is_end:
            await rollouts.stop(revision)
            await rollouts.start(revision, rate=100)
        await place.client.get_workflow_handle(workflow_id(revision)).result()
    return await place.client.get_workflow_handle(workflow_id(revision)).fetch_history()


async def _watched(place: Workplace) -> WorkflowHistory:
    """Return the history of a watch.

    Late with its pickup, which is told late, then true by a carrier's words about a hub.
    """
    line = {"order_line_id": "L1", "quantity": 1, "paid": {"amount_minor": 12900, "currency": "CNY"}}
    order = {"paid_at": "2024-02-02T00:00:00", "lines": [line]}
    given = {
        "shipment_id": "H-watch",
        "order_id": "O-H-watch",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "order": order,
    }
    live = await watch(place, given, parse_instant("2024-02-02T00:00:00"))
    await live.act("click", Party.MERCHANT, "M-7", carrier="sf", tracking_no="SF1")
    await live.until(parse_instant("2024-02-04T12:00:00"))
    await live.scan("SF1", "picked_up", parse_instant("2024-02-04T09:00:00"), "pickup")
    await live.scan("SF1", "failed", parse_instant("2024-02-04T11:00:00"), "hub", "到达【武汉转运中心】")
    await live.until(parse_instant("2024-02-06T00:00:00"))
    await live.handle.result()
    return await live.handle.fetch_history()


async def _relieved(place: Workplace) -> WorkflowHistory:
    """Return the history of the messengers once those of one worker have been relieved by those of another."""
    handle = place.client.get_workflow_handle(DELIVERIES)
    async with worker(place.client, place.settings) as hand, hand, asyncio.timeout(60):
        while True:
            history = await handle.fetch_history()
            ended = [event for event in history.events if event.HasField("activity_task_completed_event_attributes")]
            if len(ended) == MESSENGERS:
                return history
            await asyncio.sleep(0.1)


def keep(history: WorkflowHistory, file: Path) -> None:
    """Write a history down. Raises FileExistsError where one is recorded already."""
    with file.open("x", encoding="utf-8") as new:
        new.write(history.to_json() + "\n")


def main() -> int:
    """Record what is missing."""
    wanted = missing()
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(record(wanted))
    print(f"recorded {len(wanted)} histories; those that were there stay as they are")
    return 0


def _file(story: Story) -> Path:
    return HISTORIES / f"{story.request['case_id']}.json"

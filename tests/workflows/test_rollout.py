"""A published book reaches the cases that run: each once, none on an old book, and an operator can stop it anywhere."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from aftersale.errors import Refusal
from aftersale.policy.rollout import Step
from aftersale.records.database import engine, parse_url
from aftersale.temporal.plugin import TASK_QUEUE
from tests.support.books import notice
from tests.support.cases import all_of, approved, at, entries, entry, quiet, refusal, seen, told
from tests.support.drawing import NOW, turn
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn
from tests.support.platform_fixtures import client as http_client
from tests.support.rollouts import JUNE, OF_JUNE, Field, due, edition, field, held_up, idle, of_june, signals
from tests.support.shipments import paid
from trial.environment import Live

NEXT = 5
OLD, NEW = edition(NEXT - 1), edition(NEXT, of_june())
LATEST = edition(NEXT + 1, of_june("P21D"))

ORDINARY, MOVED, MOVED_AGAIN = "2024-06-10 10:00:00", "2024-06-17 10:00:00", "2024-06-24 10:00:00"


@pytest.fixture(name="place")
async def own_field(tmp_path: Path) -> AsyncIterator[Field]:
    async with field(tmp_path) as place:
        yield place


async def moved(live: Live, to: str) -> None:
    await seen(live, lambda status: due(status) == to)


async def test_a_rollout_moves_every_running_case_once_and_tells_its_party(place: Field) -> None:
    async with place.worked(OLD):
        lives = await place.returning(21)
    async with place.worked(NEW):
        first = await place.begun(NEXT, rate=200, batch=2)
        run = (await place.client.get_workflow_handle(f"rollout/{NEXT}").describe()).run_id
        found = await place.shown(NEXT, lambda found: found.step.is_end)
        assert (first.revision, found.step, found.told, found.missed) == (NEXT, Step.DONE, 21, ())
        assert (found.version, found.expected, found.workers) == (NEW.version, 21, 1)
        shown = await place.client.get_workflow_handle(f"rollout/{NEXT}").describe()
        assert shown.run_id != run, "it goes on in a new run when it has told so many"
        for live in lives:
            status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
            changed = entry(status, "DeadlineChanged")
            assert (changed.previous_due_at, changed.due_at) == (at(ORDINARY), at(MOVED))
            assert changed.says.endswith(f"policy book revision {NEXT} was published")
        async with http_client(place.platform_url) as http:
            message = await told(StandIn(place.platform_url, http), lives[-1], "buyer", "deadline_changed")
            assert "T1" in message["message"]
        again = await place.begun(NEXT)
        assert again == found, "a revision is rolled out once"
    assert await place.begun(NEXT) == found, "what is over is read as it ended, though nobody works any more"


async def test_nobody_is_told_while_one_worker_has_the_old_book(place: Field) -> None:
    async with place.worked(NEW):
        async with place.worked(OLD):
            [live] = await place.returning(1)
            await place.begun(NEXT)
            await held_up(place, NEXT, f"1 of 2 workers have an older policy book than revision {NEXT}: ")
            assert f"book-{NEXT - 1} {OLD.version}" in str(await place.held_up(NEXT))
            assert (await place.rollouts.progress(NEXT)).step is Step.WORKERS
            assert not await signals(live)
        assert (await place.shown(NEXT, lambda found: found.step.is_end)).told == 1
        await moved(live, MOVED)


async def test_a_number_that_no_worker_has_is_noticed_before_any_case_is_told_and_can_be_taken_back(
    place: Field,
) -> None:
    async with place.worked(NEW):
        [live] = await place.returning(1)
        await place.begun(99)
        await held_up(place, 99, f"no worker has revision 99 of the policy book, the newest that is seen is {NEXT}")
        stopped = await place.rollouts.stop(99)
        assert (stopped.step, stopped.paused) == (Step.WORKERS, True)
        async with asyncio.timeout(60):
            while (await place.client.get_workflow_handle("rollout/99").describe()).status is not _CANCELED:
                await asyncio.sleep(0.05)
        assert not await signals(live)
        assert (await place.begun(99)).paused is False, "a number that was taken back may be used one day"


async def test_stopped_it_tells_nobody_more_and_goes_on_from_there(place: Field) -> None:
    async with place.worked(OLD):
        lives = await place.returning(4)
    async with place.worked(NEW):
        await place.begun(NEXT, rate=2, batch=1)
        await place.shown(NEXT, lambda found: found.told)
        stopped = await place.rollouts.stop(NEXT)
        await idle(place, NEXT)
        standing = await place.rollouts.progress(NEXT)
        assert stopped.paused and 0 < standing.told <= stopped.told + 1 < 4
        reached = [live for live in lives if await signals(live)]
        assert len(reached) == standing.told
        found = await place.begun(NEXT, rate=200)
        assert (found.paused, found.pace.rate, found.pace.batch) == (False, 200, 1)
        assert (await place.shown(NEXT, lambda found: found.step.is_end)).told == 4
        await all_of(moved(live, MOVED) for live in lives)


async def test_too_many_errors_halt_it_and_what_was_missed_is_tried_again_first(place: Field) -> None:
    async with place.worked(NEW):
        with records_of(place) as kept:
            kept.turns.write([turn(f"A-{number}", 1) for number in range(3)], now=NOW)
        lives = await place.returning(2)
        await place.begun(NEXT, rate=200, batch=2, most_errors=1)
        halted = await place.shown(NEXT, lambda found: found.halted)
        assert halted.halted == "2 cases could not be told, and 1 errors are allowed; look into them, then resume"
        assert [missed.case_id for missed in halted.missed] == ["A-0", "A-1"]
        assert halted.missed[0].why.startswith("the records show it open, but Temporal does not run it")
        assert not any([await signals(live) for live in lives])
        with records_of(place) as kept:
            kept.turns.write([turn("A-0", 2, final=True)], now=NOW)
        await place.begun(NEXT, most_errors=2)
        found = await place.shown(NEXT, lambda found: found.step.is_end)
        assert (found.told, found.gone) == (2, 1), "one that has ended meanwhile is no error"
        assert [missed.case_id for missed in found.missed] == ["A-1", "A-2"]


async def test_a_later_revision_ends_an_earlier_rollout_and_every_case_is_on_the_later_one(place: Field) -> None:
    async with place.worked(OLD):
        lives = await place.returning(4)
    async with place.worked(LATEST):
        await place.begun(NEXT, rate=1, batch=1)
        await place.shown(NEXT, lambda found: found.told)
        await place.begun(NEXT + 1, rate=200)
        earlier = await place.shown(NEXT, lambda found: found.step.is_end)
        assert (earlier.step, earlier.superseded_by) == (Step.SUPERSEDED, NEXT + 1) and earlier.told < 4
        assert (await place.shown(NEXT + 1, lambda found: found.step.is_end)).told == 4
        await all_of(moved(live, MOVED_AGAIN) for live in lives)


async def test_an_earlier_revision_that_is_started_after_a_later_one_tells_nobody(place: Field) -> None:
    async with place.worked(LATEST):
        [live] = await place.returning(1)
        await place.rolled_out(NEXT + 1)
        earlier = await place.rolled_out(NEXT)
        assert (earlier.step, earlier.superseded_by, earlier.told) == (Step.SUPERSEDED, NEXT + 1, 0)
        assert await signals(live) == [NEXT + 1, NEXT + 1]


@pytest.mark.soak
async def test_a_stopped_rollout_ends_with_the_later_one(place: Field) -> None:
    async with place.worked(OLD):
        await place.returning(3)
    async with place.worked(LATEST):
        await place.begun(NEXT, rate=1, batch=1)
        await place.shown(NEXT, lambda found: found.told)
        await place.rollouts.stop(NEXT)
        await idle(place, NEXT)
        await place.rolled_out(NEXT + 1, rate=200)
        assert (await place.shown(NEXT, lambda found: found.step.is_end)).superseded_by == NEXT + 1
        assert "no rollout of revision 5 is under way" in str(await refusal(place.rollouts.stop(NEXT)))


async def test_a_case_that_an_old_worker_opens_behind_the_rollout_is_reached_in_the_end(place: Field) -> None:
    async with place.worked(OLD):
        await place.returning(3)
    async with place.worked(NEW):
        await place.begun(NEXT, rate=1, batch=1)
        await place.shown(NEXT, lambda found: found.told >= 2)
        await place.rollouts.stop(NEXT)
        await idle(place, NEXT)
    async with place.worked(OLD):
        behind = await approved(place, JUNE, case_id="A-1")
        await quiet(behind)
        assert due(await behind.status()) == ORDINARY
    async with place.worked(NEW):
        await place.begun(NEXT, rate=200)
        found = await place.shown(NEXT, lambda found: found.step.is_end)
        assert found.told == 3, "it lies before the place that the rollout had come to"
        await moved(behind, MOVED)


async def test_a_case_that_the_records_lost_is_found_where_it_runs(place: Field) -> None:
    async with place.worked(OLD):
        lives = await place.returning(3)
    lost = lives[1].handle.id.removeprefix("case/")
    with engine(parse_url(place.settings.records_url)).begin() as connection:
        for table in ("cases", "turns"):
            connection.execute(text(f"DELETE FROM {table} WHERE case_id = :id"), {"id": lost})
    async with place.worked(NEW):
        found = await place.rolled_out(NEXT, rate=200)
        assert (found.told, found.expected) == (3, 2)
        await all_of(moved(live, MOVED) for live in lives)


async def test_dispatch_watches_ask_the_new_book_as_cases_do(place: Field) -> None:
    rule = {"id": "T2", "clock": "dispatch", "key": "started", "window": "june", "effect": {"set": "P5D"}}
    longer = notice(rule, windows=OF_JUNE, announced=date(2024, 6, 3))
    async with place.worked(OLD):
        watch = await paid(place, JUNE)
        assert [view.due_at for view in (await watch.status()).deadlines] == [at("2024-06-05 10:00:00")]
    async with place.worked(edition(NEXT, longer)):
        assert (await place.rolled_out(NEXT, rate=200)).told == 1
        async with asyncio.timeout(60):
            while [view.due_at for view in (await watch.status()).deadlines] != [at("2024-06-08 10:00:00")]:
                await asyncio.sleep(0.05)


async def test_a_repealed_notice_moves_deadlines_back_and_leaves_a_day_where_they_have_passed(place: Field) -> None:
    repealed = of_june(status="repealed", repealed=date(2024, 6, 4))
    async with place.worked(NEW):
        early, late = await place.returning(2)
        assert due(await early.status()) == MOVED
        await early.until(at("2024-06-05 10:00:00"))
        await late.until(at("2024-06-12 10:00:00"))
    async with place.worked(edition(NEXT + 1, repealed)):
        assert (await place.rolled_out(NEXT + 1)).told == 2
        await moved(early, ORDINARY)
        status = await seen(late, lambda status: bool(entries(status, "DeadlineChanged")))
        changed = entry(status, "DeadlineChanged")
        assert (changed.previous_due_at, changed.due_at, changed.rules) == (at(MOVED), at(ORDINARY), ())
        assert status.next.respond_by == changed.recorded_at + timedelta(days=1)


async def test_an_order_that_cannot_be_read_ends_at_once_and_says_why(place: Field) -> None:
    async with place.worked(NEW):
        for id_, order, said in [
            ("rollout/7", {"revision": "seven"}, "revision"),
            ("rollout/7", {"revision": 8}, "start it as rollout/8"),
            ("rollout/7", {"revision": 7, "pace": {"rate": 1, "batch": 601}}, "takes more than ten minutes"),
        ]:
            with place.env.with_time_skipping_disabled():
                call = place.client.execute_workflow("PolicyRollout", order, id=id_, task_queue=TASK_QUEUE)
                with pytest.raises(WorkflowFailureError) as raised:
                    await asyncio.wait_for(call, 60)
            assert isinstance(raised.value.cause, ApplicationError) and said in raised.value.cause.message


async def test_a_pace_that_makes_no_sense_is_refused_and_the_rollout_goes_on_as_it_was(place: Field) -> None:
    async with place.worked(OLD):
        await place.begun(NEXT, rate=3)
        handle = place.client.get_workflow_handle(f"rollout/{NEXT}")
        with pytest.raises(Refusal) as refused:
            await place.rollouts._await_answer(NEXT, handle.execute_update("resume", {"rate": 0}))
        assert "rate" in str(refused.value)
        assert (await place.rollouts.progress(NEXT)).pace.rate == 3


_CANCELED = WorkflowExecutionStatus.CANCELED

"""A revision of the policy book is one book: two of one number reach no case."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aftersale.policy.rollout import Step
from tests.support.cases import all_of, refusal, seen
from tests.support.rollouts import Field, due, edition, field, held_up, idle, of_june, signals
from trial.environment import Live

NEXT = 5
NEW, OTHER = edition(NEXT, of_june()), edition(NEXT, of_june("P21D"))
MOVED = "2024-06-17 10:00:00"


@pytest.fixture(name="place")
async def own_field(tmp_path: Path) -> AsyncIterator[Field]:
    async with field(tmp_path) as place:
        yield place


async def moved(live: Live) -> None:
    await seen(live, lambda status: due(status) == MOVED)


async def test_another_book_under_the_same_revision_is_refused_and_starts_nothing_again(place: Field) -> None:
    async with place.worked(NEW):
        lives = await place.returning(3)
        await place.begun(NEXT, NEW.version, rate=2, batch=1)
        await place.shown(NEXT, lambda found: found.told)
        await place.rollouts.stop(NEXT)
        await idle(place, NEXT)
        stopped = await place.rollouts.progress(NEXT)
        refused = await refusal(place.begun(NEXT, OTHER.version, rate=7))
        assert refused.code == "idempotency_conflict"
        assert f"revision: {NEXT} (policy book {NEW.version}, not {OTHER.version}) was used before" in str(refused)
        assert await place.rollouts.progress(NEXT) == stopped, "it stands where it stood"
        found = await place.rolled_out(NEXT, version=NEW.version)
        assert (found.step, found.told) == (Step.DONE, 3)
        assert (await refusal(place.begun(NEXT, OTHER.version))).code == "idempotency_conflict"
        assert await place.begun(NEXT, NEW.version) == found
        await all_of(moved(live) for live in lives)


async def test_nobody_is_told_while_two_workers_have_different_books_of_one_revision(place: Field) -> None:
    async with place.worked(NEW):
        async with place.worked(OTHER):
            [live] = await place.returning(1)
            await place.begun(NEXT, NEW.version)
            await held_up(
                place, NEXT, f"1 of 2 workers have another policy book as revision {NEXT} than {NEW.version}: "
            )
            assert not await signals(live)
        assert (await place.shown(NEXT, lambda found: found.step.is_end)).version == NEW.version
        await moved(live)

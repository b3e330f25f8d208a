"""A published book reaches the cases that run: each once, none on an old book, and an operator can stop it anywhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aftersale.rollout import Step
from tests.cases import at, entries, entry, seen
from tests.rollouts import Field, edition, field, of_june

NEXT = 5
OLD, NEW = edition(NEXT - 1), edition(NEXT, of_june())


@pytest.fixture(name="place")
async def own_field(tmp_path: Path) -> AsyncIterator[Field]:
    async with field(tmp_path) as place:
        yield place


async def test_a_rollout_moves_every_running_case_once_and_says_how_it_went(place: Field) -> None:
    async with place.worked(OLD):
        lives = await place.returning(24)
    async with place.worked(NEW):
        found = await place.rolled_out(NEXT, rate=200, batch=10)
        assert (found.step, found.told, found.missed, found.version) == (Step.DONE, 24, (), NEW.version)
        for live in lives:
            status = await seen(live, lambda status: bool(entries(status, "DeadlineChanged")))
            changed = entry(status, "DeadlineChanged")
            assert (changed.previous_due_at, changed.due_at) == (at("2024-06-10 10:00:00"), at("2024-06-17 10:00:00"))
            assert changed.says.endswith(f"policy book revision {NEXT} was published")

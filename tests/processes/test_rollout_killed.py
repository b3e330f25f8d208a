"""A thousand open cases, and the only worker is killed twice while they are told: each is moved, and moved once."""

import asyncio
import shutil
import signal
from contextlib import AsyncExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aftersale.client import NoAnswer
from aftersale.contract.status import Status
from aftersale.policy.load import load
from aftersale.policy.rollout import Progress, Step
from tests.support.books import ROOT
from tests.support.cases import all_of, entries
from tests.support.market import Market, market
from tests.support.program import working

KILLS = 2
CASES = 1000


@pytest.mark.soak
async def test_a_worker_killed_twice_amid_a_rollout_leaves_no_case_behind_and_moves_none_twice(tmp_path: Path) -> None:
    new = next_book(tmp_path)
    revision = load(new).revision
    async with market(tmp_path, working=False) as place:
        ids = [f"C-{number}" for number in range(CASES)]
        async with working(place) as hand:
            await all_of(place.approved(case_id=case_id) for case_id in ids)
            assert await hand.told(signal.SIGTERM) == 0  # one that is killed counts as a worker for a while
        async with AsyncExitStack() as stack:
            for kill in range(KILLS):
                hand = await stack.enter_async_context(working(place, AFTERSALE_POLICIES=str(new)))
                await place.cases.rollouts.start(revision, rate=20, batch=25)
                await shown(place, revision, lambda found, mark=CASES * (kill + 1) // 4: found.told > mark)
                assert await hand.told(signal.SIGKILL) == -signal.SIGKILL
            await stack.enter_async_context(working(place, AFTERSALE_POLICIES=str(new)))
            found = await shown(place, revision, lambda found: found.step.is_end, within=600)
            assert (found.step, found.missed) == (Step.DONE, ()) and found.told == CASES
            statuses = await all_of(moved(place, case_id) for case_id in ids)
        for status in statuses:
            [changed] = entries(status, "DeadlineChanged")
            assert changed.due_at is not None and changed.previous_due_at is not None
            assert changed.due_at - changed.previous_due_at == timedelta(days=7)
        print(f"{CASES} cases told, {found.newcomers} of them twice; the worker was killed {KILLS} times")


def next_book(folder: Path) -> Path:
    """The book of the checkout with one more notice, announced today: buyers have a week more to send back."""
    root = Path(shutil.copytree(ROOT, folder / "next"))
    book, today = root / "book.toml", datetime.now(UTC).date()
    revision = load(ROOT).revision
    book.write_text(book.read_text("utf-8").replace(f"revision = {revision}", f"revision = {revision + 1}"), "utf-8")
    (root / "notices" / "of-today.toml").write_text(_notice(today - timedelta(days=1)), "utf-8")
    return root


def _notice(day: date) -> str:
    return f"""
id = "of-today"
title = {{ en = "a notice made for a test" }}
zone = "Asia/Shanghai"
tier = "notice"
announced = {day}
source = "made for a test"
[[window]]
id = "now"
from = {day}T00:00:00
[[rule]]
id = "T1"
says = "a week more"
clock = "buyer_return"
key = "started"
window = "now"
effect = {{ set = "P14D" }}
"""


async def shown(place: Market, revision: int, what: object, within: float = 300) -> Progress:
    """How far the rollout is once it shows what is looked for."""
    assert callable(what)
    async with asyncio.timeout(within):
        while True:
            with suppress(NoAnswer):  # nobody works just after a kill, and much is to be caught up with
                if what(found := await place.cases.rollouts.progress(revision)):
                    return found
            await asyncio.sleep(0.1)


async def moved(place: Market, case_id: str) -> Status:
    """The case once its deadline has moved."""
    async with asyncio.timeout(600):
        while True:
            with suppress(NoAnswer):
                if entries(status := await place.cases.status(case_id, live=True), "DeadlineChanged"):
                    return status
            await asyncio.sleep(0.2)

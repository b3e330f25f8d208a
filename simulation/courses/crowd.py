"""The course of a crowd: a dozen open returns, and a rollout that tells them of a published book, batch by batch."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

from aftersale.errors import Refusal
from aftersale.policy.rollout import Progress, Step
from aftersale.vocabulary import CaseKind
from simulation.courses import checks
from simulation.courses.course import PATIENCE, Course

MANY = 12
"""How many cases: more than one run of a rollout has batches of one."""


class CrowdCourse(Course):
    """Some returns that nobody answers, told of a new book by a rollout that may be stopped on the way."""

    async def opened(self) -> list[dict[str, Any]]:
        """Open them."""
        asked = [{**self.plan.asked, "case_id": f"C-{number}", "order_id": f"O-{number}"} for number in range(MANY)]
        for each in asked:
            await self.world.cases.open(CaseKind.RETURN, each)
        return asked

    async def told(self, random: Random) -> Progress:
        """Roll the next book out to them; an operator may stop the rollout for a while."""
        rollouts, revision = self.world.cases.rollouts, self.world.house.books[-1].revision
        self.world.publish(overlap=timedelta(minutes=2))
        self.say(f"a rollout of revision {revision} begins over {MANY} cases")
        await rollouts.start(revision, rate=100, batch=1)
        if random.randrange(2):
            await asyncio.sleep(random.choice([1, 4000]))
            self.say("an operator stops it for a while")
            try:
                await rollouts.stop(revision)
            except Refusal:
                self.say("  it is over already")
            await asyncio.sleep(3600)
            await self.settle()  # one that is being cancelled takes a resumption, and is cancelled all the same
            await rollouts.start(revision, rate=100, batch=1)
        until = self.world.loop.time() + 20 * PATIENCE.total_seconds()  # any of its batches may wait for a worker
        while not (progress := await rollouts.progress(revision)).step.is_end and self.world.loop.time() < until:
            await asyncio.sleep(4000)
        with checks.holding("a rollout tells every running case"):
            assert progress.step is Step.DONE and not progress.missed, progress
        return progress

    async def end(self, asked: list[dict[str, Any]]) -> None:
        """Let time pass until silence has ended them all."""
        newest = self.world.house.books[-1].version
        await self.settle()
        for _ in range(8):
            for each in asked:
                status = await self.world.cases.status(each["case_id"], live=True)
                checks.of_a_status(self.world, each, CaseKind.RETURN, status)
                with checks.holding("a rollout tells every running case"):
                    behind = [view.clock for view in status.deadlines if view.policy_version != newest]
                    assert not behind, f"{behind} of {status.case_id} follow an older book"
            await self.pass_to(self.now + timedelta(days=11))
        for each in asked:
            final = await self.world.cases.status(each["case_id"], live=True)
            checks.of_the_end(self.world, final, audited=False)
            checks.of_the_records(self.world, final)

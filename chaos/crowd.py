"""Callers side by side, each with one case or watch after the other, until calm; then all are brought to their end."""

import asyncio
from collections import Counter
from random import Random
from time import monotonic
from typing import Any

from temporalio.client import WorkflowExecution
from temporalio.service import RPCError

from aftersale.client import WORKFLOW_TYPES
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Status
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from chaos.caller import Over, Unanswered
from chaos.cases import CaseCaller
from chaos.watches import WatchCaller
from simulation.courses.plan import Plan, draw
from trial import watches
from trial.environment import Live, Workplace

AT_ONCE = 20
"""How many cases and watches are under way."""

ONLOOKERS = 4

BETWEEN_LOOKS = 0.15
"""How long an onlooker waits after a look, in seconds: a look that waited for a worker may come with a deadline."""

_AFTER_CALM = 180.0
"""How long, in seconds, a case may take to its end once nothing is disturbed any more."""

_KINDS = {name: kind for kind, name in WORKFLOW_TYPES.items()}

AnyCaller = CaseCaller | WatchCaller


class Crowd:
    """All callers. `callers` are those of every workflow so far, `kinds` what each case began as."""

    def __init__(self, place: Workplace, kept: Records, seed: int, tried: Counter[str]) -> None:
        """Open nothing yet."""
        self._place, self._kept, self._seed, self.tried = place, kept, seed, tried
        self.callers: dict[str, AnyCaller] = {}
        self.kinds: dict[str, CaseKind] = {}
        self.troubles: list[str] = []
        self.calm = asyncio.Event()
        self._calm_since = 0.0
        self._opened = 0
        self._under_way: set[str] = set()
        self._bought: list[dict[str, Any]] = []

    async def live(self) -> None:
        """Have callers at work until calm, and those that are under way then come to their end."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(AT_ONCE):
                callers.create_task(self._one_after_the_other())
            for number in range(ONLOOKERS):
                callers.create_task(self._look_on(Random(number)))

    def be_calm(self) -> None:
        """Open nothing more."""
        self._calm_since = monotonic()
        self.calm.set()

    async def end_others(self) -> None:
        """Bring to their end the claims that opened by themselves."""
        running = "ExecutionStatus = 'Running' AND WorkflowType = 'Claim'"
        found = [each async for each in self._place.client.list_workflows(running) if each.id not in self.callers]
        self._calm_since = monotonic()
        claimants = [await self._claimant(each) for each in found]
        await asyncio.gather(*map(self._end, claimants))

    async def _one_after_the_other(self) -> None:
        while not self.calm.is_set():
            self._opened += 1
            seed = self._seed * 10_000 + self._opened
            try:
                await self._one(draw(seed), Random(seed), str(self._opened))
            except Exception as error:
                status = f" ({error.status.name})" if isinstance(error, RPCError) else ""
                self.troubles.append(f"of the {self._opened} opened so far one hears{status} {error!r}")

    async def _look_on(self, chance: Random) -> None:
        """Look at one case or watch after the other that is under way, with never a pause."""
        while not self.calm.is_set():
            if self._under_way:
                await self.callers[chance.choice(sorted(self._under_way))].glance()
            await asyncio.sleep(BETWEEN_LOOKS)

    async def _one(self, plan: Plan, chance: Random, name: str) -> None:
        """Open what a plan says, take its steps, and bring it to its end."""
        caller = await (self._watch if plan.subject == "watch" else self._case)(plan, chance, name)
        self._under_way.add(caller.live.handle.id)
        try:
            await caller.open()
            for step in plan.steps:
                if self.calm.is_set() or not await caller.take(step.sort):
                    break
        except Over:
            pass
        except Unanswered:
            self.tried["calls given up"] += 1
        await self._end(caller)
        self._under_way.discard(caller.live.handle.id)

    async def _end(self, caller: AnyCaller) -> None:
        """Bring it to its end. What does not end in time is left, for the checker to find."""
        while not self.calm.is_set() or monotonic() < self._calm_since + _AFTER_CALM:
            try:
                if not await caller.onward():
                    return
            except Over:
                await asyncio.sleep(0.1)
            except Unanswered:
                self.tried["calls given up"] += 1

    async def _case(self, plan: Plan, chance: Random, name: str) -> CaseCaller:
        asked = {**plan.asked, "case_id": f"C-{name}", "order_id": f"O-{name}"}
        if self._bought and chance.randrange(8) == 0 and plan.kind is not CaseKind.CLAIM:
            bought = chance.choice(self._bought)  # another case on an order, which may have no room for it
            asked |= {each: bought[each] for each in ("order_id", "order", "items")}
        elif plan.kind is not CaseKind.CLAIM:
            self._bought.append(asked)
        live = await self._place.start(plan.kind, asked, plan.begins)
        self.tried[f"kind {plan.kind}"] += 1
        return self._known(plan.kind, CaseCaller(live, chance, self.tried, asked, self._kept))

    async def _watch(self, plan: Plan, chance: Random, name: str) -> WatchCaller:
        asked = {**plan.asked, "shipment_id": f"S-{name}", "order_id": f"O-{name}"}
        live = await watches.start(self._place, asked, plan.begins)
        self.tried["kind watch"] += 1
        caller = self.callers[live.handle.id] = WatchCaller(live, chance, self.tried)
        return caller

    async def _claimant(self, opened: WorkflowExecution) -> CaseCaller:
        """Return who speaks to a claim that opened by itself."""
        client = self._place.client
        handle = client.get_workflow_handle(opened.id, result_type=Status)
        first = await anext(handle.fetch_history_events(page_size=1))
        payloads = first.workflow_execution_started_event_attributes.input.payloads
        (request,) = await client.data_converter.decode(payloads, [CaseRequest])
        asked = request.model_dump(mode="json", exclude_unset=True)
        self.tried["kind claim, opened by itself"] += 1
        chance = Random(self._seed)
        live = Live(self._place.env, handle)
        return self._known(CaseKind.CLAIM, CaseCaller(live, chance, self.tried, asked, self._kept))

    def _known(self, kind: CaseKind, caller: CaseCaller) -> CaseCaller:
        self.callers[caller.live.handle.id], self.kinds[caller.live.handle.id] = caller, kind
        return caller


def kind_of(workflow_type: str) -> CaseKind | None:
    """Return the kind of case that a workflow type is for; None for what is no case."""
    return _KINDS.get(workflow_type)

"""The desk of a dispatch watch: it asks for deadlines, waits, and passes on what it found.

Handlers note acts and scans on the watch and wake it; only the desk draws conclusions, always in the same order:
words are read, deadlines asked, then what was met in time stops and what ran out is a violation.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from temporalio import workflow

from aftersale.contract.request import CaseRequest
from aftersale.guarantees.claims import Filed
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.vocabulary import Clock, Party, WatchEnd
from aftersale.watch.claim import late_dispatch
from aftersale.watch.messages import finding_of
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import Check, Violation
from aftersale.watch.watch import Watch, summary
from workflows import outside
from workflows.entity_desk import EntityDesk
from workflows.present import Present


class WatchDesk(EntityDesk):
    """The working place of one watch."""

    def __init__(self, request: WatchRequest, present: Present) -> None:
        self.watch = Watch(request, present.now)
        super().__init__(present, self.watch)
        self._to_tell: deque[Violation] = deque()
        self._passing_on: asyncio.Task[None] | None = None

    # What the workflow does

    async def keep(self) -> None:
        """Watch until nothing more can be learned, and everything is passed on."""
        while (end := await self._look()) is None or not self._all_told:
            self._settle()
            await workflow.wait_condition(lambda: not self.settled)
        self.watch.finish(end, self.now)
        self._stop_clocks()
        self._show()

    # How it works

    async def _look(self) -> WatchEnd | None:
        """Draw every conclusion that can be drawn now; why the watch is over, or None where it waits on."""
        while not self._stopped:
            watch = self.watch
            if watch.unread:
                await self._read()
            elif asked := watch.questions(self.now):
                await self._ask(asked)
            else:
                self._pass_on(watch.settle(self.present.second))
                return watch.over(self.present.second)
        return WatchEnd.STOPPED

    async def _read(self) -> None:
        scans = list(self.watch.unread)
        found = await outside.hubs([scan.text or "" for scan in scans])
        self.watch.read(scans, [scan for scan, is_hub in zip(scans, found, strict=True) if is_hub])

    async def _ask(self, asked: Mapping[Check, Question]) -> None:
        revision, learned_at = self.revisions.newest, self.now
        deadlines = await outside.quote(list(asked.values()), revision, self.revisions)
        if deadlines is not None and revision == self.revisions.newest:
            self.revisions.note_answer(revision)
            self._answer(asked, deadlines, "what is known of the shipment has changed", learned_at)

    async def _ask_newer_book(self) -> None:
        asked: dict[Check, Question] = {}
        revision = -1
        while revision < self.revisions.newest or self.watch.questions_again(self.now).keys() - asked.keys():
            revision, asked, learned_at = self.revisions.newest, self.watch.questions_again(self.now), self.now
            if not asked:
                break
            deadlines = await outside.quote_from_newer_book(list(asked.values()), revision, self.revisions)
            if deadlines is None:
                revision = self.revisions.last_answered
                continue
            self.revisions.note_answer(revision)
            self._answer(asked, deadlines, f"policy book revision {revision} was published", learned_at)
        self.wake()

    def _answer(
        self, asked: Mapping[Check, Question], deadlines: list[Deadline], why: str, learned_at: datetime
    ) -> None:
        self.watch.answer(list(zip(asked.items(), deadlines, strict=True)), why, learned_at, self.now)

    def _settle(self) -> None:
        """Nothing is to be concluded now: operators see how the watch stands, and one timer runs to its next wake."""
        wake = self.watch.next_wake(self.present.second)
        if wake is None:
            self._timer.set(None, None, "")
        else:
            at, check, running = wake
            late = f"late facts about {check.words}"
            self._timer.set(at, (check, running is None), summary(check, running) if running else late)
        self.watch.quotas.note_history(workflow.info().get_current_history_size())
        self._show()
        self.settled = True

    def _show(self) -> None:
        self._visibility.show_watch(self.watch.status)

    # What is passed on, in order, beside the watch

    @property
    def _all_told(self) -> bool:
        return not self._to_tell and (self._passing_on is None or self._passing_on.done())

    def _pass_on(self, violations: list[Violation]) -> None:
        self._to_tell.extend(violations)
        if self._to_tell and (self._passing_on is None or self._passing_on.done()):
            self._passing_on = asyncio.create_task(self._tell())
            self._passing_on.add_done_callback(lambda _: self.wake())

    async def _tell(self) -> None:
        """Have violations kept and told; a late dispatch opens a claim where the policy prices one."""
        while self._to_tell:
            violation = self._to_tell.popleft()
            if violation.cleared_at is not None:
                await outside.keep_violation(finding_of(self.watch.violations[violation.check]))
                continue
            stands = self.watch.violations[violation.check].cleared_at is None
            claim = await self._price_claim() if stands and violation.clock is Clock.DISPATCH else None
            claim_id = self.watch.claim(violation.check, claim.case_id) if claim else None
            await outside.keep_violation(finding_of(violation.model_copy(update={"claim_case_id": claim_id})))
            if claim is not None:
                await outside.open_claim(claim)
                says = f"late dispatch claim {claim.case_id} was opened; it shows what becomes of it"
                self.watch.note("ClaimOpened", says, Party.SYSTEM, self.now, self.now)

    async def _price_claim(self) -> CaseRequest | None:
        filed_at = self.now
        return await outside.price_claim(
            Filed(request=late_dispatch(self.watch.shipment, filed_at), applied_at=filed_at)
        )

"""A published policy book reaches the cases that run: batch by batch, once for each revision."""

import asyncio
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from aftersale.contract.commands import read
from aftersale.contract.idempotency import conflict
from aftersale.contract.markdown import escape
from aftersale.contract.publication import PolicyPublished
from aftersale.errors import BadInput
from aftersale.policy.rollout import (
    POLICY_ROLLOUT,
    Batch,
    Pace,
    Progress,
    RolloutInput,
    Step,
    is_other_book,
    lines,
    workflow_id,
)
from workflows import outside
from workflows.refusals import failing_updates
from workflows.visibility import POLICY

BATCHES = 10
"""How many batches one run has: a rollout over very many cases goes on in new ones."""


@workflow.defn(name=POLICY_ROLLOUT)
class PolicyRollout:
    """Tells the running cases of one revision, at a pace, and can be stopped and resumed."""

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Read the order; what is wrong with it ends the rollout before it begins."""
        self._fault = ""
        self._batches = 0
        self._now = Progress(revision=1)
        try:
            order = read(RolloutInput, given[0] if len(given) == 1 else None, "order")
        except BadInput as error:
            self._fault = str(error)
            return
        self._now = order.so_far or Progress(revision=order.revision, version=order.version, pace=order.pace)
        if workflow.info().workflow_id != workflow_id(order.revision):
            self._fault = f"revision: does not fit the workflow id; start it as {workflow_id(order.revision)}"

    @workflow.run
    async def run(self, *given: Any) -> Progress:
        """Roll the revision out; the result is how it went.

        1. Every worker that can be seen has the book: until then no case is told.
        2. The cases that the records know are told, in the order of their ids.
        3. Every worker still has the book.
        4. Cases that the records do not know are told, and those that came while others were told.
        5. What failed is tried once more.

        Too many errors halt it where it is, and an operator may stop it there; `resume` goes on from that place. A
        later revision's rollout ends it.
        """
        if self._fault:
            raise ApplicationError(self._fault, type="bad_input", non_retryable=True)
        self._change()
        while not self._now.step.is_end:
            await workflow.wait_condition(lambda: not self._now.waits or self._now.step.is_end)
            if self._batches >= BATCHES:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(RolloutInput(revision=self._now.revision, so_far=self._now))
            await self._go_on()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._now

    # What operators may send

    @workflow.update(description="tell no further case until it is resumed; the batch in hand is finished")
    def pause(self) -> Progress:
        """Stop at this place."""
        self._change(paused=True)
        return self._now

    @workflow.update(description="go on from the place where it stopped, at another pace if one is given")
    def resume(self, given: Any = None) -> Progress:
        """Go on; what was missed before a halt is tried again first. Another `version` of the book is refused."""
        retrying = self._now.retrying or self._now.halted is not None
        self._change(pace=self._paced(given), paused=False, halted=None, retrying=retrying)
        return self._now

    @resume.validator
    def _check_pace(self, given: Any = None) -> None:
        self._paced(given)

    @workflow.signal(name="superseded", description="a later revision is rolled out")
    def supersede(self, given: Any = None) -> None:
        """End, where the revision is a later one; a signal that says nothing readable changes nothing."""
        with suppress(BadInput):
            later = read(PolicyPublished, given, "signal").revision
            if later > self._now.revision:
                self._change(step=Step.SUPERSEDED, superseded_by=later)

    @workflow.query(description="how far it has come")
    def progress(self) -> Progress:
        """Say how far the rollout has come."""
        return self._now

    # How it goes on

    async def _go_on(self) -> None:
        match self._now.step:
            case Step.WORKERS | Step.WORKERS_AGAIN:
                await self._survey()
            case Step.RECORDS | Step.STRAYS | Step.NEWCOMERS | Step.MISSED:
                await self._tell()
            case Step.DONE | Step.SUPERSEDED:
                pass

    async def _survey(self) -> None:
        """Wait for the workers, unless somebody stops the rollout meanwhile."""
        first = self._now.step is Step.WORKERS
        survey = asyncio.create_task(outside.survey_workers(self._now.revision, self._now.version))
        await workflow.wait_condition(lambda: survey.done() or self._now.waits or self._now.step.is_end)
        if not survey.done():
            survey.cancel()
            with suppress(ActivityError, asyncio.CancelledError):
                await survey
            return
        found = survey.result()
        if first:
            self._change(version=found.version, began_at=found.at, expected=found.open_cases)
            workflow.upsert_search_attributes([POLICY.value_set(found.version)])
            await outside.supersede_rollouts(self._now.revision)
        self._advance(workers=found.workers)

    async def _tell(self) -> None:
        """Tell one batch: what was missed, where that is to be tried again, else the next cases of the step."""
        was = self._now
        again = tuple(each.case_id for each in was.missed) if was.retrying or was.step is Step.MISSED else ()
        if was.step is Step.MISSED and not again:
            self._advance()
            return
        self._batches += 1
        told = await outside.tell_cases(
            Batch(
                revision=was.revision,
                step=was.step,
                rate=was.pace.rate,
                size=was.pace.batch,
                after=was.after,
                since=was.began_at,
                again=again,
            )
        )
        if told.superseded_by is not None:
            self._change(step=Step.SUPERSEDED, superseded_by=told.superseded_by)
            return
        missed = told.missed if again else (*was.missed, *told.missed)
        count = "newcomers" if was.step is Step.NEWCOMERS else "told"
        counted = {count: getattr(was, count) + told.told, "gone": was.gone + told.gone}
        self._change(**counted, missed=missed, retrying=False)
        if was.step is Step.MISSED or (not again and told.after is None):
            self._advance()
        elif not again:
            self._change(after=told.after)
        self._halt_on_errors()

    def _halt_on_errors(self) -> None:
        most, missed = self._now.pace.most_errors, len(self._now.missed)
        if missed > most and not self._now.step.is_end:
            why = f"{missed} cases could not be told, and {most} errors are allowed; look into them, then resume"
            self._change(halted=why)

    def _advance(self, **found: Any) -> None:
        """Come to the next step, unless a later revision has ended the rollout meanwhile."""
        step = self._now.step
        self._change(step=step.following, after="", **found)

    def _change(self, **changes: Any) -> None:
        self._now = self._now.model_copy(update=changes)
        workflow.set_current_details("\n".join(f"- {escape(line)}" for line in lines(self._now)))

    def _paced(self, given: Any) -> Pace:
        wanted = {} if given is None else given
        with failing_updates():
            if not isinstance(wanted, dict):
                return read(Pace, wanted, "payload")
            version, own = wanted.get("version"), self._now.version
            if is_other_book(version, own):
                raise BadInput([conflict("revision", f"{self._now.revision} (policy book {own}, not {version})")])
            asked = {name: value for name, value in wanted.items() if name != "version"}
            return read(Pace, {**self._now.pace.model_dump(), **asked}, "payload")

"""Workflows that a case is measured against: one that does nothing, and the bare messages of a return."""

from contextlib import suppress
from datetime import timedelta

from temporalio import activity, workflow

QUEUE = "bench"

LIMIT = timedelta(days=2)


@activity.defn
async def bench_pay(case_id: str) -> str:
    """Pay nobody."""
    return f"paid {case_id}"


@workflow.defn
class Bare:
    """Starts and ends."""

    @workflow.run
    async def run(self, case_id: str) -> str:
        """End at once."""
        return case_id


@workflow.defn
class Skeleton:
    """The messages of a happy return and nothing else: no policy, no judgement, no status, no record, nobody told."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._heard: list[str] = []

    @workflow.run
    async def run(self, case_id: str) -> str:
        """A timer for each stage, then one payment."""
        for stage in ("approve", "ship_back", "signed_for", "confirm_receipt"):
            await self._until(stage)
        paid = await workflow.execute_activity(bench_pay, case_id, start_to_close_timeout=LIMIT)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return paid

    async def _until(self, stage: str) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: stage in self._heard, timeout=LIMIT)

    @workflow.update
    def open(self, given: dict[str, str]) -> str:
        """Begin."""
        return self._hear("open")

    @workflow.update
    def approve(self, given: dict[str, str]) -> str:
        """The merchant agrees."""
        return self._hear("approve")

    @workflow.update
    def ship_back(self, given: dict[str, str]) -> str:
        """The buyer sends the goods back."""
        return self._hear("ship_back")

    @workflow.signal
    def parcel_event(self, given: dict[str, str]) -> None:
        """The carrier's sign-off."""
        self._hear("signed_for")

    @workflow.update
    def confirm_receipt(self, given: dict[str, str]) -> str:
        """The merchant takes the goods in."""
        return self._hear("confirm_receipt")

    def _hear(self, what: str) -> str:
        self._heard.append(what)
        return what

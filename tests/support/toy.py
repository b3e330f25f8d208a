"""A small workflow with everything a case has: a clock, a local activity, an update, and an end."""

from datetime import datetime, timedelta

from temporalio import activity, workflow

TASK_QUEUE = "toy"


@activity.defn
async def days_allowed(days: list[float]) -> list[float]:
    """Stand for a quote: the days come back as they are."""
    return days


@workflow.defn
class Toy:
    """Notes the instant at which it began and at which each clock ran out, until somebody finishes it."""

    def __init__(self) -> None:
        self.finished = False
        self.noted: list[str] = []

    @workflow.run
    async def run(self, days: list[float]) -> list[str]:
        """Run clocks of so many days one after another."""
        self._note()
        allowed = await workflow.execute_local_activity(days_allowed, days, start_to_close_timeout=timedelta(seconds=5))
        for number in allowed:
            try:
                await workflow.wait_condition(lambda: self.finished, timeout=timedelta(days=number))
                break
            except TimeoutError:
                self._note()
        return self.noted

    @workflow.update
    async def finish(self) -> str:
        """End the workflow and answer the instant."""
        self.finished = True
        return workflow.now().isoformat()

    @workflow.update
    async def tell_time(self) -> str:
        """Answer the instant at which the update is taken in."""
        return workflow.now().isoformat()

    @workflow.query
    def noted_so_far(self) -> list[str]:
        """What has been noted."""
        return self.noted

    @workflow.query
    def began(self) -> list[datetime]:
        """The start times the workflow is told, of its run and of itself."""
        return [workflow.info().start_time, workflow.info().workflow_start_time]

    def _note(self) -> None:
        self.noted.append(workflow.now().isoformat())

"""A workflow that logs."""

from temporalio import workflow


@workflow.defn
class Diary:
    """Logs a line in each of two tasks, the second of which replays the first where nothing is cached."""

    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("first")
        await workflow.sleep(0.01)
        workflow.logger.info("second")

"""Reconciliations as the schedule of a namespace starts them, and as an operator does by hand."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy

from aftersale.client.calls import PATIENCE, await_server
from aftersale.errors import NoAnswer
from aftersale.reconciliation.discrepancies import RECONCILIATION, RECONCILIATION_ID, Reconciled
from aftersale.temporal.plugin import TASK_QUEUE

EVERY = timedelta(hours=1)
"""How often is reconciled, unless an operator changes the schedule."""

_SUMMARY = "holds records, outbox and ledger against Temporal and the payment service"


class Reconciliations:
    """The reconciliations of one Temporal namespace."""

    def __init__(self, client: Client, timeout: timedelta = PATIENCE) -> None:
        """Use a connected client; `timeout` bounds every call but the wait for a result."""
        self._client, self._timeout = client, timeout

    async def schedule(self) -> bool:
        """Have it reconciled again and again; False where that is so already, however an operator has changed it.

        Raises NoAnswer, ServiceFault.
        """
        start = ScheduleActionStartWorkflow(
            RECONCILIATION, id=RECONCILIATION_ID, task_queue=TASK_QUEUE, static_summary=_SUMMARY
        )
        wanted = Schedule(
            action=start,
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=EVERY),
        )
        try:
            await await_server(self._client.create_schedule(RECONCILIATION_ID, wanted), self._timeout)
        except ScheduleAlreadyRunningError:
            return False
        return True

    async def run(self, patience: timedelta) -> Reconciled:
        """Reconcile now, or wait for the one that was started by hand and still runs, and say what it came to.

        Raises NoAnswer where it is not done within `patience`, ServiceFault.
        """
        starting = self._client.start_workflow(
            RECONCILIATION,
            id=RECONCILIATION_ID,
            task_queue=TASK_QUEUE,
            result_type=Reconciled,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=_SUMMARY,
        )
        handle: WorkflowHandle[object, Reconciled] = await await_server(starting, self._timeout)
        try:
            return await await_server(handle.result(), patience)
        except WorkflowFailureError as error:
            raise NoAnswer(f"the reconciliation ended without a result ({error.cause}); start it again") from error

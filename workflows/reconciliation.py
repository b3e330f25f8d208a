"""Reconciliation: what Temporal, records, outbox, ledger and payment service say is held against one another (对账)."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from aftersale.reconciliation.discrepancies import RECONCILIATION, Reconciled, ReconciliationPart
from workflows import outside


@workflow.defn(name=RECONCILIATION)
class Reconciliation:
    """Reconciles once; a schedule starts it again and again, `aftersale reconcile` by hand."""

    @workflow.run
    async def run(self) -> Reconciled:
        """Look at every part; one that cannot be looked at now does not keep the others from it.

        1. The records' open cases against what Temporal runs; what it ended is closed.
        2. The outbox against its pace.
        3. The ledger against itself, and instructions whose case is over.
        4. The ledger against the payment service's statement.
        """
        sum_ = Reconciled()
        for part in ReconciliationPart:
            try:
                sum_ = sum_.plus(await outside.reconcile(part))
            except ActivityError as error:
                sum_ = sum_.plus(Reconciled(unanswered={part: str(error.cause)}))
            workflow.set_current_details(_told(sum_))
        return sum_


def _told(sum_: Reconciled) -> str:
    """Return what was found, for the Temporal UI."""
    found = f"{sum_.found} discrepancies, {sum_.new} of them new; {sum_.closed} cases were closed"
    return "\n".join([found, *(f"- {part} could not be looked at" for part in sum_.unanswered)])

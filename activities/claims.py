"""Open claims that a breach brings with it: each at most once, whoever asks and however often."""

from temporalio import activity
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from aftersale.case.ui import summary
from aftersale.contract.request import WORKFLOW_TYPES, CaseRequest
from aftersale.vocabulary import CaseKind


class Openings:
    """The way in to new claims, for workflows."""

    @activity.defn(name="open_claim")
    async def open_claim(self, request: CaseRequest) -> bool:
        """Open a claim that lives on its own, unless one was opened under its id before; whether it was opened now."""
        try:
            await activity.client().start_workflow(
                WORKFLOW_TYPES[CaseKind.CLAIM],
                request,
                id=request.workflow_id,
                task_queue=activity.info().task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=summary(CaseKind.CLAIM, request),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

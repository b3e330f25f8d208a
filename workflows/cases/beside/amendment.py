"""Put another request in the place of the case's own."""

from temporalio import workflow

from aftersale.case.amendment import amendment
from aftersale.contract.commands import Amend
from workflows import outside
from workflows.cases.desk import Desk


async def amend(desk: Desk, act: Amend) -> bool:
    """Put another request in the place of the case's own, if it may be made; the buyer hears why it may not."""
    wanted = amendment(desk.case, act, now=desk.now, owner=workflow.info().first_execution_run_id)
    problems = await outside.admit(wanted)
    if problems:
        desk.case.refuse_amendment(problems, wanted.applied_at, desk.now)
    else:
        desk.case.amend(wanted)
    return not problems

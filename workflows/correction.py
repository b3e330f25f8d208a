"""Correction: what arrives for a case that is over is written to its record, and the platform is told (R15)."""

from typing import Any

from temporalio import workflow

from aftersale.case.corrections import CorrectionTaken, LateFact
from aftersale.contract.commands import read
from aftersale.contract.markdown import escape
from aftersale.errors import BadInput, Problem
from workflows import outside


@workflow.defn
class Correction:
    """Takes one late fact of one case, once."""

    @workflow.run
    async def run(self, *given: Any) -> CorrectionTaken:
        """Write it to the case's record; the answer is the line that was written, or why none was."""
        try:
            fact = read(LateFact, given[0] if len(given) == 1 else None, "fact")
        except BadInput as error:
            return CorrectionTaken(problems=error.problems)
        if workflow.info().workflow_id != fact.workflow_id:
            wanted = f"does not fit the workflow id; start the workflow as {fact.workflow_id}"
            return CorrectionTaken(problems=(Problem(field="event_id", message=wanted),))
        taken = await outside.correct(fact)
        workflow.set_current_details(_told(taken))
        return taken


def _told(taken: CorrectionTaken) -> str:
    """Return what became of the fact, for the Temporal UI."""
    if taken.entry is not None:
        return f"written to the record, and the platform is told: {escape(taken.entry.says)}"
    return f"not taken: {escape('; '.join(map(str, taken.problems)))}"

"""FreightClaim: the insurer is asked for what a return cost, beside the case and after it (运费险)."""

from temporalio import workflow

from aftersale.contract.markdown import escape
from aftersale.guarantees.freight_insurance import FreightClaimInput as Filed
from aftersale.guarantees.freight_insurance import InsurerAnswer
from workflows import outside


@workflow.defn
class FreightClaim:
    """Asks until the insurer has decided, and writes that into the record of the case."""

    @workflow.run
    async def run(self, claim: Filed) -> InsurerAnswer:
        """Return the insurer's decision."""
        answer = await outside.insure(claim)
        workflow.set_current_details(escape(answer.words))
        await outside.note_insurance(claim, answer)
        return answer

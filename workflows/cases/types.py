"""The workflow types: each begins a case as its own kind; which procedure is worked is for the case to say."""

from typing import Any

from temporalio import workflow

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind
from workflows.cases.procedures.claim import claim
from workflows.cases.procedures.exchange import exchange
from workflows.cases.procedures.refund import refund_only
from workflows.cases.procedures.repair import repair
from workflows.cases.procedures.reship import reship
from workflows.cases.procedures.return_goods import return_goods
from workflows.cases.workflow import CaseWorkflow, Procedure


def procedure_of(kind: CaseKind) -> Procedure:
    """Return the procedure by which a case of that kind is worked."""
    match kind:
        case CaseKind.REFUND:
            return refund_only
        case CaseKind.RETURN:
            return return_goods
        case CaseKind.EXCHANGE:
            return exchange
        case CaseKind.RESHIP:
            return reship
        case CaseKind.REPAIR:
            return repair
        case CaseKind.CLAIM:
            return claim


@workflow.defn
class Refund(CaseWorkflow):
    """The money goes back; the goods stay."""

    kind = CaseKind.REFUND

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))


@workflow.defn
class Return(CaseWorkflow):
    """The goods come back, then the money goes back."""

    kind = CaseKind.RETURN

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))


@workflow.defn
class Exchange(CaseWorkflow):
    """The goods come back, and others go out."""

    kind = CaseKind.EXCHANGE

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))


@workflow.defn
class Reship(CaseWorkflow):
    """What was missing is sent."""

    kind = CaseKind.RESHIP

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))


@workflow.defn
class Repair(CaseWorkflow):
    """The goods come back, and go out repaired."""

    kind = CaseKind.REPAIR

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))


@workflow.defn
class Claim(CaseWorkflow):
    """What a guarantee promises is asked for, decided on, and paid."""

    kind = CaseKind.CLAIM

    @workflow.run
    async def run(self, *given: Any) -> Status:
        """Work the case to its end; the result is its record."""
        return await self.work(self.follow(procedure_of))

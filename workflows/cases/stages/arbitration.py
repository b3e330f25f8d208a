"""The platform hears both sides and rules (平台介入)."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import Rule, Withdraw
from aftersale.vocabulary import Clock, Ruling, State
from workflows.cases.answers import Withdrawn
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Ruled:
    """An officer has decided."""

    at: datetime
    outcome: Ruling


async def arbitration(desk: Desk, escalated_at: datetime) -> Ruled | Withdrawn:
    """Wait for evidence, then for the ruling, which may come at any time. No silence rules: the platform is alerted."""
    await desk.enter(State.IN_ARBITRATION, escalated_at, Clock.ARBITRATION_EVIDENCE)
    heard = await desk.answer(Rule, Withdraw)
    if isinstance(heard, Lapse):
        await desk.replace(Clock.ARBITRATION_RULING, desk.at(heard))
        heard = await desk.hear_out(Rule, Withdraw)
    match heard:
        case Rule(outcome=outcome):
            desk.case.rule(heard)
            return Ruled(desk.at(heard), outcome)
        case Withdraw():
            return Withdrawn()

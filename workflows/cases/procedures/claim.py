"""Guarantee claim (保障赔付)."""

from datetime import datetime

from aftersale.contract.status import Closed, Completed, Ending
from aftersale.vocabulary import Clock, CloseReason, Outcome
from workflows.cases.answers import ChangeKind, Withdrawn
from workflows.cases.desk import Desk
from workflows.cases.phases.goods_back import goods_back
from workflows.cases.stages.claim_review import Granted, NotGranted, merchant_decision, platform_decision
from workflows.cases.stages.merchant_receipt import Received
from workflows.cases.stages.refund import refund


async def claim(desk: Desk) -> Ending | ChangeKind:
    """Work a claim: what a guarantee promises is asked for, and paid once it is granted.

    1. The merchant decides.              Silence grants it, where the policy says what it is worth.
    2. What it does not grant goes on to the platform.  Its silence calls an officer.
    3. The goods come back, where the policy asks for them.
    4. The compensation is paid.
    """
    decided = await merchant_decision(desk)
    if isinstance(decided, NotGranted):
        decided = await platform_decision(desk, decided.at)
    match decided:
        case Withdrawn():
            return Closed(reason=CloseReason.WITHDRAWN)
        case NotGranted():
            return Closed(reason=CloseReason.CLAIM_DECLINED)
        case Granted(at=granted_at):
            return await _paid(desk, granted_at)


async def _paid(desk: Desk, granted_at: datetime) -> Ending | ChangeKind:
    owed_since = granted_at
    if desk.case.goods_wanted:
        received = await goods_back(desk, granted_at, Clock.MERCHANT_INSPECTION)
        if not isinstance(received, Received):
            return received
        owed_since = received.at
    await refund(desk, owed_since)
    return Completed(outcome=Outcome.COMPENSATED)

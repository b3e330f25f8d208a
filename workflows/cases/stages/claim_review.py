"""A claim is decided on (赔付审核), by the merchant first, then by the platform."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.contract.commands import DecideClaim, Withdraw
from aftersale.vocabulary import Clock, State, Tier
from workflows import outside
from workflows.cases.answers import Withdrawn
from workflows.cases.beside.approval import asking_for_approval
from workflows.cases.desk import Desk, Lapse


@dataclass(frozen=True)
class Granted:
    """The claim is granted, by a decision or by a silence that accepts."""

    at: datetime


@dataclass(frozen=True)
class NotGranted:
    """The claim was declined, or nobody could say what it is worth."""

    at: datetime


async def merchant_decision(desk: Desk) -> Granted | NotGranted | Withdrawn:
    """Wait for the merchant. Its silence grants the claim where the policy says what that is worth."""
    desk.case.learn_terms(await outside.terms(desk.case.filed))
    desk.case.review_claim(Tier.MERCHANT)
    await desk.enter(State.AWAITING_CLAIM_REVIEW, desk.case.applied_at, Clock.CLAIM_REVIEW)
    with asking_for_approval(desk, Tier.MERCHANT):
        heard = await desk.answer(DecideClaim, Withdraw)
    if isinstance(heard, Lapse):
        return Granted(desk.at(heard)) if desk.case.grant(None, desk.now) else NotGranted(desk.at(heard))
    return _decided(desk, heard)


async def platform_decision(desk: Desk, since: datetime) -> Granted | NotGranted | Withdrawn:
    """Wait for the platform. No silence decides: its officer is called."""
    desk.case.review_claim(Tier.PLATFORM)
    await desk.enter(State.AWAITING_CLAIM_REVIEW, since, Clock.CLAIM_REVIEW)
    with asking_for_approval(desk, Tier.PLATFORM):
        heard = await desk.hear_out(DecideClaim, Withdraw)
    return _decided(desk, heard)


def _decided(desk: Desk, heard: DecideClaim | Withdraw) -> Granted | NotGranted | Withdrawn:
    match heard:
        case DecideClaim(decision="approve"):
            desk.case.grant(heard, desk.now)
            return Granted(desk.at(heard))
        case DecideClaim():
            return NotGranted(desk.at(heard))
        case Withdraw():
            return Withdrawn()

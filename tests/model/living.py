"""The cases of the festival lived through by workflows on a real server, each on its own calendar."""

from collections.abc import Mapping

from temporalio.service import RPCError, RPCStatusCode

from aftersale.client import Refusal
from aftersale.contract.status import Status
from aftersale.times import SECOND
from tests.model.population import Person
from tests.model.simulation import Happened, Played
from tests.support.cases import ended
from tests.support.steps import (
    AMEND,
    APPROVE,
    AWARD,
    BACK,
    CONFIRM,
    DELIVERED,
    DISMISS,
    DISPATCH,
    ESCALATE,
    GRANT,
    GRANT_FOR_THE_GOODS,
    OVERRULE,
    RECEIVE,
    REFUSE,
    REFUSE_CLAIM,
    REJECT,
    SHIP,
    UPHOLD,
    WITHDRAW,
    Act,
    SignOff,
)
from trial.environment import Live, Workplace

STEPS: Mapping[str, Act | SignOff] = {
    "approve": APPROVE,
    "reject": REJECT,
    "withdraw": WITHDRAW,
    "ship_back": SHIP,
    "sign_off": BACK,
    "confirm_receipt": CONFIRM,
    "refuse_receipt": REFUSE,
    "dispatch": DISPATCH,
    "delivered": DELIVERED,
    "confirm_delivery": RECEIVE,
    "money_instead": AMEND,
    "escalate": ESCALATE,
    "award": AWARD,
    "dismiss": DISMISS,
    "grant": GRANT,
    "grant_for_goods": GRANT_FOR_THE_GOODS,
    "decline": REFUSE_CLAIM,
    "overrule": OVERRULE,
    "uphold": UPHOLD,
}


async def lived(place: Workplace, person: Person, paper: Played) -> Status:
    """The record of the case, once all has happened to it that happens on paper, when it happens there."""
    live = await place.open(person.kind, person.request, person.applied_at)
    for each in paper.happened:
        await (_in_vain(live, each) if each.vain else _in_time(live, each))
    if paper.lapses:
        await live.until(paper.lapses[-1][1] + SECOND)
    return await ended(live)


async def _in_time(live: Live, each: Happened) -> None:
    await live.until(each.at - 2 * SECOND)  # as far ahead as a caller's clock may run
    await STEPS[each.what].take(live, each.at)


async def _in_vain(live: Live, each: Happened) -> None:
    await live.until(each.at + SECOND)
    try:
        await STEPS[each.what].take(live, each.at)
    except Refusal as refusal:
        assert refusal.code == "illegal_move", refusal
    except RPCError as error:
        assert error.status is RPCStatusCode.NOT_FOUND, error
    else:
        raise AssertionError(f"{each} was taken")

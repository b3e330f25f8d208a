"""A repair may end otherwise: with another item, or, where the goods are beyond repair, with the money."""

from typing import Any

import pytest

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Outcome, RefundState, State
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    at,
    ended,
    entry,
    item,
    line,
    refusal,
    request,
    ship_back,
    stamp,
    yuan,
)
from tests.support.places import records_of
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def taken_in(place: Workplace, kind: CaseKind = CaseKind.REPAIR, receipt: Any = None, **changes: Any) -> Live:
    """A case whose goods the merchant has, in the second it was opened."""
    live = await place.open(kind, request(**changes), at(JUNE))
    await live.act("approve", *MERCHANT, occurred_at=stamp(JUNE))
    await ship_back(live, JUNE)
    await live.act("confirm_receipt", *MERCHANT, occurred_at=stamp(JUNE), **(receipt or {}))
    return live


async def irreparable(place: Workplace, **given: Any) -> Live:
    """A repair whose merchant offers the money for goods beyond repair."""
    live = await taken_in(place, **given)
    await live.act("report_irreparable", *MERCHANT, note="board corroded", occurred_at=stamp(JUNE))
    return live


async def test_goods_beyond_repair_are_paid_for_once_the_buyer_accepts(place: Workplace) -> None:
    live = await irreparable(place)
    status = await live.status()
    (deadline,) = status.deadlines
    assert (status.state, deadline.clock, deadline.due_at) == (
        State.AWAITING_BUYER_CONFIRMATION,
        Clock.OFFER_RESPONSE,
        at("2024-06-05 10:00:00"),
    )
    await live.act("accept_offer", *BUYER)
    final = await ended(live)
    assert (final.kind, final.outcome, final.refund.amount_minor) == (CaseKind.REFUND, Outcome.REFUNDED, 12900)
    assert final.attempts == 1, "it uses no attempt"


async def test_whoever_declines_the_money_may_go_to_the_platform_which_may_rule_a_replacement(place: Workplace) -> None:
    live = await irreparable(place)
    assert (await live.act("decline_offer", *BUYER)).state is State.MERCHANT_REJECTED
    await live.act("escalate", *BUYER, reason_code="wants_the_item")
    said = str(await refusal(rule(live, "return")))
    assert "outcome: cannot be return: the goods are with the merchant; rule refund or replacement" in said
    status = await rule(live, "replacement")
    assert (status.kind, status.state) == (CaseKind.RESHIP, State.AWAITING_MERCHANT_DISPATCH)


async def rule(live: Live, outcome: str) -> Status:
    """An officer rules against the merchant."""
    return await live.act("rule", *PLATFORM, outcome=outcome, liability="merchant")


async def test_an_offer_of_the_money_that_nobody_answers_lapses_into_a_refusal(place: Workplace) -> None:
    live = await irreparable(place)
    await live.until(at("2024-06-05 10:00:02"))
    status = await live.when_settled()
    assert status.state is State.MERCHANT_REJECTED
    assert entry(status, "Lapsed").at == at("2024-06-05 10:00:01")
    await live.until(at("2024-06-12 10:00:03"))
    assert (await ended(live)).close_reason is CloseReason.NOT_ESCALATED


async def test_another_item_may_be_sent_in_the_place_of_the_one_to_be_repaired(place: Workplace) -> None:
    live = await taken_in(place)
    await live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1", replaced=True)
    await live.act("confirm_delivery", *BUYER)
    final = await ended(live)
    assert (final.outcome, final.refund.status) == (Outcome.REPLACED, RefundState.NONE)


async def test_of_an_exchange_nothing_is_beyond_repair_or_replaced(place: Workplace) -> None:
    live = await taken_in(place, CaseKind.EXCHANGE)
    said = str(await refusal(live.act("report_irreparable", *MERCHANT)))
    assert "report_irreparable is not legal in state awaiting_merchant_dispatch" in said
    said = str(await refusal(live.act("dispatch", *MERCHANT, carrier="sf", tracking_no="OUT1", replaced=True)))
    assert "replaced: is for repairs; leave it out" in said


# What is owed where not all came back


@pytest.mark.parametrize(
    ("arrived", "owed"),
    [
        ([{"order_line_id": "L1", "quantity": 1}], 5000),
        (
            [{"order_line_id": "L1", "quantity": 1}, {"order_line_id": "L2", "quantity": 1, "condition": "damaged"}],
            8000,
        ),
        (
            [
                {"order_line_id": "L1", "quantity": 1, "condition": "damaged"},
                {"order_line_id": "L1", "quantity": 1, "condition": "missing"},
                {"order_line_id": "L2", "quantity": 1},
            ],
            8000,
        ),
    ],
    ids=["one piece of one line", "damaged counts as come back", "missing does not"],
)
@pytest.mark.parametrize("kind", [CaseKind.RETURN, CaseKind.REPAIR])
async def test_money_is_owed_for_what_came_back_whatever_the_kind(
    place: Workplace, kind: CaseKind, arrived: list[dict[str, Any]], owed: int
) -> None:
    lines = [line("L1", 2, yuan(10000)), line("L2", 1, yuan(3000))]
    items = [item("L1", 2, yuan(10000)), item("L2", 1, yuan(3000))]
    live = await taken_in(place, kind, {"items": arrived}, order={"lines": lines}, items=items)
    if kind is CaseKind.REPAIR:
        await live.act("report_irreparable", *MERCHANT)
        await live.act("accept_offer", *BUYER)
    final = await ended(live)
    assert (final.outcome, final.refund.amount_minor) == (Outcome.REFUNDED, owed)


async def test_what_is_counted_twice_or_beyond_the_claim_is_refused(place: Workplace) -> None:
    live = await place.open(CaseKind.RETURN, request(), at(JUNE))
    piece = {"order_line_id": "L1", "quantity": 1}
    for items, said in [
        ([piece, piece], "items.1.order_line_id: is named twice in one condition"),
        ([piece, {**piece, "quantity": 2, "condition": "damaged"}], "items.1.quantity: is more than the 2"),
        ([{**piece, "condition": "missing"}], "items: say that nothing arrived; send refuse_receipt"),
    ]:
        assert said in str(await refusal(live.act("confirm_receipt", *MERCHANT, items=items)))


async def test_an_offer_may_say_what_each_line_is_worth(place: Workplace) -> None:
    lines = [line("L1", 2, yuan(10000)), line("L2", 1, yuan(3000))]
    items = [item("L1", 2, yuan(10000)), item("L2", 1, yuan(3000))]
    given = request(order={"lines": lines}, items=items)
    live = await place.open(CaseKind.REFUND, given, at(JUNE))
    await live.act("offer", *MERCHANT, lines=[{"order_line_id": "L2", "amount_minor": 2500}])
    await live.act("accept_offer", *BUYER)
    final = await ended(live)
    assert final.refund.amount_minor == 2500
    with records_of(place) as kept:
        account = kept.ledger.order_books(given["order_id"])
    assert account is not None
    assert [(each.order_line_id, each.settled_minor) for each in account.lines] == [("L1", 0), ("L2", 2500)]

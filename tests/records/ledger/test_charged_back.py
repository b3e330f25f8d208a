"""Chargebacks freeze the refunds of an order; what was refunded before is told to platform and merchant."""

from datetime import timedelta

import pytest

from aftersale.contract.message import Message
from aftersale.errors import Refusal
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, freezing, hold, instruction, paid, pay
from tests.support.drawing import NOW


def told(kept: Records) -> list[Message]:
    """Every message that waits to be sent."""
    return [each.message for each in kept.outbox.lease("a messenger", 100, NOW, timedelta(0))]


def test_a_chargeback_on_a_refunded_order_tells_platform_and_merchant_how_much_the_buyer_has(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    pay(kept.ledger, instruction("C-1", 3000), closes=False)
    pay(kept.ledger, instruction("C-1", 2000, 2))
    pay(kept.ledger, instruction("C-1", 1000, purpose="clawback"))
    assert told(kept) == []
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    assert [(each.to, each.recipient, each.event) for each in told(kept)] == [
        ("platform", None, "charged_back"),
        ("merchant", "M-7", "charged_back"),
    ]
    assert {each.says for each in told(kept)} == {
        "chargeback CB-7 of 2024-02-01T10:00:05+08:00 (not recognised), and 4000 CNY minor refunded that the buyer has "
        "(3000 by case/C-1/refund/1 as P:case/C-1/refund/1, 2000 by case/C-1/refund/2 as P:case/C-1/refund/2): "
        "contest the chargeback with that"
    }


def test_each_case_of_the_order_is_told_of_once_however_often_the_notice_comes(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 5000), claim("C-2", 1000, kind=CaseKind.REFUND), claim("C-3", order_id="O-3"))
    for case_id, amount in (("C-1", 5000), ("C-2", 1000)):
        pay(kept.ledger, instruction(case_id, amount))
    for _ in range(2):
        kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
        assert sorted((each.case_id, each.to) for each in told(kept)) == [
            ("C-1", "merchant"),
            ("C-1", "platform"),
            ("C-2", "merchant"),
            ("C-2", "platform"),
        ]


def test_a_payment_that_is_settled_while_the_order_is_frozen_is_told_likewise(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    late = instruction("C-1", 10000)
    kept.ledger.instruct(late, NOW)
    kept.ledger.note_attempt(late.key, 1, NOW)
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    assert told(kept) == [], "it is not known yet whether it was paid"
    for attempt in (2, 3):
        kept.ledger.settle(paid(late.key), attempt, True, NOW)
        assert [each.to for each in told(kept)] == ["platform", "merchant"]
        assert "10000 by case/C-1/refund/1" in told(kept)[0].says


def test_nobody_is_told_where_nothing_was_refunded_all_was_taken_back_or_the_notice_was_lifted(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"), claim("C-2", order_id="O-2"), claim("C-3", order_id="O-3"))
    pay(kept.ledger, instruction("C-2", 10000, order_id="O-2"))
    pay(kept.ledger, instruction("C-2", 10000, order_id="O-2", purpose="clawback"))
    for order_id in ("O-1", "O-2", "O-3"):
        kept.ledger.freeze(order_id, "CB-7", "not recognised", NOW)
    kept.ledger.lift("O-3", NOW)
    pay(kept.ledger, instruction("C-3", 10000, order_id="O-3"))
    kept.ledger.freeze("O-3", "CB-7", "not recognised", NOW)
    assert told(kept) == []


# Notices


def test_a_chargeback_freezes_the_refunds_of_its_order_until_it_is_lifted(kept: Records) -> None:
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)  # before any case knew the order
    hold(kept.ledger, claim("C-1"), claim("C-2", order_id="O-2"))
    refused = kept.ledger.instruct(instruction("C-1", 10000), NOW).settlement
    assert refused and refused.status == "declined"
    assert refused.reason == (
        "order O-1 is frozen by chargeback CB-7 of 2024-02-01T10:00:05+08:00 (not recognised), so that nobody is "
        "paid twice; once it is decided for the merchant, run `aftersale ledger lift O-1`, then retry the refund"
    )
    pay(kept.ledger, instruction("C-2", 10000, order_id="O-2"))
    assert [notice.reference for notice in kept.ledger.lift("O-1", NOW)] == ["CB-7"]
    assert freezing(kept.ledger, "O-1") == [] and kept.ledger.lift("O-1", NOW) == []
    pay(kept.ledger, instruction("C-1", 10000, 2))


def test_a_notice_that_comes_again_changes_nothing_even_after_it_was_lifted(kept: Records) -> None:
    first = kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    assert kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW + timedelta(days=1)) == first
    kept.ledger.lift("O-1", NOW)
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    assert freezing(kept.ledger, "O-1") == []
    kept.ledger.freeze("O-1", "CB-8", "another", NOW)
    assert freezing(kept.ledger, "O-1") == ["CB-8"]


def test_a_reference_that_was_used_for_another_notice_is_refused_and_the_first_one_stands(kept: Records) -> None:
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    kept.ledger.lift("O-1", NOW)
    with pytest.raises(
        Refusal, match=r"reference: CB-7 \(not recognised\) was used before for other content"
    ) as raised:
        kept.ledger.freeze("O-1", "CB-7", "never arrived", NOW)
    assert raised.value.code == "idempotency_conflict"
    assert freezing(kept.ledger, "O-1") == []
    kept.ledger.freeze("O-2", "CB-7", "never arrived", NOW)
    assert freezing(kept.ledger, "O-2") == ["CB-7"], "another order's notices are its own"

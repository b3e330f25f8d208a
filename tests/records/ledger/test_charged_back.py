"""A chargeback on an order that was refunded is told to platform and merchant, with the amounts."""

from datetime import timedelta

from aftersale.contract.message import Message
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, hold, instruction, paid, pay
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

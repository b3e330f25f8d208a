"""Advances: the platform pays ahead only in bounds that hold over an order and over a buyer, whoever asks at once."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import product

import pytest

from aftersale.ledger.reservation import Instructed
from aftersale.policy.service_terms import Advance
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, declined, hold, instruction, paid, pay
from tests.support.drawing import NOW
from tests.support.hands import Hands, advance_to_one_buyer

FREE = Advance(uncapped="a test")
KINDS = defaultdict(lambda: CaseKind.RETURN, {"C-3": CaseKind.REFUND, "C-42": CaseKind.REFUND})


def bound(order: Mapping[str, int] | None = None, buyer: Mapping[str, int] | None = None) -> Advance:
    return Advance(per_order=dict(order or {}), per_buyer=dict(buyer or {}))


def advance(kept: Records, bounds: Advance | None, case_id: str, amount: int, order_id: str = "O-1") -> Instructed:
    """A case is advanced so much; how that ends is not known yet."""
    hold(kept.ledger, claim(case_id, amount, order_id=order_id, kind=KINDS[case_id]))
    ahead = instruction(case_id, amount, order_id=order_id, payer="platform_advance")
    return kept.ledger.advance(bounds, ahead, NOW)


def refused(answer: Instructed) -> str | None:
    return answer.settlement.reason if answer.settlement else None


def test_without_a_bound_in_the_policy_nothing_is_advanced(kept: Records) -> None:
    assert "the policy sets no bound for advances" in str(refused(advance(kept, None, "C-1", 1)))
    assert refused(advance(kept, FREE, "C-2", 9999, "O-2")) is None


@pytest.mark.parametrize(
    ("most", "says"),
    [(4000, "None"), (3999, "1000 advanced before and 3000 now are more than the 3999")],
)
def test_the_bound_of_a_buyer_holds_to_the_last_minor_unit_over_its_orders(kept: Records, most: int, says: str) -> None:
    assert refused(advance(kept, FREE, "C-1", 1000, "O-1")) is None
    assert says in str(refused(advance(kept, bound(buyer={"CNY": most}), "C-2", 3000, "O-2")))


def test_the_bound_of_an_order_does_not_count_other_orders(kept: Records) -> None:
    assert refused(advance(kept, FREE, "C-1", 1000, "O-1")) is None
    assert refused(advance(kept, bound(order={"CNY": 3000}), "C-2", 3000, "O-2")) is None
    assert "one order" in str(refused(advance(kept, bound(order={"CNY": 3000}), "C-3", 1, "O-2")))


def test_what_ended_is_no_advance_any_more_and_what_was_not_got_back_stays_one(kept: Records) -> None:
    most = bound(buyer={"CNY": 1000})
    for case_id, order_id in (("C-1", "O-1"), ("C-2", "O-2")):
        assert refused(advance(kept, most, case_id, 1000, order_id)) is None
        kept.ledger.settle(paid(f"case/{case_id}/refund/1"), 1, False, NOW)
        kept.ledger.release(case_id, NOW)  # it was owed in the end
    assert refused(advance(kept, most, "C-3", 1000, "O-3")) is None
    kept.ledger.settle(paid("case/C-3/refund/1"), 1, False, NOW)
    for n in (1, 2):
        assert "1000 advanced before" in str(refused(advance(kept, most, f"C-4{n}", 1, "O-4")))
        back = instruction("C-3", 1000, n, purpose="clawback", order_id="O-3", payer="platform_advance")
        if n == 1:
            kept.ledger.clawback(back, NOW)
            kept.ledger.settle(declined(back.key), 1, False, NOW)
            kept.ledger.release("C-3", NOW)
        else:
            pay(kept.ledger, back, closes=False)
    assert refused(advance(kept, most, "C-5", 1000, "O-5")) is None


def test_a_key_that_is_known_answers_as_it_was_kept_whatever_the_bounds_say_now(kept: Records) -> None:
    assert refused(advance(kept, FREE, "C-1", 1000)) is None
    again = kept.ledger.advance(None, instruction("C-1", 1000, payer="platform_advance"), NOW)
    assert again.known and again.settlement is None
    assert [each.payer for each in kept.ledger.export()] == ["platform_advance"]


def test_advances_to_one_buyer_that_come_at_once_from_many_processes_stay_in_its_bound(
    url: str, kept: Records, hands: Hands
) -> None:
    for hand, number in product(range(4), range(8)):
        hold(kept.ledger, claim(f"C-{hand}-{number}", 1000, order_id=f"O-{hand}-{number}"))
    given = hands.at_once(advance_to_one_buyer, [(url, hand, 8, 3000) for hand in range(4)])
    assert sum(given) == 3

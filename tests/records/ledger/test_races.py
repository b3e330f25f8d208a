"""Cases that race for one order's money, from several processes at once: the books are as if they had queued."""

from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, codes, hold, reserve
from tests.support.hands import Hands, claim_one_id, claim_one_order, instruct_one_key, live_through_cases

PROCESSES, THREADS = 4, 8


def test_of_200_cases_racing_on_an_order_with_room_for_three_three_are_opened(
    url: str, kept: Records, hands: Hands
) -> None:
    opened = hands.at_once(claim_one_order, [(url, hand, 50, THREADS, 3000) for hand in range(PROCESSES)])
    assert len([case_id for each in opened for case_id in each]) == 3
    for kind in CaseKind:
        assert "ceiling" in codes(reserve(kept.ledger, claim("C-1", 1001, kind=kind)))
    assert any(reserve(kept.ledger, claim("C-1", 1000, kind=kind)) == [] for kind in CaseKind)


def test_cases_that_open_refund_and_close_at_once_never_refund_more_than_was_paid(
    url: str, kept: Records, hands: Hands
) -> None:
    refunded = hands.at_once(live_through_cases, [(url, hand, 25, THREADS, 3000) for hand in range(PROCESSES)])
    assert 0 < sum(refunded) <= 10000
    left = 10000 - sum(refunded)
    assert codes(reserve(kept.ledger, claim("C-1", left + 1), most=10_000)) == ["ceiling"]
    assert reserve(kept.ledger, claim("C-1", left), most=10_000) == []


def test_of_cases_that_race_for_one_id_on_different_orders_one_has_it(url: str, hands: Hands) -> None:
    assert sorted(hands.at_once(claim_one_id, [(url, hand) for hand in range(PROCESSES)])) == [False] * 3 + [True]


def test_of_workers_that_instruct_one_refund_at_once_one_is_the_first(url: str, kept: Records, hands: Hands) -> None:
    hold(kept.ledger, claim("C-1"))
    known = hands.at_once(instruct_one_key, [(url, hand) for hand in range(PROCESSES)])
    assert sorted(known) == [False, True, True, True]

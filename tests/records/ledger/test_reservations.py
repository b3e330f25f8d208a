"""Reservations of an order's money before a case opens, and the answer to a case that may have none."""

from typing import Any

import pytest

from aftersale.contract.request import OrderLine
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, codes, declined, hold, instruction, line, paid, pay, reserve
from tests.support.drawing import NOW


def test_cases_of_an_order_hold_together_what_was_paid_and_not_one_fen_more(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 6000), claim("C-2", 4000, kind=CaseKind.REFUND))
    [problem] = reserve(kept.ledger, claim("C-3", 1, kind=CaseKind.REPAIR))
    assert (problem.code, problem.field) == ("ceiling", "items.0.requested.amount_minor")
    assert problem.message == (
        "is 1, but of the 10000 paid for L1 6000 C-1, 4000 C-2 is taken, and 0 left; act on those cases"
    )


def test_what_is_left_is_said_and_can_be_had(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 6000))
    [problem] = reserve(kept.ledger, claim("C-2", 4001, kind=CaseKind.REFUND))
    assert problem.message.endswith("6000 C-1 is taken, and 4000 left; ask for no more than is left")
    hold(kept.ledger, claim("C-2", 4000, kind=CaseKind.REFUND))


def test_lines_have_ceilings_of_their_own(kept: Records) -> None:
    lines = (line("L1", 5000), line("L2", 3000))
    hold(kept.ledger, claim("C-1", {"L1": 5000}, lines=lines))
    problems = reserve(kept.ledger, claim("C-2", {"L2": 3001, "L1": 1}, lines=lines, kind=CaseKind.REFUND))
    assert [(each.code, each.field) for each in problems] == [
        ("ceiling", "items.0.requested.amount_minor"),
        ("ceiling", "items.1.requested.amount_minor"),
    ]
    hold(kept.ledger, claim("C-2", {"L2": 3000}, lines=lines, kind=CaseKind.REFUND))


def test_a_line_has_one_open_case_of_each_kind(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 100))
    [problem] = reserve(kept.ledger, claim("C-2", 100))
    assert (problem.code, problem.field) == ("open_case", "items.0.order_line_id")
    assert problem.message == "L1 has an open return case, C-1; act on that one"
    hold(kept.ledger, claim("C-2", 100, kind=CaseKind.EXCHANGE))
    kept.ledger.release("C-1", NOW)
    hold(kept.ledger, claim("C-3", 100))


def test_attempts_count_over_all_kinds_and_survive_withdrawal(kept: Records) -> None:
    kinds = [CaseKind.RETURN, CaseKind.REFUND, CaseKind.REPAIR, CaseKind.RETURN, CaseKind.RESHIP]
    for number, kind in enumerate(kinds):
        hold(kept.ledger, claim(f"C-{number}", 1, kind=kind))
        kept.ledger.release(f"C-{number}", NOW)
    [problem] = reserve(kept.ledger, claim("C-6", 1))
    assert (problem.code, problem.field) == ("attempts", "items.0.order_line_id")
    assert problem.message == "L1 was claimed 5 times, and 5 is the most; take it to the platform"
    assert reserve(kept.ledger, claim("C-6", 1), most=6) == []


def test_a_refused_claim_is_no_attempt_and_leaves_nothing_behind(kept: Records) -> None:
    for number in range(7):
        assert codes(reserve(kept.ledger, claim(f"C-{number}", 10001))) == ["ceiling"]
    hold(kept.ledger, claim("C-0", 10000, lines=[line(quantity=1)], merchant_id="M-8", buyer_ref="B-6"))


def test_all_that_speaks_against_a_claim_is_said_at_once(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 9000))
    problems = reserve(kept.ledger, claim("C-2", 2000, lines=[line(quantity=3)]), most=1)
    assert codes(problems) == ["order_mismatch", "open_case", "attempts", "ceiling"]


@pytest.mark.parametrize(
    ("told", "field", "said"),
    [
        ({"lines": [line(paid=10001)]}, "order.lines.0.paid.amount_minor", "is 10001, but earlier cases say 10000"),
        ({"lines": [line(quantity=5)]}, "order.lines.0.quantity", "is 5, but earlier cases say 4"),
        ({"lines": [line(currency="USD")]}, "order.lines.0.paid.currency", "is USD, but earlier cases say CNY"),
        (
            {"lines": [line(cash=6000, points=4000)]},
            "order.lines.0.tenders",
            "is 6000 cash, 4000 points, but earlier cases say 10000 cash",
        ),
        ({"merchant_id": "M-8"}, "merchant_id", "is M-8, but earlier cases say M-7"),
        ({"buyer_ref": "B-6"}, "buyer_ref", "is not the buyer whom earlier cases of order O-1 name"),
    ],
)
def test_an_order_stays_as_it_was_first_told(kept: Records, told: dict[str, Any], field: str, said: str) -> None:
    hold(kept.ledger, claim("C-1", 100))
    [problem] = reserve(kept.ledger, claim("C-2", 100, kind=CaseKind.REFUND, **told))
    assert (problem.code, problem.field) == ("order_mismatch", field)
    assert problem.message.replace(" of this order say", " say").startswith(said)
    assert problem.message.endswith("correct it, or order_id")


def test_tenders_may_be_told_in_any_order_and_cash_need_not_be_told(kept: Records) -> None:
    for order, one, other in (
        ("O-1", line(cash=6000, points=4000), line(points=4000, cash=6000)),
        ("O-2", line(), line(cash=10000)),
    ):
        hold(kept.ledger, claim(f"{order}-1", 1, lines=[one], order_id=order))
        hold(kept.ledger, claim(f"{order}-2", 1, lines=[other], order_id=order, kind=CaseKind.REFUND))


def test_an_order_may_be_told_line_by_line(kept: Records) -> None:
    both: list[OrderLine] = [line("L1", 500), line("L2", 700)]
    hold(kept.ledger, claim("C-1", {"L1": 500}, lines=both[:1]), claim("C-2", {"L2": 700}, lines=both[1:]))
    assert codes(reserve(kept.ledger, claim("C-3", {"L1": 1}, lines=both))) == ["open_case", "ceiling"]


def test_the_same_owner_may_ask_again_and_counts_once(kept: Records) -> None:
    for _ in range(7):
        assert reserve(kept.ledger, claim("C-1", 10000), most=1) == []


def test_an_id_is_never_used_twice_even_when_its_case_is_closed(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 1))
    for _ in range(2):
        for order in ("O-1", "O-2"):
            problems = reserve(kept.ledger, claim("C-1", 1, owner="another run", order_id=order))
            assert codes(problems) == ["case_id_conflict"]
            assert problems[0].message == (
                "C-1 is another case's, and an id is never used twice; give this case an id of its own"
            )
        kept.ledger.release("C-1", NOW)


def test_a_released_reservation_makes_room_for_what_it_did_not_pay(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000))
    pay(kept.ledger, instruction("C-1", 3000))
    assert codes(reserve(kept.ledger, claim("C-2", 7001))) == ["ceiling"]
    hold(kept.ledger, claim("C-2", 7000))


def test_a_refund_that_is_being_paid_is_taken_even_when_its_case_has_closed(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000))
    key = instruction("C-1", 3000).key
    kept.ledger.instruct(instruction("C-1", 3000), NOW)
    kept.ledger.release("C-1", NOW)
    assert codes(reserve(kept.ledger, claim("C-2", 7001))) == ["ceiling"]
    kept.ledger.settle(declined(key), 1, False, NOW)
    hold(kept.ledger, claim("C-2", 10000))


def test_releasing_is_safe_to_repeat_and_for_a_case_that_holds_nothing(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000))
    for case in ("C-1", "C-1", "C-9"):
        kept.ledger.release(case, NOW)
    hold(kept.ledger, claim("C-2", 10000))


def test_a_late_attempt_to_reserve_does_not_reopen_what_was_closed(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000))
    kept.ledger.release("C-1", NOW)
    assert reserve(kept.ledger, claim("C-1", 10000), most=1) == []
    hold(kept.ledger, claim("C-2", 10000))


def test_a_closed_case_that_is_reset_pays_what_it_held_if_there_is_room(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 6000))
    kept.ledger.release("C-1", NOW)
    assert reserve(kept.ledger, claim("C-1", 6000), most=1) == []
    hold(kept.ledger, claim("C-2", 5000, kind=CaseKind.REFUND))
    refused = kept.ledger.instruct(instruction("C-1", 5001), NOW).settlement
    assert (
        refused
        and refused.reason
        and refused.reason.startswith(
            "case C-1: 5001 CNY is more than the 5000 left of what was released at 2024-02-01T10:00:05+08:00"
        )
    )
    kept.ledger.release("C-2", NOW)
    over = kept.ledger.instruct(instruction("C-1", 6001, 2), NOW).settlement
    assert over and over.reason and "6001 CNY is more than the 6000" in over.reason
    kept.ledger.instruct(instruction("C-1", 6000, 3), NOW)
    assert codes(reserve(kept.ledger, claim("C-3", 4001))) == ["ceiling"], "while it is on its way"
    kept.ledger.settle(paid(instruction("C-1", 6000, 3).key), 1, True, NOW)
    hold(kept.ledger, claim("C-3", 4000))

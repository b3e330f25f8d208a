"""Refunds in the ledger: what may be sent, how it is spread, and how it ends. Once for every key."""

from datetime import timedelta

import pytest

from aftersale.records import LedgerFault, Records, WordAwaited
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import (
    claim,
    codes,
    declined,
    hold,
    instruction,
    line,
    paid,
    pay,
    reserve,
    spread,
)
from tests.support.drawing import NOW

MIXED = (line(cash=7001, coupon=999, points=2000),)


def test_a_refund_is_spread_over_what_was_paid_with(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000, lines=MIXED))
    refund = kept.ledger.instruct(instruction("C-1", 5000), NOW)
    assert spread(refund) == {"L1 cash": 3501, "L1 coupon": 499, "L1 points": 1000}
    assert (refund.known, refund.settlement) == (False, None)


def test_equal_partial_refunds_are_both_paid_and_use_up_every_tender_exactly(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000, lines=MIXED))
    parts = [pay(kept.ledger, instruction("C-1", 2500, n), closes=n == 4) for n in (1, 2, 3, 4)]
    sums = {name: sum(spread(part).get(name, 0) for part in parts) for name in spread(parts[0])}
    assert sums == {"L1 cash": 7001, "L1 coupon": 999, "L1 points": 2000}


def test_equal_partial_refunds_of_two_cases_are_both_paid(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 5000, lines=MIXED), claim("C-2", 5000, lines=MIXED, kind=CaseKind.REFUND))
    one, two = (spread(pay(kept.ledger, instruction(case, 5000))) for case in ("C-1", "C-2"))
    assert {name: one[name] + two[name] for name in one} == {"L1 cash": 7001, "L1 coupon": 999, "L1 points": 2000}


def test_lines_say_what_the_money_is_for(kept: Records) -> None:
    lines = (line("L1", 6000, cash=3000, points=3000), line("L2", 4000))
    hold(kept.ledger, claim("C-1", {"L1": 6000, "L2": 4000}, lines=lines))
    said = kept.ledger.instruct(instruction("C-1", 5000, lines={"L2": 4000, "L1": 1000}), NOW)
    assert spread(said) == {"L1 cash": 500, "L1 points": 500, "L2 cash": 4000}
    unsaid = kept.ledger.instruct(instruction("C-1", 2500, 2), NOW)
    assert spread(unsaid) == {"L1 cash": 1250, "L1 points": 1250}


def test_without_lines_an_amount_is_spread_over_what_is_left_of_them(kept: Records) -> None:
    lines = (line("L1", 6000), line("L2", 4000))
    hold(kept.ledger, claim("C-1", {"L2": 2000, "L1": 6000}, lines=lines))
    assert spread(kept.ledger.instruct(instruction("C-1", 4001), NOW)) == {"L1 cash": 3001, "L2 cash": 1000}


def test_a_key_that_is_known_answers_as_it_was_kept(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000, lines=MIXED))
    refund = instruction("C-1", 10000)
    first = kept.ledger.instruct(refund, NOW)
    again = kept.ledger.instruct(refund, NOW + timedelta(hours=1))
    assert (again.known, again.allocations, again.settlement) == (True, first.allocations, None)
    kept.ledger.settle(paid(refund.key, "P-1"), 1, True, NOW)
    settled = kept.ledger.instruct(refund, NOW).settlement
    assert settled == paid(refund.key, "P-1")


def test_the_allocations_that_the_ledger_added_make_no_other_instruction(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refund = instruction("C-1", 10000)
    spread_over = kept.ledger.instruct(refund, NOW).allocations
    assert kept.ledger.instruct(refund.model_copy(update={"allocations": spread_over}), NOW).known


def test_another_instruction_under_a_known_key_is_a_mistake_that_is_named(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    kept.ledger.instruct(instruction("C-1", 5000), NOW)
    with pytest.raises(
        LedgerFault, match=r"kept under case/C-1/refund/1 \(amount_minor was 5000, is 4000\); give a new"
    ):
        kept.ledger.instruct(instruction("C-1", 4000), NOW)
    with pytest.raises(LedgerFault, match="tender was None, is wallet; lines was , is L1=5000"):
        kept.ledger.instruct(instruction("C-1", 5000, tender="wallet", lines={"L1": 5000}), NOW)


@pytest.mark.parametrize("key", ["case/C-2/refund/1", "case/C-1/clawback/1", "case/C-1/refund/0", "case/C-1/refund/١"])
def test_a_key_says_whose_instruction_it_is_and_which(kept: Records, key: str) -> None:
    hold(kept.ledger, claim("C-1"))
    with pytest.raises(LedgerFault, match="number it as case/C-1/refund/1"):
        kept.ledger.instruct(instruction("C-1", 1).model_copy(update={"key": key}), NOW)


def test_more_than_the_case_holds_is_declined_with_the_figures_and_stays_so(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 6000), claim("C-2", 4000, kind=CaseKind.REFUND))
    kept.ledger.instruct(instruction("C-1", 2000), NOW)
    for known in (False, True):
        refused = kept.ledger.instruct(instruction("C-1", 4001, 2), NOW)
        assert refused.settlement and refused.settlement.status == "declined"
        assert (refused.known, refused.allocations) == (known, ())
        assert refused.settlement.reason == (
            "case C-1: 4001 CNY is more than the 4000 reserved; see `aftersale ledger show O-1`, "
            "and instruct no more than that"
        )
    assert kept.ledger.instruct(instruction("C-1", 4000, 3), NOW).settlement is None


def test_a_line_cannot_be_paid_out_of_another_ones_reservation(kept: Records) -> None:
    lines = (line("L1", 6000), line("L2", 4000))
    hold(kept.ledger, claim("C-1", {"L1": 6000, "L2": 1000}, lines=lines))
    refused = kept.ledger.instruct(instruction("C-1", 2001, lines={"L2": 1001, "L3": 1000}), NOW).settlement
    assert refused and refused.reason
    assert "more is asked than is reserved, of line L2 (1001 of 1000), L3 (1000 of 0)" in refused.reason


def test_a_case_that_holds_nothing_is_declined_and_told_where_to_look(kept: Records) -> None:
    for_nobody = kept.ledger.instruct(instruction("C-1", 1), NOW).settlement
    assert for_nobody and for_nobody.reason
    assert "nothing of order O-1 is reserved for case C-1; see `aftersale ledger show O-1`" in for_nobody.reason
    hold(kept.ledger, claim("C-2"))
    kept.ledger.release("C-2", NOW)
    hold(kept.ledger, claim("C-3"))
    released = kept.ledger.instruct(instruction("C-2", 1), NOW).settlement
    assert released and released.reason
    assert "the 0 left of what was released at 2024-02-01T10:00:05+08:00" in released.reason


def test_a_declined_refund_gives_its_money_back_to_the_case(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    first = instruction("C-1", 10000)
    kept.ledger.instruct(first, NOW)
    kept.ledger.note_attempt(first.key, 1, NOW)
    kept.ledger.settle(declined(first.key), 1, True, NOW)
    assert kept.ledger.instruct(first, NOW).settlement == declined(first.key)
    pay(kept.ledger, instruction("C-1", 10000, 2, tender="wallet"))
    assert codes(reserve(kept.ledger, claim("C-2", 1))) == ["ceiling"]


def test_what_has_failed_is_not_sent_again(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refused = instruction("C-1", 10001)
    told = kept.ledger.instruct(refused, NOW).settlement
    assert told and kept.ledger.note_attempt(refused.key, 1, NOW) == told


def test_a_chargeback_stops_a_refund_that_is_instructed_and_not_a_clawback(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    pay(kept.ledger, instruction("C-1", 1000), closes=False)
    refund, back = instruction("C-1", 5000, 2), instruction("C-1", 1000, purpose="clawback")
    kept.ledger.instruct(refund, NOW)
    kept.ledger.clawback(back, NOW)
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    stopped = kept.ledger.note_attempt(refund.key, 1, NOW)
    assert stopped and stopped.status == "declined" and stopped.reason
    assert "chargeback CB-7" in stopped.reason and "`aftersale ledger lift O-1`" in stopped.reason
    assert kept.ledger.note_attempt(back.key, 1, NOW) is None
    kept.ledger.lift("O-1", NOW)
    assert kept.ledger.note_attempt(refund.key, 2, NOW) == kept.ledger.instruct(refund, NOW).settlement == stopped


def test_a_refund_that_may_have_been_sent_is_not_declined_by_a_chargeback(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refund = instruction("C-1", 5000)
    kept.ledger.instruct(refund, NOW)
    assert kept.ledger.note_attempt(refund.key, 1, NOW) is None
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    for barred in (None, "another key was paid"):
        with pytest.raises(WordAwaited, match=f"{refund.key} may have been sent, and goes out no more for now: "):
            kept.ledger.note_attempt(refund.key, 2, NOW, barred)
    assert kept.ledger.instruct(refund, NOW).settlement is None, "it is on its way"
    kept.ledger.lift("O-1", NOW)
    assert kept.ledger.note_attempt(refund.key, 3, NOW) is None


@pytest.mark.parametrize("refused_at", ["the instruction", "the first attempt"])
def test_what_the_ledger_declined_and_the_service_paid_counts_as_paid(kept: Records, refused_at: str) -> None:
    hold(kept.ledger, claim("C-1", lines=(line(cash=6000, points=4000),)))
    refund = instruction("C-1", 5000)
    if refused_at == "the first attempt":
        kept.ledger.instruct(refund, NOW)
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    kept.ledger.instruct(refund, NOW)
    told = kept.ledger.note_attempt(refund.key, 1, NOW)
    assert told and told.status == "declined"
    kept.ledger.settle(paid(refund.key), 1, False, NOW)
    assert kept.ledger.instruct(refund, NOW).settlement == paid(refund.key)
    assert kept.ledger.check() == []
    assert {row.tender: row.amount_minor for row in kept.ledger.export()} == {"cash": 3000, "points": 2000}
    kept.ledger.lift("O-1", NOW)
    more = kept.ledger.instruct(instruction("C-1", 5001, 2), NOW).settlement
    assert more and more.reason and "5001 CNY is more than the 5000 reserved" in more.reason


def test_what_was_paid_beyond_what_was_bought_is_paid_and_named(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refused = instruction("C-1", 10001)
    kept.ledger.instruct(refused, NOW)
    kept.ledger.settle(paid(refused.key), 1, False, NOW)
    assert {each.kind for each in kept.ledger.check()} == {"tender_overpaid", "line_overpaid", "order_overpaid"}


def test_what_the_service_declined_it_cannot_have_paid_without_an_alarm(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refund = instruction("C-1", 10000)
    kept.ledger.instruct(refund, NOW)
    kept.ledger.note_attempt(refund.key, 1, NOW)
    kept.ledger.settle(declined(refund.key), 1, False, NOW)
    with pytest.raises(LedgerFault, match="was settled as declined, and is now said to be succeeded"):
        kept.ledger.settle(paid(refund.key), 2, False, NOW)


def test_a_known_key_answers_in_the_same_order_whatever_the_databases_order_of_words(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", lines=(line(cash=5000, Coupon=5000),)))
    first = kept.ledger.instruct(instruction("C-1", 10000), NOW)
    assert [each.tender for each in first.allocations] == ["Coupon", "cash"]
    assert kept.ledger.instruct(instruction("C-1", 10000), NOW).allocations == first.allocations


def test_what_was_never_instructed_can_neither_be_sent_nor_settled(kept: Records) -> None:
    with pytest.raises(LedgerFault, match="case/C-1/refund/1 is not in the ledger; instruct it before it is sent"):
        kept.ledger.note_attempt("case/C-1/refund/1", 1, NOW)
    with pytest.raises(LedgerFault, match="is not in the ledger"):
        kept.ledger.settle(paid("case/C-1/refund/1"), 1, True, NOW)


def test_settling_again_changes_nothing_and_otherwise_is_an_alarm(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    refund = instruction("C-1", 10000)
    kept.ledger.instruct(refund, NOW)
    for attempt in (1, 2, 2):
        kept.ledger.note_attempt(refund.key, attempt, NOW)
        kept.ledger.settle(paid(refund.key, "P-1"), attempt, False, NOW)
    for other in (declined(refund.key), paid(refund.key, "P-2")):
        with pytest.raises(LedgerFault, match=r"was settled as succeeded as P-1, and is now said to be .*--statement"):
            kept.ledger.settle(other, 3, False, NOW)
    assert kept.ledger.instruct(refund, NOW).settlement == paid(refund.key, "P-1")


def test_the_last_refund_of_a_case_releases_the_rest_and_an_earlier_one_does_not(kept: Records) -> None:
    hold(kept.ledger, claim("C-1"))
    pay(kept.ledger, instruction("C-1", 4000), closes=False)
    assert codes(reserve(kept.ledger, claim("C-2", 1, kind=CaseKind.REFUND))) == ["ceiling"]
    pay(kept.ledger, instruction("C-1", 3000, 2), closes=True)
    hold(kept.ledger, claim("C-2", 3000, kind=CaseKind.REFUND))


def test_a_clawback_takes_back_at_most_what_was_settled_and_is_not_back(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000, lines=MIXED))
    none = kept.ledger.clawback(instruction("C-1", 1, purpose="clawback"), NOW).settlement
    assert none and none.reason and "more than the 0 settled and not clawed back" in none.reason
    refund = pay(kept.ledger, instruction("C-1", 5000))
    pay(kept.ledger, instruction("C-1", 2000, 2, purpose="clawback"))
    again = kept.ledger.clawback(instruction("C-1", 3001, 3, purpose="clawback"), NOW).settlement
    assert again and again.reason and "3001 CNY is more than the 3000 settled and not clawed back" in again.reason
    rest = pay(kept.ledger, instruction("C-1", 3000, 4, purpose="clawback"))
    assert sum(spread(rest).values()) == 3000 and spread(rest).keys() == spread(refund).keys()


def test_what_was_clawed_back_can_be_refunded_again_once_it_is_back(kept: Records) -> None:
    hold(kept.ledger, claim("C-1", 10000, lines=MIXED))
    pay(kept.ledger, instruction("C-1", 10000))
    back = instruction("C-1", 10000, purpose="clawback")
    kept.ledger.clawback(back, NOW)
    assert codes(reserve(kept.ledger, claim("C-2", 1, lines=MIXED))) == ["ceiling"], "while it is on its way"
    kept.ledger.settle(paid(back.key), 1, False, NOW)
    hold(kept.ledger, claim("C-2", 10000, lines=MIXED))
    assert spread(pay(kept.ledger, instruction("C-2", 10000))) == {"L1 cash": 7001, "L1 coupon": 999, "L1 points": 2000}

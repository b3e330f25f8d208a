"""The export for accountants: every posting, traceable to a case and an instruction, adding up to the ledger."""

from collections import Counter

from aftersale.records import Records
from aftersale.vocabulary import CaseKind, RefundState
from tests.support.bookkeeping import claim, declined, hold, instruction, line, pay
from tests.support.drawing import NOW

MIXED = (line("L1", 10000, cash=6000, points=4000), line("L2", 500))


def fill(kept: Records) -> None:
    """Two cases on one order and one on another, with everything that can become of an instruction."""
    hold(kept.ledger, claim("C-1", {"L1": 6000, "L2": 500}, lines=MIXED))
    hold(kept.ledger, claim("C-2", {"L1": 4000}, lines=MIXED, kind=CaseKind.REFUND), claim("C-3", order_id="O-0"))
    kept.ledger.instruct(instruction("C-1", 6500), NOW)
    kept.ledger.settle(declined("case/C-1/refund/1"), 1, True, NOW)
    pay(kept.ledger, instruction("C-1", 6500, 2, tender="wallet"))
    pay(kept.ledger, instruction("C-1", 500, purpose="clawback", lines={"L2": 500}))
    kept.ledger.instruct(instruction("C-2", 4001), NOW)
    kept.ledger.instruct(instruction("C-2", 1000, 2), NOW)
    pay(kept.ledger, instruction("C-3", 10000, order_id="O-0"))


def test_postings_that_succeeded_add_up_to_what_the_ledger_says_is_settled(kept: Records) -> None:
    fill(kept)
    settled: Counter[tuple[str, str]] = Counter()
    for each in kept.ledger.export():
        if each.state is RefundState.SUCCEEDED and each.order_line_id:
            settled[each.order_id, each.order_line_id] += each.amount_minor
    for order_id in ("O-0", "O-1"):
        books = kept.ledger.order_books(order_id)
        assert books is not None
        for each_line in books.lines:
            assert settled[order_id, each_line.order_line_id] == each_line.settled_minor


def test_every_figure_is_traceable_and_every_instruction_is_there(kept: Records) -> None:
    fill(kept)
    told = [
        (
            *(each.order_id, each.case_id, each.key.removeprefix("case/")),
            *(each.order_line_id, each.tender, each.state.value, each.amount_minor),
        )
        for each in kept.ledger.export()
    ]
    assert told == [
        ("O-0", "C-3", "C-3/refund/1", "L1", "cash", "succeeded", 10000),
        ("O-1", "C-1", "C-1/clawback/1", "L2", "cash", "succeeded", -500),
        ("O-1", "C-1", "C-1/refund/1", "L1", "cash", "failed", 3600),
        ("O-1", "C-1", "C-1/refund/1", "L1", "points", "failed", 2400),
        ("O-1", "C-1", "C-1/refund/1", "L2", "cash", "failed", 500),
        ("O-1", "C-1", "C-1/refund/2", "L1", "cash", "succeeded", 3600),
        ("O-1", "C-1", "C-1/refund/2", "L1", "points", "succeeded", 2400),
        ("O-1", "C-1", "C-1/refund/2", "L2", "cash", "succeeded", 500),
        ("O-1", "C-2", "C-2/refund/1", None, None, "failed", 4001),
        ("O-1", "C-2", "C-2/refund/2", "L1", "cash", "processing", 600),
        ("O-1", "C-2", "C-2/refund/2", "L1", "points", "processing", 400),
    ]


def test_a_posting_says_whose_it_is_and_where_the_money_went(kept: Records) -> None:
    fill(kept)
    [posting] = [each for each in kept.ledger.export() if each.amount_minor == 2400 and each.provider_ref]
    assert (posting.merchant_id, posting.kind, posting.purpose, posting.n) == ("M-7", CaseKind.RETURN, "refund", 2)
    assert (posting.paid_to, posting.currency, posting.provider_ref) == ("wallet", "CNY", "P:case/C-1/refund/2")
    assert (posting.instructed_at, posting.settled_at) == (NOW, NOW)
    assert type(posting).model_validate_json(posting.model_dump_json()) == posting


def test_of_what_was_paid_for_a_line_all_is_accounted_for(kept: Records) -> None:
    fill(kept)
    books = kept.ledger.order_books("O-1")
    assert books is not None
    one, two = books.lines
    assert (one.paid_minor, one.settled_minor, one.processing_minor, one.reserved_minor, one.left_minor) == (
        10000,
        6000,
        1000,
        3000,
        0,
    )
    assert (two.settled_minor, two.left_minor, two.tenders_left) == (0, 500, {"cash": 500})
    assert one.attempts == 2 and one.tenders_left == {"cash": 1800, "points": 1200}
    assert [(case.case_id, case.closed_at is None, case.given_minor) for case in books.cases] == [
        ("C-1", False, 6000),
        ("C-2", True, 1000),
    ]
    by_key = {each.key: each for each in books.instructions}
    assert by_key["case/C-1/refund/1"].reason == "card closed" and by_key["case/C-1/refund/2"].attempts == 1
    assert kept.ledger.order_books("O-9") is None

"""The books are proved: silent where they are right, and whatever was tampered with is named with what to do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aftersale import records
from aftersale.ledger.reports import ProviderPayment
from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, declined, hold, instruction, line, pay
from tests.support.counting import Work, work_of
from tests.support.crowds import refunded_orders
from tests.support.drawing import NOW, turn
from tests.support.tampering import tamper

ONE, TWO, BACK = "case/C-1/refund/1", "case/C-1/refund/2", "case/C-1/clawback/1"


@pytest.fixture
def books(kept: Records) -> Records:
    """Order O-1: 3000 and 2000 refunded to C-1, 1000 of it clawed back, and 4000 held by C-2, which runs."""
    mixed = (line(cash=6000, points=4000),)
    hold(kept.ledger, claim("C-1", 6000, lines=mixed), claim("C-2", 4000, lines=mixed, kind=CaseKind.REFUND))
    pay(kept.ledger, instruction("C-1", 3000), closes=False)
    pay(kept.ledger, instruction("C-1", 2000, 2))
    pay(kept.ledger, instruction("C-1", 1000, purpose="clawback"))
    kept.ledger.instruct(instruction("C-2", 4001), NOW)
    kept.ledger.instruct(instruction("C-2", 4000, 2), NOW)
    kept.ledger.settle(declined("case/C-2/refund/2"), 1, True, NOW)
    kept.ledger.instruct(instruction("C-2", 1000, 3), NOW)
    kept.turns.write([turn("C-2", 1)], now=NOW)
    return kept


def statement(**amounts: int) -> list[ProviderPayment]:
    """What the payment service paid of these books: all that settled, unless an amount is said to be another."""
    figures = {ONE: 3000, TWO: 2000, BACK: 1000} | amounts
    return [payment(key, amount) for key, amount in figures.items()]


def payment(key: str, amount: int, **changes: str) -> ProviderPayment:
    plain = {"status": "succeeded", "currency": "CNY", "provider_ref": f"P:{key}"} | changes
    return ProviderPayment.model_validate({"key": key, "amount_minor": amount, **plain})


def test_books_that_are_right_are_silent(books: Records) -> None:
    assert books.ledger.check() == []
    assert books.ledger.check(statement()) == []
    refused = payment("case/C-2/refund/2", 4000, status="declined")
    assert books.ledger.check([*statement(), refused]) == []
    assert books.ledger.check(iter(statement())) == [], "the table of the statement is gone each time"


def test_an_empty_ledger_is_right(kept: Records) -> None:
    assert kept.ledger.check() == kept.ledger.check([]) == []


def test_a_refund_that_is_being_paid_may_be_in_the_statement_or_not_yet(books: Records) -> None:
    assert books.ledger.check([*statement(), payment("case/C-2/refund/3", 1000)]) == []


Planted = tuple[str, str, str]
PLANTED: dict[str, Planted] = {
    "line_overpaid": (
        "UPDATE order_lines SET paid_minor = 3999",
        "order O-1, line L1: 4000 was refunded, of 3999 paid; see `aftersale ledger show O-1`, and claw back what",
        "O-1",
    ),
    "tender_overpaid": (
        "UPDATE tenders SET paid_minor = 1599 WHERE tender = 'points'",
        "order O-1, line L1: 1600 went back to points, which paid 1599; see `aftersale ledger show O-1`, and post",
        "O-1",
    ),
    "order_overpaid": (
        "UPDATE instructions SET amount_minor = 9001 WHERE key = 'case/C-1/refund/1'",
        "order O-1: 10001 was refunded, of 10000 paid; see `aftersale ledger show O-1`, and claw back what is too",
        "O-1",
    ),
    "clawed_back_too_much": (
        "UPDATE instructions SET amount_minor = 5001 WHERE key = 'case/C-1/clawback/1'",
        "case C-1: 5001 was clawed back, of 5000 refunded; see `aftersale ledger show O-1`, and refund what is too",
        "C-1",
    ),
    "not_allocated": (
        "DELETE FROM allocations WHERE key = 'case/C-2/refund/3' AND tender = 'cash'",
        "instruction case/C-2/refund/3: 1000 was instructed, but 400 is allocated; find out which lines and tenders",
        "case/C-2/refund/3",
    ),
    "no_payment": (
        "UPDATE instructions SET provider_ref = NULL WHERE key = 'case/C-1/refund/1'",
        "instruction case/C-1/refund/1: 3000 CNY counts as settled, by 0 payments; ask the payment service what",
        ONE,
    ),
    "declined_unheard": (
        "UPDATE attempts SET outcome = NULL WHERE key = 'case/C-2/refund/2'",
        "instruction case/C-2/refund/2: 4000 CNY was sent and counts as declined, but the payment service has not said "
        "so; freeze order O-1 (`aftersale ledger chargeback`) until it tells",
        "case/C-2/refund/2",
    ),
    "payment_shared": (
        "UPDATE instructions SET provider_ref = 'P-1' WHERE key IN ('case/C-1/refund/1', 'case/C-1/refund/2')",
        "instruction case/C-1/refund/1: payment P-1 settles 2 instructions, case/C-1/refund/1 (3000 CNY), "
        "case/C-1/refund/2 (2000 CNY); ask the payment service which of them it paid",
        ONE,
    ),
    "reservation_outlives_case": (
        "UPDATE cases SET is_final = true, state = 'closed'",
        "case C-2 is closed 已关闭, yet holds money of order O-1; run `aftersale ledger release C-2`",
        "C-2",
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_wrong_in_the_books_is_found_and_says_what_to_do(books: Records, url: str, kind: str) -> None:
    tampering, says, whose = PLANTED[kind]
    tamper(url, tampering)
    [found] = [each for each in books.ledger.check() if each.kind == kind]
    assert found.says.startswith(says), found.says
    assert whose in (found.key, found.case_id, found.order_id)


@pytest.mark.parametrize(
    ("paid_out", "kind", "says"),
    [
        (
            lambda: statement()[1:],
            "not_in_statement",
            "3000 CNY as P:case/C-1/refund/1 in the books, but not in the statement; ask the payment service whether",
        ),
        (
            lambda: [*statement(), payment(ONE, 3000, provider_ref="P-2")],
            "twice_in_statement",
            "1 payment in the books, 2 in the statement; have the payment service take back what is too much",
        ),
        (
            lambda: statement(**{ONE: 3001}),
            "statement_differs",
            "3000 CNY as P:case/C-1/refund/1 in the books, but 3001 CNY as P:case/C-1/refund/1 in the statement; ask",
        ),
        (
            lambda: [payment(ONE, 3000, provider_ref="P-2"), *statement()[1:]],
            "statement_differs",
            "3000 CNY as P:case/C-1/refund/1 in the books, but 3000 CNY as P-2 in the statement; ask",
        ),
        (
            lambda: [*statement(), payment("case/C-9/refund/1", 5)],
            "unknown_payment",
            "5 CNY in the statement, but no such instruction in the books; ask the payment service who instructed it",
        ),
        (
            lambda: [*statement(), payment("case/C-2/refund/2", 4000)],
            "paid_unsettled",
            "4000 CNY in the statement, but failed in the books, so that the buyer may be paid twice; freeze order O-1",
        ),
    ],
)
def test_what_the_payment_service_tells_otherwise_is_found(
    books: Records, paid_out: Callable[[], list[ProviderPayment]], kind: str, says: str
) -> None:
    [found] = books.ledger.check(paid_out())
    assert (found.kind, found.says.partition(": ")[2][: len(says)]) == (kind, says)


def test_a_payment_of_a_refund_that_its_case_has_given_up_is_found(books: Records) -> None:
    books.ledger.release("C-2", NOW)
    [found] = books.ledger.check([*statement(), payment("case/C-2/refund/3", 1000)])
    assert found.kind == "paid_unsettled" and "but processing in the books" in found.says


@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_very_many_instructions_are_proved(url: str, number: int) -> None:
    refunded_orders(url, number)
    with records.open(url, patience=60) as kept:
        assert kept.ledger.check() == []
        assert kept.ledger.check(payments(number)) == []
        assert sum(each.amount_minor for each in kept.ledger.export()) == 100 * number


def test_ten_times_the_instructions_are_ten_times_the_work_to_prove(tmp_path: Path) -> None:
    few, many = proved(tmp_path / "few.db", 1_000), proved(tmp_path / "many.db", 10_000)
    for name in few:
        assert many[name].steps < 11 * few[name].steps, name
        assert many[name].statements <= few[name].statements + 1, name


def proved(file: Path, number: int) -> dict[str, Work]:
    """What a database does to prove so many instructions."""
    url = f"sqlite:///{file}"
    records.migrate(url)
    refunded_orders(url, number)
    with records.open(url, patience=60) as kept:
        return {
            "books": work_of(kept, kept.ledger.check),
            "statement": work_of(kept, lambda: kept.ledger.check(payments(number))),
            "export": work_of(kept, lambda: list(kept.ledger.export())),
        }


def payments(number: int) -> Iterator[ProviderPayment]:
    """What the payment service paid of so many orders that were refunded."""
    return (payment(f"case/C-{at}/refund/1", 100) for at in range(number))

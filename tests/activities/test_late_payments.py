"""Payments that come after their caller gave up are made once, whatever the books said meanwhile (R31)."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.payments import Payments
from aftersale.money import PaymentAnswer, Settlement
from aftersale.records import Ledger
from tests.support.paying import INSTRUCTED, KEY, NOW, PAID, attempt
from tests.support.platform_fixtures import StandIn, instruction, until

PRICE = 12900
LATER = "case/C-1/refund/2"
PAID_BEFORE = Settlement(**PAID.model_dump(exclude={"earlier"}))


class Case:
    """A refund as its case goes on with it: tried until it is settled, and under a new number once it is declined."""

    def __init__(self) -> None:
        self.declined: list[str] = []
        self._tries = 0

    async def go_on(self, payments: Payments) -> PaymentAnswer | None:
        """Try once more; None while it is not settled."""
        self._tries += 1
        try:
            n = len(self.declined) + 1
            settled = await attempt(payments, self._tries, instruction(n=n), self.declined)
        except ApplicationError:
            return None
        if settled.status == "declined":
            self.declined.append(settled.key)
            self._tries = 0
        return settled


async def moved(platform: StandIn) -> int:
    """What the payment service has paid in all."""
    rows = (await platform.http.get("/payments")).json()
    return sum(row["amount_minor"] * row["times_moved"] for row in rows)


async def test_a_payment_later_than_its_caller_s_patience_is_made_once_though_a_chargeback_came_between(
    payments: Payments, hurried: Payments, platform: StandIn, ledger: Ledger
) -> None:
    case = Case()
    await platform.arm("slow", seconds=15)
    assert await case.go_on(hurried) is None, "it gave up, and the service still works on it"
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    await case.go_on(payments)  # the look-up finds nothing
    await platform.http.post("/faults/release")
    await until(lambda: moved(platform), PRICE)  # the service pays
    ledger.lift("O-88", NOW)
    settled = await case.go_on(payments)
    assert await moved(platform) == PRICE, "of the 12900 that were bought"
    assert settled and (settled.key, settled.status, case.declined) == (KEY, "succeeded", [])
    assert ledger.check() == []


async def test_what_the_books_declined_and_the_service_paid_is_found_before_a_new_number_is_sent(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    case = Case()
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    await case.go_on(payments)
    assert case.declined == [KEY], "the ledger declined it, and it was not sent"
    await platform.refund(INSTRUCTED)
    ledger.lift("O-88", NOW)
    for tries in (1, 2):  # the answer to the first is lost
        answer = await attempt(payments, tries, instruction(n=2), case.declined)
        assert (answer.status, answer.earlier) == ("declined", (PAID_BEFORE,))
        assert answer.reason and answer.reason.startswith(f"{KEY} as transfer-1: that counted as declined and was paid")
    assert await moved(platform) == PRICE
    assert ledger.check() == []
    assert {row.key: (row.state, row.amount_minor, row.tender) for row in ledger.export()} == {
        KEY: ("succeeded", PRICE, "cash"),
        LATER: ("failed", PRICE, None),
    }


async def test_a_ledger_that_has_forgotten_an_earlier_key_learns_of_its_payment_before_a_new_number_is_sent(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    await platform.refund(INSTRUCTED)
    answer = await attempt(payments, 1, instruction(n=2), [KEY])
    assert (answer.status, answer.earlier) == ("declined", (PAID_BEFORE,))
    assert await moved(platform) == PRICE
    assert ledger.check() == []


async def test_a_ledger_that_has_forgotten_a_key_that_may_have_been_sent_leaves_its_end_to_the_service(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    for tries in (2, 3):
        with pytest.raises(ApplicationError) as raised:
            await attempt(payments, tries)
        assert raised.value.type == "payments_awaited"
    await platform.refund(INSTRUCTED)
    assert await attempt(payments, 4) == PAID
    assert ledger.check() == []


async def test_a_new_number_is_sent_where_the_service_knows_no_earlier_one_or_declined_it(
    payments: Payments, platform: StandIn
) -> None:
    await platform.arm("decline")
    case = Case()
    await case.go_on(payments)
    assert await attempt(payments, 1, instruction(n=3), [*case.declined, LATER]) == PaymentAnswer(
        key="case/C-1/refund/3", status="succeeded", provider_ref="transfer-1"
    )


async def test_no_new_number_is_sent_while_an_earlier_key_cannot_be_looked_up(
    payments: Payments, platform: StandIn
) -> None:
    await platform.arm("decline")
    case = Case()
    await case.go_on(payments)
    await platform.arm("status", path="/refunds/", status=503)
    assert await case.go_on(payments) is None
    assert await moved(platform) == 0
    assert await case.go_on(payments)
    assert await moved(platform) == PRICE


async def test_another_instruction_that_the_service_holds_under_an_earlier_key_says_nothing_of_this_case_s(
    payments: Payments, platform: StandIn
) -> None:
    await platform.refund(instruction(amount_minor=1))
    case = Case()
    await case.go_on(payments)
    assert case.declined == [KEY]
    paid = await case.go_on(payments)
    assert paid and (paid.key, paid.status, paid.earlier) == (LATER, "succeeded", ())

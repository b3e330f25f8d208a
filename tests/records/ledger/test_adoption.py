"""A ledger that was restored from a backup is found out, and takes over what it has forgotten (R31)."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from aftersale.client import LedgerOlder, Restores
from aftersale.client.case_money import ShownCase, case_money
from aftersale.ledger.case_money import Admitted, CaseMoney, SentInstruction
from aftersale.ledger.reports import Adopted, DifferenceKind, ProviderPayment
from aftersale.ledger.reservation import Reservation
from aftersale.money import RefundInstruction
from aftersale.records import Records, WordAwaited
from aftersale.temporal.plugin import LeanPayloadConverter
from aftersale.vocabulary import CaseKind
from tests.support.backups import back_up
from tests.support.bookkeeping import claim, codes, declined, hold, instruction, paid, pay, reserve
from tests.support.drawing import DUE, NOW, turn
from trial.histories import HISTORIES, recorded

_CONVERTER = DataConverter(payload_converter_class=LeanPayloadConverter)

LATER = NOW + timedelta(hours=3)


class Memory:
    """Temporal: what cases know of their money, whatever becomes of the ledger."""

    def __init__(self) -> None:
        self.known: dict[str, CaseMoney] = {}
        self.listed: list[ShownCase] | None = None

    def admitted(self, wanted: Reservation, attempt: int = 1) -> None:
        before = self._of(wanted.case_id)
        again = (*before.admitted, Admitted(wanted, attempt, LATER))
        self.known[wanted.case_id] = dataclasses.replace(before, admitted=again)

    def sent(self, given: RefundInstruction, status: str | None = "succeeded") -> None:
        before = self._of(given.case_id)
        settled = {"succeeded": paid, "declined": declined}[status](given.key) if status else None
        sent = (*before.sent, SentInstruction("refund", given, LATER, settled, LATER if settled else None))
        released = LATER if status == "succeeded" else None
        self.known[given.case_id] = dataclasses.replace(before, sent=sent, released_at=released)

    def _of(self, case_id: str) -> CaseMoney:
        return self.known.get(case_id, CaseMoney(case_id))

    async def pages(self, since: datetime | None) -> AsyncIterator[list[ShownCase]]:
        plain = [ShownCase(each, "run-1", True, None, None, None) for each in sorted(self.known)]
        yield plain if self.listed is None else self.listed

    async def read(self, case_id: str, run_id: str | None = None) -> CaseMoney:
        if case_id not in self.known:
            raise RPCError("no such workflow", RPCStatusCode.NOT_FOUND, b"")
        return self.known[case_id]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def restores(memory: Memory) -> Restores:
    nobody: Any = None
    found = Restores(nobody)
    found._reader = memory  # type: ignore[assignment]
    return found


def statement(*given: RefundInstruction) -> list[ProviderPayment]:
    """All that the payment service ever paid."""
    return [
        ProviderPayment(
            key=each.key,
            status="succeeded",
            amount_minor=each.amount_minor,
            currency=each.currency,
            provider_ref=paid(each.key).provider_ref,
        )
        for each in given
    ]


async def test_after_a_restore_nobody_is_paid_twice_and_who_is_owed_is_paid_once(
    kept: Records, url: str, memory: Memory, restores: Restores
) -> None:
    ledger = kept.ledger
    under_way, refunded = instruction("C-0", 1000), instruction("C-1", 6000)
    hold(ledger, claim("C-0", 1000))
    ledger.instruct(under_way, NOW)
    ledger.note_attempt(under_way.key, 1, NOW)
    kept.close()
    restore = back_up(url)

    ledger.settle(paid(under_way.key), 1, True, NOW)
    hold(ledger, claim("C-1", 6000))
    pay(ledger, refunded)
    hold(ledger, claim("C-2", 2000))
    for given in (under_way, refunded):
        memory.admitted(claim(given.case_id, given.amount_minor))
        memory.sent(given)
    memory.admitted(claim("C-2", 2000))
    await restores.require_whole(kept)

    kept.close()
    restore()
    with pytest.raises(LedgerOlder, match=r"run `aftersale ledger adopt --statement FILE`"):
        await restores.require_whole(kept)

    payments = statement(under_way, refunded)
    adopted = await restores.adopt(kept, payments, LATER)
    assert adopted == Adopted(reservations=("C-1", "C-2"), instructions=(under_way.key, refunded.key))
    await restores.require_whole(kept)
    assert await restores.adopt(kept, payments, LATER) == Adopted(), "it is safe to repeat"
    beyond = claim("C-3", 1001, kind=CaseKind.REFUND)
    assert codes(reserve(ledger, beyond)) == ["ceiling"], "of 10000, 9000 is taken"
    last = instruction("C-2", 2000)
    pay(ledger, last)
    assert ledger.check(statement(under_way, refunded, last)) == []
    assert codes(reserve(ledger, claim("C-4", 1001))) == ["ceiling"]
    assert reserve(ledger, claim("C-5", 1000)) == []


async def test_a_first_start_and_a_ledger_that_has_kept_everything_are_fine(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    await restores.require_whole(kept)
    hold(kept.ledger, claim("C-1", 6000))
    memory.admitted(claim("C-1", 6000))
    memory.sent(instruction("C-1", 6000), None)  # as the database was away when it was to be instructed
    await restores.require_whole(kept)


async def test_a_payment_of_which_its_case_has_not_heard_counts_as_sent_until_the_service_says_how_it_ends(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    given = instruction("C-1", 6000)
    memory.admitted(claim("C-1", 6000))
    memory.sent(given, None)
    await restores.adopt(kept, [], LATER)
    kept.ledger.freeze("O-1", "CB-7", "not recognised", NOW)
    with pytest.raises(WordAwaited):
        kept.ledger.note_attempt(given.key, 2, NOW)
    assert await restores.adopt(kept, statement(given), LATER) == Adopted(instructions=(given.key,))
    assert kept.ledger.check(statement(given)) == []


async def test_a_payment_of_a_case_that_temporal_has_forgotten_is_taken_over_by_the_statement(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    hold(kept.ledger, claim("C-1", 6000))
    given = instruction("C-1", 6000)
    await restores.adopt(kept, statement(given), LATER)
    assert kept.ledger.check(statement(given)) == []
    assert codes(reserve(kept.ledger, claim("C-2", 4001, kind=CaseKind.REFUND))) == ["ceiling"]


async def test_a_payment_whose_case_nobody_knows_stays_a_difference(kept: Records, restores: Restores) -> None:
    hold(kept.ledger, claim("C-1", 6000))
    unknown = ProviderPayment(key="transfer of 1999", status="succeeded", amount_minor=1, currency="CNY")
    assert await restores.adopt(kept, [unknown], LATER) == Adopted()
    assert [each.kind for each in kept.ledger.check([unknown])] == [DifferenceKind.UNKNOWN_PAYMENT]


async def test_a_decline_that_was_forgotten_leaves_the_money_with_its_case(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    memory.admitted(claim("C-1", 6000))
    memory.sent(instruction("C-1", 6000), "declined")
    await restores.adopt(kept, [], LATER)
    await restores.require_whole(kept)
    pay(kept.ledger, instruction("C-1", 6000, n=2))
    assert kept.ledger.check() == []


async def test_an_amended_claim_is_held_again_as_it_stood_last(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    hold(kept.ledger, claim("C-1", 6000))
    memory.admitted(claim("C-1", 6000))
    memory.admitted(claim("C-1", 9000), 2)
    with pytest.raises(LedgerOlder, match="attempt 2"):
        await restores.require_whole(kept)
    assert await restores.adopt(kept, [], LATER) == Adopted(reservations=("C-1",))
    await restores.require_whole(kept)
    assert codes(reserve(kept.ledger, claim("C-2", 1001, kind=CaseKind.REFUND))) == ["ceiling"]


async def test_only_cases_that_may_have_moved_since_the_ledger_s_last_instant_are_read(
    kept: Records, memory: Memory, restores: Restores
) -> None:
    hold(kept.ledger, claim("C-1", 6000), claim("C-9", 1000, order_id="O-9"))
    kept.turns.write([turn("C-1", 1)], now=NOW)
    kept.ledger.release("C-9", LATER)
    memory.admitted(claim("C-1", 9000), 2)
    await _shown(memory, restores, kept, state="awaiting_merchant_review")
    with pytest.raises(LedgerOlder):
        await _shown(memory, restores, kept, state="awaiting_buyer_return")


async def _shown(memory: Memory, restores: Restores, kept: Records, state: str) -> None:
    """Look at the ledger while Temporal lists C-1 in that state."""
    memory.listed = [ShownCase("C-1", "run-1", True, state, 12900, DUE)]
    await restores.require_whole(kept)


async def test_every_recorded_case_can_be_taken_over_by_a_ledger_that_has_forgotten_all(kept: Records) -> None:
    read: list[CaseMoney] = []
    for file in sorted(HISTORIES.glob("*.json")):
        history = recorded(file)
        read.append(await case_money(history.workflow_id.removeprefix("case/"), _each(history.events), _CONVERTER))
    moneyed = [money for money in read if money.admitted]
    assert any(money.sent for money in moneyed)
    for money in moneyed:
        assert kept.ledger.find_losses(money)
        kept.ledger.adopt(money)
        assert kept.ledger.find_losses(money) == []
    # Each was recorded at a payment service of its own, whose references begin anew.
    shared = DifferenceKind.PAYMENT_SHARED
    assert [each for each in kept.ledger.check() if each.kind is not shared] == []


async def _each(events: Sequence[HistoryEvent]) -> AsyncIterator[HistoryEvent]:
    for event in events:
        yield event

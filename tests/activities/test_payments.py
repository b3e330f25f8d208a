"""A refund is paid once and reported as it was settled, whatever happens on the way to the payment service."""

import asyncio
import json
import time

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from activities.payments import Payment, Payments
from aftersale.money import Allocation, LineAmount, PaymentAnswer, RefundInstruction
from aftersale.records import Ledger, Records
from tests.support.bookkeeping import claim, hold, line
from tests.support.paying import BOOK, INSTRUCTED, KEY, NOW, PAID, attempt, failure
from tests.support.platform_fixtures import StandIn, instruction, until
from trial.platform import TRIAL_SECRET

OTHER_SECRET = "whsec_c29tZWJvZHkgZWxzZSB3aG8gaGFzIGEgc2VjcmV0"


# Settled


async def test_a_refund_is_paid(payments: Payments, platform: StandIn) -> None:
    assert await attempt(payments) == PAID
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_decline_is_an_answer_with_its_reason(payments: Payments, platform: StandIn) -> None:
    await platform.arm("decline", reason="account closed")
    assert await attempt(payments) == PaymentAnswer(key=KEY, status="declined", reason="account closed")
    assert await platform.payments() == {KEY: ("declined", 0)}


async def test_a_new_key_after_a_decline_is_paid(payments: Payments, platform: StandIn) -> None:
    await platform.arm("decline")
    await attempt(payments)
    again = await attempt(payments, order=instruction(n=2, tender="bank_card"))
    assert again.status == "succeeded"
    assert await platform.payments() == {KEY: ("declined", 0), "case/C-1/refund/2": ("succeeded", 1)}


async def test_a_case_whose_id_looks_like_a_path_is_found_again(payments: Payments, platform: StandIn) -> None:
    dotted = instruction("..")
    paid = await attempt(payments, order=dotted)
    await platform.arm("status")  # a second sending would fail
    assert await attempt(payments, 2, dotted) == paid


async def test_a_field_left_open_is_not_sent(http: httpx.AsyncClient, ledger: Ledger) -> None:
    received = asyncio.Queue[bytes]()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await received.put(await reader.read(65536))
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1") as server:
        await failure(
            Payments(http, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", TRIAL_SECRET, ledger, BOOK)
        )
    head, body = (await received.get()).split(b"\r\n\r\n")
    assert head.startswith(b"POST /refunds ")
    assert json.loads(body).keys() == RefundInstruction.model_fields.keys() - {"tender", "lines", "payer"}


async def test_a_worker_in_any_zone_signs_what_the_service_accepts(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "Asia/Shanghai")
            time.tzset()
            assert await attempt(payments) == PAID
    finally:
        time.tzset()


# Lost answers


async def test_a_lost_answer_is_looked_up_and_the_refund_paid_once(payments: Payments, platform: StandIn) -> None:
    await platform.arm("lose_answer")
    error = await failure(payments)
    assert error.type == "payments_unreachable"
    assert "the connection to the payment service failed (RemoteProtocolError)" in error.message
    await platform.arm("status")  # a second sending would fail
    assert await attempt(payments, 2) == PAID
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_lost_answer_about_mixed_tenders_is_looked_up_and_the_refund_paid_once(
    kept: Records, payments: Payments, platform: StandIn
) -> None:
    hold(kept.ledger, mixed := claim("C-7", 12900, lines=(line(paid=12900, cash=6900, Coupon=6000),), order_id="O-7"))
    order = instruction(mixed.case_id, order_id="O-7")
    await platform.arm("lose_answer")
    with pytest.raises(ApplicationError):
        await attempt(payments, order=order)
    assert (await attempt(payments, 2, order)).status == "succeeded"
    assert await platform.payments() == {order.key: ("succeeded", 1)}


def test_a_payment_is_known_however_it_was_spread_and_in_whatever_order_its_lines_stand() -> None:
    """A ledger that took an instruction over after a restore may spread it otherwise: it is paid all the same."""
    lines = [LineAmount(order_line_id=name, amount_minor=6450) for name in ("L1", "L2")]
    spread = Allocation(order_line_id="L1", tender="cash", amount_minor=12900)
    told = instruction(lines=tuple(lines), allocations=(spread,))
    held = Payment(**told.model_dump() | PAID.model_dump(exclude={"earlier"}))
    assert held.settles(instruction(lines=tuple(reversed(lines))))
    assert not held.settles(instruction(lines=tuple(lines), order_id="O-89"))


# What the ledger stops


async def test_a_refund_that_may_have_been_sent_waits_while_its_order_is_frozen_and_is_not_declined(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    await platform.arm("reset")
    await failure(payments)
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    for n in (2, 3):
        error = await failure(payments, n)
        assert error.type == "payments_awaited"
        assert "CB-7" in error.message and "run `aftersale ledger lift O-88`;" in error.message
    assert await platform.payments() == {}
    ledger.lift("O-88", NOW)
    assert await attempt(payments, 4) == PAID


async def test_a_refund_that_may_have_been_sent_ends_with_the_service_s_word_though_its_order_is_frozen(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    await platform.arm("reset")
    await failure(payments)
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    await platform.arm("decline", reason="never to be paid")
    await platform.refund(INSTRUCTED)
    assert await attempt(payments, 2) == PaymentAnswer(key=KEY, status="declined", reason="never to be paid")


async def test_what_was_paid_before_the_chargeback_stays_paid(
    payments: Payments, platform: StandIn, ledger: Ledger
) -> None:
    await platform.arm("lose_answer")
    await failure(payments)
    ledger.freeze("O-88", "CB-7", "not recognised", NOW)
    assert await attempt(payments, 2) == PAID


async def test_another_instruction_under_a_known_key_is_declined_and_the_known_one_stands(
    payments: Payments, platform: StandIn
) -> None:
    await attempt(payments)
    other = await attempt(payments, order=instruction(amount_minor=1))
    assert other.status == "declined" and other.reason
    assert "amount_minor was 12900, is 1" in other.reason and "`aftersale ledger show O-88`" in other.reason
    assert await attempt(payments) == PAID
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_decline_whose_answer_was_lost_is_the_same_decline(payments: Payments, platform: StandIn) -> None:
    await platform.arm("decline", reason="account closed")
    declined = await attempt(payments)
    await platform.arm("status")
    assert await attempt(payments, 2) == declined
    assert declined.reason == "account closed"


async def test_an_attempt_cut_short_while_the_answer_is_held_pays_once(payments: Payments, platform: StandIn) -> None:
    await platform.arm("hold")
    cut_short = asyncio.create_task(attempt(payments))
    await until(platform.holding, [KEY])
    cut_short.cancel()
    await until(platform.holding, [])
    assert await attempt(payments, 2) == PAID
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_an_answer_held_too_long_is_looked_up(payments: Payments, hurried: Payments, platform: StandIn) -> None:
    await platform.arm("hold")
    error = await failure(hurried)
    assert error.type == "payments_unreachable"
    assert "did not answer in time" in error.message
    assert await attempt(payments, 2) == PAID


async def test_a_payment_made_after_the_look_up_found_nothing_is_not_made_again(
    payments: Payments, hurried: Payments, platform: StandIn
) -> None:
    await platform.arm("slow", seconds=30)
    await failure(hurried)
    second = await attempt(payments, 2)  # finds nothing, and sends
    await platform.http.post("/faults/release")  # now the first sending is worked on as well
    await platform.refund(instruction())
    assert second == PAID
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_two_attempts_at_once_pay_once(payments: Payments, platform: StandIn) -> None:
    assert await asyncio.gather(*(attempt(payments, n) for n in (1, 1, 2, 2, 3))) == [PAID] * 5
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_nothing_is_sent_while_the_look_up_fails(payments: Payments, platform: StandIn) -> None:
    await platform.arm("status", path="/refunds/", status=503)
    assert (await failure(payments, 2)).type == "payments_unavailable"
    assert await platform.payments() == {}


# Failures that leave the settlement open


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (500, "payments_unavailable", "the payment service is failing or overloaded (500)"),
        (429, "payments_unavailable", "failing or overloaded (429)"),
        (400, "payments_misconfigured", "did not take the request (400): check its address"),
        (404, "payments_misconfigured", "did not take the request (404): check its address"),
        (302, "payments_misconfigured", "did not take the request (302): check its address"),
        (202, "payments_misconfigured", "did not take the request (202): check its address"),
        (401, "payments_misconfigured", "refused the signature (401): check the shared secret"),
        (403, "payments_misconfigured", "refused the signature (403): check the shared secret"),
        (409, "payments_busy", "says the key is in use (409), yet holds nothing under it"),
    ],
)
async def test_an_answer_that_settles_nothing_is_retried_until_the_service_is_well(
    payments: Payments, platform: StandIn, status: int, kind: str, words: str
) -> None:
    settled = json.dumps(PAID.model_dump())
    await platform.arm("status", status=status, body=settled if status == 202 else "{}")
    error = await failure(payments)
    assert error.type == kind
    assert words in error.message
    assert await platform.payments() == {}
    assert await attempt(payments, 2) == PAID


async def test_a_connection_reset_is_retried(payments: Payments, platform: StandIn) -> None:
    await platform.arm("reset")
    assert (await failure(payments)).type == "payments_unreachable"
    assert await platform.payments() == {}
    assert await attempt(payments, 2) == PAID


async def test_a_service_that_is_not_there_is_waited_for(http: httpx.AsyncClient, ledger: Ledger) -> None:
    error = await failure(Payments(http, "http://127.0.0.1:1", TRIAL_SECRET, ledger, BOOK))
    assert "the connection to the payment service failed (ConnectError)" in error.message


async def test_a_wrong_secret_waits_for_the_operator(
    http: httpx.AsyncClient, platform: StandIn, ledger: Ledger
) -> None:
    error = await failure(Payments(http, platform.url, OTHER_SECRET, ledger, BOOK))
    assert "check the shared secret" in error.message
    assert OTHER_SECRET not in str(error)
    assert await platform.payments() == {}

"""A payment service's answer is believed only where it is well formed, and about the very instruction."""

import json
from typing import Any

import pytest

from activities.payments import Payments
from tests.support.paying import INSTRUCTED, KEY, PAID, attempt, failure
from tests.support.platform_fixtures import StandIn, instruction

# Answers that must not be believed


SENT = PAID.model_dump(exclude={"earlier"})
LOOKED_UP = INSTRUCTED.model_dump(mode="json") | SENT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": None}, "cannot be read at: status;"),
        ({"status": "processing"}, "cannot be read at: status;"),
        ({"provider_ref": 7}, "cannot be read at: provider_ref;"),
        ({"status": "6222000000000000"}, "cannot be read at: status;"),
        ({"provider_ref": "T" * 201}, "cannot be read at: provider_ref, which must have 200 characters at most"),
        ({"key": "case/C-2/refund/1"}, "the payment service answered about another key;"),
    ],
)
@pytest.mark.parametrize(
    ("path", "n", "good"), [("/refunds", 1, SENT), ("/refunds/", 2, LOOKED_UP)], ids=["sent", "looked up"]
)
async def test_a_doubtful_answer_is_not_taken_for_success(
    payments: Payments, platform: StandIn, path: str, n: int, good: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    await platform.arm("status", path=path, status=200, body=json.dumps(good | changes))
    error = await failure(payments, n)
    assert error.type == "payments_garbled"
    assert words in error.message
    assert "6222" not in error.message
    assert error.__cause__ is None
    await platform.arm("status", path="/refunds/", status=200, body=json.dumps(LOOKED_UP))
    assert await attempt(payments, 2) == PAID, "but for the changes it would be believed"


@pytest.mark.parametrize(
    ("path", "n", "good"), [("/refunds", 1, SENT), ("/refunds/", 2, LOOKED_UP)], ids=["sent", "looked up"]
)
async def test_a_payment_is_settled_whatever_the_service_says_beside_it(
    payments: Payments, platform: StandIn, path: str, n: int, good: dict[str, Any]
) -> None:
    beside = {"trace_id": "4711", "fees": [{"amount_minor": 3}], "reason": "paid, " * 1_000}
    await platform.arm("status", path=path, status=200, body=json.dumps(good | beside))
    settled = await attempt(payments, n)
    assert settled.model_copy(update={"reason": None}) == PAID
    assert settled.reason == ("paid, " * 1_000)[:999] + "…"
    await platform.arm("status")  # a second sending would fail
    assert await attempt(payments, 2) == settled


@pytest.mark.parametrize("body", ["", "<html>", "null", "[]"])
async def test_an_answer_that_is_no_settlement_at_all_is_not_taken_for_success(
    payments: Payments, platform: StandIn, body: str
) -> None:
    await platform.arm("status", status=200, body=body)
    error = await failure(payments)
    assert error.type == "payments_garbled"
    assert "cannot be read at: the whole" in error.message


# One key, two instructions


@pytest.mark.parametrize("n", [1, 2], ids=["refused on sending", "found by the look-up"])
async def test_another_instruction_under_the_key_is_not_taken_for_this_one(
    payments: Payments, platform: StandIn, n: int
) -> None:
    await platform.refund(instruction(amount_minor=1))
    answer = await attempt(payments, n)
    assert answer.status == "declined"
    assert answer.reason == (
        f"another instruction holds the key {KEY}: ask the payment service what it paid before retrying the refund"
    )
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_key_said_to_be_in_use_is_settled_by_the_look_up(payments: Payments, platform: StandIn) -> None:
    await platform.refund(INSTRUCTED)
    await platform.arm("status", status=409)
    assert await attempt(payments) == PAID

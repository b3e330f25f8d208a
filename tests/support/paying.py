"""Paying as tests do it: a reserved order, the activities wired to the stand-in platform, one attempt at a time."""

import dataclasses
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import PaymentRequest, Payments
from aftersale.contract.request import CaseRequest
from aftersale.ledger.reservation import Reservation
from aftersale.money import Allocation, PaymentAnswer, RefundInstruction
from aftersale.policy.load import default_book
from aftersale.records import Ledger, Records
from aftersale.times import parse_instant
from aftersale.vocabulary import CaseKind
from tests.support.cases import request
from tests.support.platform_fixtures import StandIn, client, instruction
from trial.platform import TRIAL_SECRET

BOOK = default_book()

KEY = "case/C-1/refund/1"
PAID = PaymentAnswer(key=KEY, status="succeeded", provider_ref="transfer-1")
INSTRUCTED = instruction(allocations=(Allocation(order_line_id="C-1", tender="cash", amount_minor=12900),))
"""What the service is sent: the instruction, and what the ledger adds to it."""
NOW = parse_instant("2024-06-03T10:00:00+08:00")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A worker's client, patient enough for a busy machine."""
    async with client() as patient:
        yield patient


@pytest.fixture
def payments(platform: StandIn, http: httpx.AsyncClient, ledger: Ledger) -> Payments:
    """The activities, wired to the platform."""
    return Payments(http, platform.url, TRIAL_SECRET, ledger, BOOK)


@pytest.fixture
async def hurried(platform: StandIn, ledger: Ledger) -> AsyncIterator[Payments]:
    """The activities with a client that soon gives an answer up, once it has asked: for answers that are held back."""
    async with client(timeout=httpx.Timeout(60, read=0.3)) as impatient:
        yield Payments(impatient, platform.url, TRIAL_SECRET, ledger, BOOK)


@pytest.fixture
def ledger(kept: Records) -> Ledger:
    """A ledger in which the cases of these tests have reserved their refunds, each on an order line of its own."""
    for case_id in ("C-1", ".."):
        assert kept.ledger.reserve(claim(case_id), 5, NOW) == []
    return kept.ledger


def claim(case_id: str) -> Reservation:
    """A claim of 129.00 yuan on the line that bears the case's name."""
    money = {"amount_minor": 12900, "currency": "CNY"}
    line = {"order_line_id": case_id, "quantity": 1}
    order = {"lines": [{**line, "paid": money}]}
    items = [{**line, "requested": money}]
    wanted = CaseRequest.model_validate(request(case_id=case_id, order_id="O-88", order=order, items=items))
    return Reservation.of(CaseKind.RETURN, wanted, f"run of {case_id}", NOW)


async def attempt(
    payments: Payments, n: int = 1, order: RefundInstruction | None = None, declined: Sequence[str] = ()
) -> PaymentAnswer:
    """The nth attempt at the refund, as the engine would make it; `declined` are the case's earlier keys."""
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, attempt=n)
    wanted = PaymentRequest(instruction=order or instruction(), closes=True, declined=tuple(declined))
    return await env.run(payments.refund, wanted)


async def failure(payments: Payments, n: int = 1) -> ApplicationError:
    """What the nth attempt raises; it must be an error that the engine retries."""
    with pytest.raises(ApplicationError) as raised:
        await attempt(payments, n)
    assert not raised.value.non_retryable
    assert f"{KEY} is looked up, then sent again if need be" in raised.value.message
    return raised.value

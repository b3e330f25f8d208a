"""To the second: the last instant in time, and the one after it, for every clock of a return."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from aftersale.kinds import CloseReason, Outcome, State
from aftersale.times import SECOND
from tests.cases import (
    BUYER,
    MERCHANT,
    TAGGED,
    approved,
    at,
    ended,
    entry,
    opened,
    rejected,
    sent_back,
    sign_off,
    signed_off,
    stamp,
)
from trial.workplace import Live, Workplace

SHIPPED = {"carrier": "sf", "tracking_no": "SF9"}
UNSEEN = {"signed_for_at": None}


@dataclass(frozen=True)
class Clock:
    """A case brought to a clock, the act that the clock waits for, and what follows it or its absence."""

    begin: Callable[..., Awaitable[Live]]
    begun_at: str
    last_second: str
    rules: tuple[str, ...]
    command: str
    by: tuple[str, str]
    leads_to: State
    silence: State | Outcome | CloseReason
    given: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)

    async def running(self, place: Workplace) -> Live:
        live = await self.begin(place, self.begun_at, order=self.order)
        status = await live.status()
        assert status.next.respond_by == at(self.last_second)
        assert status.deadlines[0].rules == self.rules
        return live


LONG_REVIEW, RECEIPT = ("S22", "S24"), ("S22", "S25")
TO_SEND, TO_TAKE_IN = State.AWAITING_BUYER_RETURN, State.AWAITING_MERCHANT_RECEIPT
APPROVAL = ("approve", MERCHANT, TO_SEND, TO_SEND)
SENDING = ("ship_back", BUYER, TO_TAKE_IN, CloseReason.NOT_SENT_BACK, SHIPPED)
TAKING_IN = ("confirm_receipt", MERCHANT, State.REFUNDING, Outcome.REFUNDED)
GIVING_UP = ("withdraw", BUYER, State.CLOSED, CloseReason.NOT_ESCALATED)

CLOCKS = {
    "five-day review": Clock(opened, "2024-02-15 23:59:59", "2024-02-20 23:59:59", LONG_REVIEW, *APPROVAL),
    "ordinary review": Clock(opened, "2024-06-03 10:00:00", "2024-06-05 10:00:00", (), *APPROVAL),
    "review just before S22": Clock(opened, "2024-01-29 23:59:59", "2024-01-31 23:59:59", (), *APPROVAL),
    "ordinary seven days to send back": Clock(approved, "2024-02-05 12:00:00", "2024-02-12 12:00:00", (), *SENDING),
    "tagged 28 days to send back": Clock(
        approved, "2024-02-01 23:59:59", "2024-02-29 23:59:59", ("S11", "S14"), *SENDING, order=TAGGED
    ),
    "fifteen-day receipt": Clock(sent_back, "2024-01-25 00:00:00", "2024-02-09 00:00:00", RECEIPT, *TAKING_IN),
    "receipt to 23:59:59": Clock(sent_back, "2024-02-01 23:59:59", "2024-02-16 23:59:59", RECEIPT, *TAKING_IN),
    "ordinary receipt": Clock(sent_back, "2024-06-03 10:00:00", "2024-06-10 10:00:00", (), *TAKING_IN),
    "fifteen-day inspection": Clock(
        signed_off, "2024-02-08 15:20:00", "2024-02-23 15:20:00", ("S22", "S26"), *TAKING_IN
    ),
    "inspection to 23:59:59": Clock(
        signed_off, "2024-02-15 23:59:59", "2024-03-01 23:59:59", ("S22", "S26"), *TAKING_IN
    ),
    "ordinary inspection": Clock(signed_off, "2024-06-03 10:00:00", "2024-06-05 10:00:00", (), *TAKING_IN),
    "escalation": Clock(rejected, "2024-02-05 23:59:59", "2024-02-12 23:59:59", (), *GIVING_UP),
}


@pytest.fixture(params=list(CLOCKS.values()), ids=list(CLOCKS))
def clock(request: pytest.FixtureRequest) -> Clock:
    found = request.param
    assert isinstance(found, Clock)
    return found


async def test_an_act_on_the_last_second_is_in_time(place: Workplace, clock: Clock) -> None:
    live = await clock.running(place)
    await live.until(at(clock.last_second))
    status = await live.act(clock.command, *clock.by, occurred_at=stamp(clock.last_second), **clock.given)
    assert status.state in (clock.leads_to, State.COMPLETED)
    assert not [each for each in status.timeline if each.event == "Lapsed"]


async def test_silence_takes_effect_one_second_after_the_last(place: Workplace, clock: Clock) -> None:
    live = await clock.running(place)
    before = (await live.status()).state
    await live.until(at(clock.last_second))
    assert (await live.status()).state is before, "a silence must not take effect on the last second itself"
    await live.until(at(clock.last_second) + 2 * SECOND)
    status = await (live.status() if isinstance(clock.silence, State) else ended(live))
    lapse = entry(status, "Lapsed")
    assert lapse.at == at(clock.last_second) + SECOND
    assert (lapse.by, lapse.rules) == ("timer", clock.rules)
    assert clock.silence in (status.state, status.outcome, status.close_reason)


async def test_an_approval_by_silence_starts_the_buyer_s_clock_at_the_lapse(place: Workplace) -> None:
    live = await opened(place, "2024-02-15 23:59:59")
    await live.until(at("2024-02-21 00:00:02"))
    clock = (await live.status()).deadlines[0]
    assert clock.started_at == at("2024-02-21 00:00:00")
    assert clock.due_at == at("2024-02-28 00:00:00")


async def test_a_tagged_order_bought_a_second_too_early_has_the_ordinary_seven_days(place: Workplace) -> None:
    order = {**TAGGED, "paid_at": "2024-01-28T23:59:59"}
    live = await approved(place, "2024-02-01 10:00:00", order=order)
    assert (await live.status()).next.respond_by == at("2024-02-08 10:00:00")


# R11: the carrier's sign-off replaces the receipt clock, whether earlier or later


async def test_a_sign_off_brings_the_merchant_s_deadline_forward(place: Workplace) -> None:
    live = await sent_back(place, "2024-06-03 10:00:00")
    assert (await live.status()).next.respond_by == at("2024-06-10 10:00:00")
    await live.until(at("2024-06-04 09:00:00"))
    status = await sign_off(live, "2024-06-04 09:00:00")
    assert [view.clock for view in status.deadlines] == ["merchant_inspection"]
    assert status.next.respond_by == at("2024-06-06 09:00:00")
    await live.until(at("2024-06-06 09:00:02"))
    assert entry(await ended(live), "Lapsed").at == at("2024-06-06 09:00:01")


async def test_a_sign_off_puts_the_merchant_s_deadline_back(place: Workplace) -> None:
    live = await sent_back(place, "2024-06-03 10:00:00")
    await live.until(at("2024-06-10 09:59:00"))
    status = await sign_off(live, "2024-06-10 09:59:00")
    assert status.next.respond_by == at("2024-06-12 09:59:00")
    await live.until(at("2024-06-11 10:00:00"))
    status = await live.act("confirm_receipt", *MERCHANT, occurred_at="2024-06-11T10:00:00")
    assert status.state in (State.REFUNDING, State.COMPLETED)


async def test_the_festival_s_inspection_outlasts_its_receipt(place: Workplace) -> None:
    live = await sent_back(place, "2024-02-01 10:00:00")
    assert (await live.status()).next.respond_by == at("2024-02-16 10:00:00")
    await live.until(at("2024-02-14 10:00:00"))
    status = await sign_off(live, "2024-02-14 10:00:00")
    assert (status.next.respond_by, status.deadlines[0].rules) == (at("2024-02-29 10:00:00"), ("S22", "S26"))


async def test_a_sign_off_on_the_receipt_s_last_second_is_in_time(place: Workplace) -> None:
    live = await sent_back(place, "2024-06-03 10:00:00", order=UNSEEN)
    await live.until(at("2024-06-10 10:00:00"))
    status = await sign_off(live, "2024-06-10 10:00:00")
    assert status.next.respond_by == at("2024-06-12 10:00:00")

"""To the second: the last instant in time, and the one after it, for every clock of every kind of case."""

import pytest

from aftersale.times import SECOND
from aftersale.vocabulary import State
from tests.support.case_waits import WAITS
from tests.support.cases import MERCHANT, TAGGED, approved, at, ended, entry, opened, sent_back, sign_off
from tests.support.waits import Wait, stands
from trial.environment import Workplace

UNSEEN = {"signed_for_at": None}


@pytest.fixture(params=list(WAITS.values()), ids=list(WAITS))
def wait(request: pytest.FixtureRequest) -> Wait:
    found = request.param
    assert isinstance(found, Wait)
    return found


async def test_an_act_on_the_last_second_is_in_time(place: Workplace, wait: Wait) -> None:
    live = await wait.begun(place)
    await live.until(wait.due - 2 * SECOND)  # as far ahead as a caller's clock may run: a slow machine fails no test
    await wait.act.take(live, wait.due)
    status = await stands(live, wait.leads_to)
    assert not wait.lapses(status)


async def test_silence_takes_effect_one_second_after_the_last(place: Workplace, wait: Wait) -> None:
    live = await wait.begun(place)
    await live.until(wait.lapse + SECOND)
    status = await stands(live, wait.silence)
    (lapse,) = wait.lapses(status)
    assert (lapse.by, lapse.clock, lapse.rules) == ("timer", wait.stands[1], wait.rules)
    assert lapse.recorded_at >= wait.lapse, "not on the last second itself"


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

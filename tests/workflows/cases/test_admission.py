"""Requests that the policy book decides on: how long a right lasts, and which lines may share a case."""

from typing import Any

from aftersale.vocabulary import State
from tests.support.cases import TAGGED, at, ended, entry, item, line, opened, refused
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"


async def test_a_request_of_a_day_ago_is_taken(place: Workplace) -> None:
    live = await opened(place, JUNE, requested_at="2024-06-02T10:00:00")
    status = await live.status()
    assert entry(status, "Opened").at == at("2024-06-02 10:00:00")
    assert status.deadlines[0].started_at == at("2024-06-02 10:00:00")


async def test_after_sale_service_ends_at_the_sixteenth_midnight(place: Workplace) -> None:
    order = {"confirmed_at": "2024-06-03T10:00:00"}
    live = await opened(place, "2024-06-18 23:59:59", order=order)
    assert (await live.status()).state is State.AWAITING_MERCHANT_REVIEW
    (problem,) = (await refused(await opened(place, "2024-06-19 00:00:00", order=order))).problems
    assert (problem.code, problem.field) == ("too_late", "order.confirmed_at")
    assert problem.message == "after-sale service ended at 2024-06-19T00:00:00+08:00; no new case"


async def test_cosmetics_can_be_taken_up_for_sixty_days(place: Workplace) -> None:
    order = {"confirmed_at": "2024-06-03T10:00:00", "categories": ["cosmetics"]}
    assert (await (await opened(place, "2024-08-02 23:59:59", order=order)).status()).problems == ()
    assert (await refused(await opened(place, "2024-08-03 00:00:00", order=order))).problems[0].code == "too_late"


async def test_lines_under_different_regimes_are_refused_with_the_split_to_make(place: Workplace) -> None:
    nonstop: dict[str, Any] = {"labels": ["spring_festival_nonstop"]}
    lines = [line(**nonstop), line("L2"), line("L3", **nonstop)]
    bought = {**TAGGED, "labels": [], "lines": lines}
    live = await opened(place, "2024-02-06 10:00:00", order=bought, items=[item(), item("L2"), item("L3")])
    (problem,) = (await refused(live)).problems
    assert (problem.code, problem.field) == ("split", "items")
    assert problem.message == "come under different limits; open 2 cases: one with L1, L3; one with L2"


async def test_lines_of_different_categories_share_a_case(place: Workplace) -> None:
    lines = [line(category="apparel"), line("L2", category="cosmetics")]
    live = await opened(place, "2024-02-06 10:00:00", order={"lines": lines}, items=[item(), item("L2")])
    status = await live.status()
    assert (status.problems, status.refund.amount_minor) == ((), 25800)


async def test_a_line_that_is_not_claimed_does_not_split_the_case(place: Workplace) -> None:
    lines = [line(labels=["spring_festival_nonstop"]), line("L2")]
    live = await opened(place, "2024-02-06 10:00:00", order={**TAGGED, "labels": [], "lines": lines})
    assert (await live.status()).state is State.AWAITING_MERCHANT_REVIEW


async def test_a_case_over_a_hundred_lines_is_one_case(place: Workplace) -> None:
    ids = [f"L{number}" for number in range(100)]
    live = await opened(place, JUNE, order={"lines": [line(each) for each in ids]}, items=[item(each) for each in ids])
    await live.act("withdraw", "buyer", "B-5")
    assert (await ended(live)).refund.amount_minor == 1290000

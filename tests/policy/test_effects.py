"""The effects of a clause on a clock, shown on notices made for the purpose (the shapes of other years)."""

from typing import Any

import pytest

from aftersale.errors import BadInput, PolicyFault
from tests.support.books import ask, at, due, notice, with_notices

START = "2024-06-03T10:00:00"
ORDINARY = "2024-06-05T10:00:00"


@pytest.mark.parametrize(
    ("effect", "deadline", "limit"),
    [
        ({"set": "P5D"}, "2024-06-08T10:00:00", "P5D"),
        ({"set": "P1D"}, ORDINARY, "PT48H"),
        ({"set": "P1D", "may_shorten": True}, "2024-06-04T10:00:00", "P1D"),
        ({"add": "P7D"}, "2024-06-12T10:00:00", "P9D"),
        ({"add": "PT30M"}, "2024-06-05T10:30:00", "P2DT30M"),
        ({"until": at("2024-06-20T23:59:59")}, "2024-06-20T23:59:59", None),
        ({"until": at("2024-06-04T23:59:59")}, ORDINARY, "PT48H"),
        ({"until": at("2024-06-04T23:59:59"), "may_shorten": True}, "2024-06-04T23:59:59", None),
        ({"cap": "PT12H", "may_shorten": True}, "2024-06-03T22:00:00", "PT12H"),
        ({"cap": "P3D", "may_shorten": True}, ORDINARY, "PT48H"),
        ({"unchanged": True}, ORDINARY, "PT48H"),
    ],
)
def test_an_effect_does_what_it_says(effect: dict[str, Any], deadline: str, limit: str | None) -> None:
    answer = ask("merchant_review", START, book=with_notices(notice({"id": "N1", "effect": effect})))
    assert (due(answer), answer.limit, answer.rules) == (deadline, limit, ("N1",))


def test_a_waiver_leaves_no_limit() -> None:
    answer = ask("merchant_review", START, book=with_notices(notice({"id": "N1", "effect": {"waive": True}})))
    assert (answer.waived, answer.due_at, answer.limit, answer.rules) == (True, None, None, ("N1",))


def test_a_limit_counts_from_the_midnight_where_the_clock_does() -> None:
    rule = {"id": "N1", "clock": "after_sale_validity", "effect": {"set": "P20D"}}
    answer = ask("after_sale_validity", START, book=with_notices(notice(rule)))
    assert (due(answer), answer.exclusive) == ("2024-06-24T00:00:00", True)


def test_the_epidemic_notice_added_days_by_application_and_region() -> None:
    affected = {"regions_any": ["shenzhen", "changchun"]}
    rule = {"id": "C1", "key": "started", "window": "w", "when": affected, "effect": {"add": "P7D"}}
    book = with_notices(notice(rule, windows={"w": ("2022-03-15T00:00:00", None)}))

    def review(started_at: str, region: str | None) -> str:
        return due(ask("merchant_review", started_at, book=book, order={"region": region}))

    assert review("2022-03-15T00:00:00", "shenzhen") == "2022-03-24T00:00:00"
    assert review("2022-03-14T23:59:59", "shenzhen") == "2022-03-16T23:59:59"
    assert review("2022-03-15T00:00:00", "beijing") == "2022-03-17T00:00:00"
    assert review("2022-03-15T00:00:00", None) == "2022-03-17T00:00:00"


@pytest.mark.parametrize(
    ("when", "inside", "outside"),
    [
        ({"regions_none": ["tibet"]}, {"region": "hebei"}, {"region": "tibet"}),
        ({"carriers_any": ["sf"]}, {"carrier": "sf"}, {"carrier": "yto"}),
        ({"shop_type_any": ["flagship"]}, {"shop_type": "flagship"}, {"shop_type": None}),
        ({"merchant_class": "global"}, {"merchant_class": "global"}, {"merchant_class": "shop"}),
        ({"categories_none": ["fresh"]}, {"categories": ["apparel"]}, {"categories": ["apparel", "fresh"]}),
        ({"services_none": ["instant_refund"]}, {"services": []}, {"services": ["instant_refund"]}),
    ],
)
def test_a_filter_binds_only_whom_it_names(
    when: dict[str, Any], inside: dict[str, Any], outside: dict[str, Any]
) -> None:
    book = with_notices(notice({"id": "N1", "when": when, "effect": {"set": "P5D"}}))
    assert ask("merchant_review", START, book=book, order=inside).rules == ("N1",)
    assert ask("merchant_review", START, book=book, order=outside).rules == ()


def test_the_scope_of_a_notice_binds_all_its_rules() -> None:
    book = with_notices(notice({"id": "N1", "effect": {"set": "P5D"}}, scope=["global"]))
    assert ask("merchant_review", START, book=book, order={"merchant_class": "global"}).rules == ("N1",)
    assert ask("merchant_review", START, book=book).rules == ()


def test_the_festival_of_2023_bound_only_merchants_who_opted_in() -> None:
    rule = {
        "id": "F1",
        "clock": "dispatch",
        "key": "paid",
        "window": "w",
        "effect": {"until": at("2023-02-04T23:59:59")},
        "opt_in": "order.merchant_delay.set_at",
        "opt_out": "order.delay_cancelled_at",
    }
    book = with_notices(notice(rule, windows={"w": ("2023-01-14T00:00:00", "2023-02-02T23:59:59")}))
    paid = "2023-01-20T10:00:00"

    def rules(**order: Any) -> tuple[str, ...]:
        return ask("dispatch", paid, book=book, order=order).rules

    switched_on, long_before = {"set_at": paid, "limit": "P1D"}, {"set_at": "2023-01-01T00:00:00", "limit": "P1D"}
    assert rules() == ()
    assert rules(merchant_delay=switched_on) == ("F1",)
    assert rules(merchant_delay={**switched_on, "set_at": "2023-01-20T10:00:01"}) == ()
    assert rules(merchant_delay=switched_on, delay_cancelled_at="2023-01-20T10:00:00") == ("F1",)
    assert rules(merchant_delay=long_before, delay_cancelled_at="2023-01-19T00:00:00") == ()


def test_the_festival_of_2026_went_by_the_day_of_payment() -> None:
    by_payment = {"clock": "dispatch", "key": "paid"}
    rules = [
        {"id": "F1", **by_payment, "window": "early", "effect": {"until": at("2026-02-24T23:59:59")}},
        {"id": "F2", **by_payment, "window": "late", "effect": {"set": "PT72H"}},
    ]
    early, late = ("2026-02-16T00:00:00", "2026-02-20T23:59:59"), ("2026-02-21T00:00:00", "2026-02-24T23:59:59")
    book = with_notices(notice(*rules, windows={"early": early, "late": late}))
    assert due(ask("dispatch", "2026-02-20T23:59:59", book=book)) == "2026-02-24T23:59:59"
    assert due(ask("dispatch", "2026-02-21T00:00:00", book=book)) == "2026-02-24T00:00:00"
    assert due(ask("dispatch", "2026-02-25T00:00:00", book=book)) == "2026-02-27T00:00:00"


def test_a_fact_may_stand_in_for_a_limit_and_another_for_want_of_it() -> None:
    effect = {"set": {"fact": "order.dispatch_promise", "else": "P4D"}}
    book = with_notices(notice({"id": "N1", "clock": "dispatch", "effect": effect}))
    without, promised = (
        ask("dispatch", START, book=book),
        ask("dispatch", START, book=book, order={"dispatch_promise": "P6D"}),
    )
    assert (due(without), without.rules) == ("2024-06-07T10:00:00", ("N1",))
    assert (due(promised), promised.rules) == ("2024-06-09T10:00:00", ("N1",))


def test_of_two_clauses_of_a_file_the_one_that_overrides_holds() -> None:
    rules = [{"id": "N1", "effect": {"set": "P5D"}}, {"id": "N2", "effect": {"set": "P6D"}, "overrides": ["N1"]}]
    assert ask("merchant_review", START, book=with_notices(notice(*rules))).rules == ("N2",)


def test_of_two_notices_the_one_that_supersedes_holds() -> None:
    first = notice({"id": "N1", "effect": {"set": "P5D"}}, id="first")
    second = notice({"id": "N1", "effect": {"set": "P6D"}}, id="second", supersedes=["first"])
    third = notice({"id": "N1", "effect": {"set": "P9D"}}, id="third", supersedes=["second"])
    assert due(ask("merchant_review", START, book=with_notices(first, second))) == "2024-06-09T10:00:00"
    assert due(ask("merchant_review", START, book=with_notices(third, first, second))) == "2024-06-12T10:00:00"


def test_a_clause_overrides_nothing_outside_its_own_file() -> None:
    one = notice({"id": "N1", "effect": {"set": "P5D"}}, id="one")
    rules = [{"id": "N1", "effect": {"set": "P1D"}}, {"id": "N2", "effect": {"set": "P6D"}, "overrides": ["N1"]}]
    with pytest.raises(
        PolicyFault, match="one N1 and two N2 hold at equal precedence; say which overrides or supersedes"
    ):
        ask("merchant_review", START, book=with_notices(one, notice(*rules, id="two")))


def test_the_payment_is_asked_for_only_where_all_else_holds() -> None:
    selector = {"id": "N1", "says": "paid in the window", "key": "paid", "window": "w"}
    rule = {"id": "N2", "under": "N1", "key": "started", "window": "w", "effect": {"set": "P5D"}}
    window = ("2024-06-01T00:00:00", "2024-06-30T23:59:59")
    book = with_notices(notice(rule, selector=[selector], windows={"w": window}))
    assert ask("merchant_review", "2024-07-01T00:00:00", book=book).rules == ()
    with pytest.raises(BadInput, match=r"order\.paid_at: is required: N1 selects on it; add the instant of payment"):
        ask("merchant_review", START, book=book)
    assert ask("merchant_review", START, book=book, order={"paid_at": START}).rules == ("N1", "N2")


def test_a_hub_clock_without_the_click_passes_the_notice_over_and_says_so() -> None:
    answer = ask("false_dispatch_hub", "2024-02-03T12:00:00")
    assert (due(answer), answer.rules) == ("2024-02-04T12:00:00", ())
    assert any("S30 is passed over: dispatch_clicked_at is not given" in line for line in answer.because)


def test_for_dispatch_the_start_is_the_payment() -> None:
    answer = ask("dispatch", "2024-02-02T00:00:00", order={"paid_at": "2024-01-01T00:00:00"})
    assert answer.rules == ("S16",)


def test_a_cancelled_delay_leaves_the_ordinary_limit_and_says_why() -> None:
    answer = ask("dispatch", "2024-02-10T09:00:01", order={"delay_cancelled_at": "2024-02-10T09:00:00"})
    assert answer.rules == ()
    assert any("S16 is passed over: the merchant cancelled it" in line for line in answer.because)


def test_a_window_ends_with_its_last_second_and_not_before() -> None:
    rule = {"id": "N1", "key": "started", "window": "w", "effect": {"set": "P5D"}}
    book = with_notices(notice(rule, windows={"w": ("2024-06-03T10:00:00", "2024-06-03T10:00:00")}))
    found = [
        bool(ask("merchant_review", f"2024-06-03T{moment}", book=book).rules)
        for moment in ("09:59:59", "10:00:00", "10:00:00.999", "10:00:01")
    ]
    assert found == [False, True, True, False]


def test_a_window_is_read_in_the_zone_of_its_file() -> None:
    rule = {"id": "N1", "key": "started", "window": "w", "effect": {"set": "P5D"}}
    book = with_notices(notice(rule, windows={"w": ("2024-06-03T00:00:00", None)}, zone="Asia/Tokyo"))
    assert ask("merchant_review", "2024-06-02T23:00:00", book=book).rules == ("N1",)
    assert ask("merchant_review", "2024-06-02T22:59:59", book=book).rules == ()

"""Answers by what was known at the time (R14): announcements, drafts, versions, and the edges of the data."""

from datetime import date
from typing import Any

import pytest

from aftersale.errors import BadInput, PolicyFault, PolicyGap
from aftersale.policy.book import Book
from aftersale.policy.facts import Question
from aftersale.policy.rules import PolicyFile
from aftersale.policy.service_terms import Settings
from aftersale.policy.services import Version
from aftersale.vocabulary import Clock, Service
from tests.support.books import BOOK, ask, due, notice, utc, with_notices

START = "2024-06-03T10:00:00"


@pytest.mark.parametrize(
    ("as_of", "rules"),
    [
        (None, ("S22", "S24")),
        ("2024-01-22T23:59:59", ()),
        ("2024-01-23T00:00:00", ("S22", "S24")),
        ("2024-01-22T16:00:00Z", ("S22", "S24")),
    ],
)
def test_a_notice_binds_from_midnight_of_its_date_in_its_zone(as_of: str | None, rules: tuple[str, ...]) -> None:
    assert ask("merchant_review", "2024-01-30T00:00:00", as_of=as_of).rules == rules


def test_an_agreement_binds_whatever_was_announced() -> None:
    answer = ask("buyer_return", START, as_of="2021-01-01T00:00:00", agreed_limits={"buyer_return": "P3D"})
    assert answer.rules == ("S15",)


@pytest.mark.parametrize("status", ["draft", "consultation", "repealed"])
def test_what_is_not_published_binds_nobody(status: str) -> None:
    cap = {"id": "N2", "says": "no pre-sale", "window": "w", "cap": "forbidden"}
    windows = {"w": ("2024-01-01T00:00:00", None)}
    file = notice({"id": "N1", "effect": {"set": "P5D"}}, windows=windows, presale=[cap], status=status)
    book = with_notices(file)
    assert ask("merchant_review", START, book=book).rules == ()
    assert book.presale(utc(START), "P30D").cap == "category"
    assert file in book.files


def _row(limit: str, **given: Any) -> PolicyFile:
    row = {
        "id": limit,
        "clock": "payout",
        "limit": limit,
        "on_timeout": "alert",
        "basis": "assumed",
        "reason": "a test",
    }
    title = {"en": "limits made for a test"}
    return PolicyFile.model_validate({"id": limit, "title": title, "zone": "Asia/Shanghai", "limit": [row | given]})


def test_an_ordinary_limit_is_the_version_in_force_when_its_clock_starts() -> None:
    change = date(2024, 6, 3)
    book = Book([_row("P1D", effective_until=change), _row("P2D", effective_from=change)])
    assert ask("payout", "2024-06-02T23:59:59", book=book).limit == "P1D"
    assert ask("payout", "2024-06-03T00:00:00", book=book).limit == "P2D"


def test_two_ordinary_limits_at_once_are_refused_by_name() -> None:
    with pytest.raises(PolicyFault, match="ordinary limits P1D and P2D both hold; narrow their `when` or their dates"):
        ask("payout", START, book=Book([_row("P1D"), _row("P2D")]))


def test_before_its_data_the_book_names_what_it_knows() -> None:
    known = "started_at: no limit for fresh_damage_window is in force at 2021-08-09T23:59:59.*from 2021-08-10 until"
    with pytest.raises(PolicyGap, match=known):
        ask("fresh_damage_window", "2021-08-09T23:59:59")
    assert due(ask("fresh_damage_window", "2021-08-10T00:00:00")) == "2021-08-11T00:00:00"


@pytest.mark.parametrize("clock", list(Clock))
def test_every_clock_refuses_what_lies_before_its_data(clock: Clock) -> None:
    with pytest.raises(PolicyGap, match="the book knows"):
        ask(clock, "2013-01-01T00:00:00")


def test_a_clock_without_any_limit_is_refused() -> None:
    with pytest.raises(PolicyGap, match="the book knows no limit for this clock at all"):
        ask("payout", START, book=Book([]))


def test_facts_that_no_limit_fits_are_refused_with_the_rows_there_are() -> None:
    book = Book([_row("P1D", when={"kind": "refund"})])
    with pytest.raises(PolicyGap, match="no ordinary limit fits these facts; the book knows P1D"):
        ask("payout", START, book=book)


def test_a_presale_without_its_promise_names_the_field() -> None:
    with pytest.raises(BadInput, match=r"order\.dispatch_promise: is required for the dispatch clock; add it"):
        ask("dispatch", START, order={"sale_mode": "pre_sale"})


def test_same_day_dispatch_waits_for_its_cut_off_hour() -> None:
    with pytest.raises(PolicyGap, match=r"cut-off hour.*publish the hour"):
        ask("dispatch", START, order={"services": ["same_day_dispatch"]})


def test_the_version_names_what_the_book_says() -> None:
    changed = [
        file.model_copy(update={"source": "another text"}) if file.tier == "notice" else file for file in BOOK.files
    ]
    assert Book(changed, name=BOOK.name).version != BOOK.version
    shown = [file.model_copy(update={"example": ()}) for file in BOOK.files]
    assert Book(shown, BOOK.services.files, name=BOOK.name).version == BOOK.version
    assert ask("merchant_review", START).policy_version == BOOK.version


def test_a_presale_cap_binds_once_announced() -> None:
    assert BOOK.presale(utc("2024-01-16T00:00:00"), "P11D", utc("2024-01-22T23:59:59")).allowed
    assert not BOOK.presale(utc("2024-01-16T00:00:00"), "P11D", utc("2024-01-23T00:00:00")).allowed


def test_a_later_cap_goes_before_the_return_to_the_category() -> None:
    cap = {"id": "N1", "says": "at most five days", "window": "w", "cap": "P5D"}
    later = notice(id="later", presale=[cap], windows={"w": ("2025-01-01T00:00:00", "2025-01-31T23:59:59")})
    book = Book([*BOOK.files, later])
    assert book.presale(utc("2025-01-15T00:00:00"), "P6D").model_dump() == {
        "allowed": False,
        "cap": "P5D",
        "rules": ("N1",),
    }
    assert book.presale(utc("2025-02-01T00:00:00"), "P6D").rules == ("S21",)


def test_two_caps_at_once_are_refused_by_name_unless_one_supersedes() -> None:
    def cap(name: str, limit: str, **given: Any) -> PolicyFile:
        row = {"id": name, "says": "a cap", "window": "w", "cap": limit}
        return notice(id=name, presale=[row], windows={"w": ("2025-01-01T00:00:00", None)}, **given)

    moment = utc("2025-01-15T00:00:00")
    with pytest.raises(PolicyFault, match="presale: A and B hold at once; let one file supersede the other"):
        Book([cap("A", "P5D"), cap("B", "P6D")]).presale(moment, "P1D")
    assert Book([cap("A", "P5D"), cap("B", "P6D", supersedes=["A"])]).presale(moment, "P6D").rules == ("B",)


def test_lines_of_an_order_may_share_a_case_while_no_clause_tells_them_apart() -> None:
    def bearing(since: str, **given: Any) -> frozenset[str]:
        facts = Question.model_validate({"clock": "merchant_review", "started_at": since, **given})
        return BOOK.clauses_bearing_on(facts, [Clock.MERCHANT_REVIEW, Clock.FALSE_DISPATCH_HUB], utc(since))

    tagged = {"labels": ["spring_festival_nonstop"], "paid_at": "2024-02-05T09:00:00"}
    assert bearing("2024-02-05T10:00:00", order=tagged) != bearing("2024-02-05T10:00:00")
    assert "merchant_review:S24" not in bearing("2024-03-01T00:00:00")
    clicked = {"dispatch_clicked_at": "2024-02-22T23:59:59"}
    assert "false_dispatch_hub:S30" in bearing("2024-02-24T00:00:00", **clicked)
    assert "false_dispatch_hub:S30" not in bearing("2024-02-24T00:00:00")


HOUR = {"services": ["same_day_dispatch"], "same_day_cut_off": "16:00"}


def test_same_day_dispatch_turns_at_the_second_of_its_cut_off_hour() -> None:
    before, after = (
        ask("dispatch", "2024-06-03T15:59:59", order=HOUR),
        ask("dispatch", "2024-06-03T16:00:00", order=HOUR),
    )
    assert (due(before), due(after)) == ("2024-06-03T23:59:59", "2024-06-04T23:59:59")
    assert (before.limit, before.rules) == (None, ())


def test_the_hour_that_the_service_sets_goes_before_the_order_s_own() -> None:
    def published(version: Version) -> Version:
        hour = Settings.model_validate({"cut_off": "18:00"})
        return version if version.keeps else version.model_copy(update={"settings": hour})

    files = [
        file.model_copy(update={"version": tuple(map(published, file.version))})
        if file.service is Service.SAME_DAY_DISPATCH
        else file
        for file in BOOK.services.files
    ]
    book = Book(BOOK.files, files)
    early, late = "2024-06-03T17:59:59", "2024-06-03T18:00:00"
    assert due(ask("dispatch", early, book=book, order=HOUR)) == "2024-06-03T23:59:59"
    assert due(ask("dispatch", late, book=book, order={"services": ["same_day_dispatch"]})) == "2024-06-04T23:59:59"
    assert due(ask("dispatch", early, order=HOUR)) == "2024-06-04T23:59:59"


def test_a_carrier_s_words_name_a_hub_by_the_book_s_open_list() -> None:
    assert BOOK.is_hub("快件已到达【杭州转运中心】") and BOOK.is_hub("离开广州分拨中心")
    assert not BOOK.is_hub("快件已由【西湖营业部】揽收")

"""Properties of every answer, whatever is asked."""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersale.errors import BadInput, PolicyGap
from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.policy.rules import PolicyFile
from aftersale.times import POLICY_ZONE, parse_instant, span
from aftersale.vocabulary import CaseKind, Clock, MerchantClass, SaleMode, Service, Tier
from tests.support.books import BOOK, notice, with_notices

ADDED = re.compile(r"^[^:]+: (\S+) \+ (P\S+) = (\S+) \(")
FIXED = re.compile(r"^[^:]+: until (\S+) \(")
STANDS = re.compile(r" (\d{4}-\S+) (?:is later and )?stands")
DUE = re.compile(r"^due (\S+), ")

# Around the festival, so that windows are hit often, at the second where it matters.
FESTIVAL = st.datetimes(datetime(2024, 1, 10), datetime(2024, 3, 5)).map(lambda moment: moment.replace(microsecond=0))
EDGES = st.sampled_from(
    [datetime(2024, 1, 30), datetime(2024, 1, 29, 23, 59, 59), datetime(2024, 2, 2), datetime(2024, 2, 20, 23, 59, 59)]
)
MOMENTS = st.one_of(FESTIVAL, EDGES).map(lambda moment: moment.replace(tzinfo=POLICY_ZONE).isoformat())
LIMITS = st.sampled_from(["PT1S", "PT12H", "P1D", "P3DT4H5M6S", "P10D", "P2W"])
DELAYS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"set_at": MOMENTS, "limit": LIMITS}),
    st.fixed_dictionaries({"set_at": MOMENTS, "until": MOMENTS}),
)
ORDERS = st.fixed_dictionaries(
    {
        "paid_at": MOMENTS,
        "labels": st.sampled_from([[], ["spring_festival_nonstop"], ["other"]]),
        "sale_mode": st.sampled_from([mode.value for mode in SaleMode]),
        "merchant_class": st.sampled_from([each.value for each in MerchantClass]),
        "shop_type": st.sampled_from([None, "special", "flagship"]),
        "services": st.lists(st.sampled_from([each.value for each in Service]), max_size=2),
        "categories": st.sampled_from([[], ["cosmetics"], ["fresh", "cosmetics"]]),
        "dispatch_promise": LIMITS,
        "merchant_delay": DELAYS,
        "delay_cancelled_at": st.one_of(st.none(), MOMENTS),
        "same_day_cut_off": st.sampled_from(["00:00", "16:00", "23:59"]),
    }
)
QUESTIONS = st.fixed_dictionaries(
    {
        "clock": st.sampled_from([clock.value for clock in Clock]),
        "started_at": MOMENTS,
        "kind": st.sampled_from([kind.value for kind in CaseKind]),
        "dispatched": st.booleans(),
        "dispatch_clicked_at": st.one_of(st.none(), MOMENTS),
        "tier": st.sampled_from([tier.value for tier in Tier]),
        "order": ORDERS,
    },
    optional={"extensions": st.lists(LIMITS, max_size=2), "held": LIMITS},
)
AGREEMENTS = st.dictionaries(st.sampled_from([clock.value for clock in Clock]), LIMITS, max_size=12)


def _ask(asked: dict[str, Any], book: Book = BOOK) -> Deadline:
    return book.ask(Question.model_validate(asked))


@given(asked=QUESTIONS)
def test_no_rule_but_an_agreement_shortens_a_limit(asked: dict[str, Any]) -> None:
    answer = _ask(asked)
    assert answer.waived or (answer.due_at is not None and answer.due_at >= answer.ordinary_due_at)


@given(asked=QUESTIONS, agreed=AGREEMENTS)
def test_no_deadline_lies_before_its_start(asked: dict[str, Any], agreed: dict[str, str]) -> None:
    answer = _ask({**asked, "agreed_limits": agreed})
    assert answer.ordinary_due_at > answer.started_at
    assert answer.due_at is None or answer.due_at > answer.started_at


@given(asked=QUESTIONS, effect=st.sampled_from(["set", "until"]), limit=LIMITS, until=FESTIVAL, shorten=st.booleans())
def test_a_rule_shortens_only_where_it_says_so(
    asked: dict[str, Any], effect: str, limit: str, until: datetime, shorten: bool
) -> None:
    given_effect = {effect: limit if effect == "set" else until, "may_shorten": shorten}
    book = with_notices(notice({"id": "N1", "clock": [clock.value for clock in Clock], "effect": given_effect}))
    answer = _ask({**asked, "extensions": [], "held": None}, book)
    assert answer.due_at is not None
    assert answer.due_at >= answer.ordinary_due_at or (shorten and answer.clock is not Clock.NO_REASON_WINDOW)


@given(asked=QUESTIONS, agreed=AGREEMENTS)
def test_the_reasons_add_up_to_the_answer(asked: dict[str, Any], agreed: dict[str, str]) -> None:
    answer = _ask({**asked, "agreed_limits": agreed})
    assert answer.because
    led_to = None
    for line in answer.because:
        if added := ADDED.match(line):
            base, limit, result = added.groups()
            assert parse_instant(base) + span(limit) == parse_instant(result)
            led_to = parse_instant(result)
        elif fixed := FIXED.match(line) or STANDS.search(line):
            led_to = parse_instant(fixed[1])
        elif told := DUE.match(line):
            assert parse_instant(told[1]) == led_to == answer.due_at
    assert answer.waived or DUE.match(answer.because[-1])


@given(asked=QUESTIONS)
def test_utc_beijing_time_and_no_zone_at_all_say_the_same(asked: dict[str, Any]) -> None:
    def rewritten(given: Any, how: Any) -> Any:
        if isinstance(given, dict):
            return {name: rewritten(each, how) for name, each in given.items()}
        return how(given) if isinstance(given, str) and given.endswith("+08:00") else given

    in_utc = rewritten(asked, lambda text: datetime.fromisoformat(text).astimezone(UTC).isoformat())
    with_z = {**in_utc, "started_at": in_utc["started_at"].replace("+00:00", "Z")}
    zoneless = rewritten(asked, lambda text: text.removesuffix("+08:00"))
    assert _ask(asked) == _ask(in_utc) == _ask(with_z) == _ask(zoneless)


@given(asked=QUESTIONS, fraction=st.integers(min_value=1, max_value=999_999))
def test_a_fraction_of_a_second_changes_nothing(asked: dict[str, Any], fraction: int) -> None:
    moment = asked["started_at"].replace("+08:00", f".{fraction:06}+08:00")
    assert _ask({**asked, "started_at": moment}) == _ask(asked)


@settings(max_examples=40)
@given(asked=QUESTIONS, seed=st.integers())
def test_the_order_of_files_and_of_rows_in_them_does_not_matter(asked: dict[str, Any], seed: int) -> None:
    book = _shuffled(random.Random(seed))
    assert book.version == BOOK.version
    assert _ask(asked, book) == _ask(asked)


def _shuffled(chance: random.Random) -> Book:
    files = [_with_rows_shuffled(file, chance) for file in BOOK.files]
    chance.shuffle(files)
    return Book(files, BOOK.services.files, name=BOOK.name, revision=BOOK.revision)


def _with_rows_shuffled(file: PolicyFile, chance: random.Random) -> PolicyFile:
    tables = ("window", "selector", "rule", "presale", "limit", "subject", "example")
    return file.model_copy(
        update={table: tuple(chance.sample(getattr(file, table), len(getattr(file, table)))) for table in tables}
    )


@given(moment=FESTIVAL, limit=LIMITS, seed=st.integers())
def test_a_presale_is_judged_alike_in_any_order(moment: datetime, limit: str, seed: int) -> None:
    at = moment.replace(tzinfo=POLICY_ZONE)
    assert _shuffled(random.Random(seed)).presale(at, limit) == BOOK.presale(at, limit)


@given(asked=QUESTIONS, agreed=AGREEMENTS, missing=st.sampled_from(["paid_at", "dispatch_promise"]))
def test_a_question_is_answered_or_refused_by_name(asked: dict[str, Any], agreed: dict[str, str], missing: str) -> None:
    order = {name: each for name, each in asked["order"].items() if name != missing}
    try:
        _ask({**asked, "agreed_limits": agreed, "order": order})
    except BadInput as error:
        assert f"order.{missing}: is required" in str(error)


@given(days=st.integers(min_value=-3000, max_value=3000))
def test_outside_its_dates_the_book_refuses_and_inside_it_answers(days: int) -> None:
    first = parse_instant("2021-01-01T00:00:00")
    started_at = first + timedelta(days=days)
    asked = {"clock": "merchant_review", "started_at": started_at.isoformat()}
    if started_at >= first:
        assert _ask(asked).due_at
    else:
        with pytest.raises(PolicyGap, match=r"the book knows .*from 2021-01-01"):
            _ask(asked)

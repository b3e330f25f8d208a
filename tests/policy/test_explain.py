"""Questions in, explanations out: one object or many lines, and what is said of a bad one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersale.policy.explain import SHOWN, explain_bytes, explain_text, json_line
from tests.support.books import BOOK

GOOD: dict[str, Any] = {"clock": "merchant_review", "started_at": "2024-01-30T00:00:00+08:00"}
LINE = json.dumps(GOOD)

WHOLE = GOOD | {
    "kind": "return",
    "as_of": None,
    "dispatched": True,
    "dispatch_clicked_at": None,
    "tier": "merchant",
    "agreed_limits": {},
    "extensions": [],
    "held": None,
    "order": {
        "paid_at": "2024-01-20T09:00:00+08:00",
        "labels": [],
        "sale_mode": "in_stock",
        "merchant_class": "shop",
        "shop_type": None,
        "services": [],
        "categories": [],
        "dispatch_promise": None,
        "merchant_delay": None,
        "delay_cancelled_at": None,
        "region": None,
    },
}


def _answers(text: str) -> list[dict[str, Any]]:
    return list(explain_text(BOOK, text))


def _errors(text: str) -> list[str | None]:
    return [answer.get("error") for answer in _answers(text)]


def test_a_whole_question_is_answered_in_the_public_shape() -> None:
    (answer,) = _answers(json.dumps(WHOLE))
    reasons = answer.pop("because")
    assert tuple(answer) == tuple(name for name in SHOWN if name != "because")
    assert json.loads(json_line(answer)) == {
        "due_at": "2024-02-04T00:00:00+08:00",
        "exclusive": False,
        "ordinary_due_at": "2024-02-01T00:00:00+08:00",
        "limit": "P5D",
        "waived": False,
        "rules": ["S22", "S24"],
        "policy_version": BOOK.version,
        "on_timeout": "auto_approve",
        "counts_for_score": True,
    }
    assert "S24: 2024-01-30T00:00:00+08:00 + P5D = 2024-02-04T00:00:00+08:00" in " ".join(reasons)


def test_the_defaults_are_those_that_the_whole_question_shows() -> None:
    assert _answers(LINE) == _answers(json.dumps(WHOLE))


def test_an_object_may_be_written_over_several_lines() -> None:
    assert _answers(json.dumps(GOOD, indent=2)) == _answers(LINE)


def test_a_broken_object_over_several_lines_is_told_once() -> None:
    text = json.dumps(GOOD, indent=2).replace(",\n", "\n")
    (error,) = _errors(text)
    assert error is not None
    assert "at line 3 column 3" in error


def test_lines_are_answered_in_their_order_and_blank_ones_skipped() -> None:
    other = LINE.replace("merchant_review", "buyer_return")
    answers = _answers(f"{LINE}\r\n\r\n{other}\n  \n{LINE}")
    assert [answer["limit"] for answer in answers] == ["P5D", "P7D", "P5D"]


@pytest.mark.parametrize("bad", ["{", '{"clock": "merch', "x", "[]", "null", '"x"', '{"clock": "x"}', "[" * 100_000])
def test_a_bad_line_is_answered_in_its_place_and_the_others_are_answered(bad: str) -> None:
    for text, place in ((f"{bad}\n{LINE}\n{LINE}", 0), (f"{LINE}\n{bad}\n{LINE}", 1), (f"{LINE}\n{LINE}\n{bad}", 2)):
        errors = _errors(text)
        assert len(errors) == 3
        assert [at for at, error in enumerate(errors) if error] == [place]


def test_a_line_that_is_not_utf_8_is_answered_in_its_place() -> None:
    errors = [answer.get("error") for answer in explain_bytes(BOOK, f"{LINE}\n".encode() + b'{"clock": "\xff"}\n')]
    assert errors == [None, "not a JSON object: it is not UTF-8; save it as UTF-8; write one object per line"]


def test_a_byte_order_mark_is_read_over() -> None:
    assert list(explain_bytes(BOOK, b"\xef\xbb\xbf" + LINE.encode())) == _answers(LINE)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x1c"])
def test_what_looks_like_a_line_end_within_a_text_ends_no_line(separator: str) -> None:
    label = json.dumps({**GOOD, "order": {"labels": [f"a{separator}b"]}}, ensure_ascii=False)
    answers = _answers(f"{label}\n{LINE}")
    assert len(answers) == 2
    assert "error" not in answers[1]
    (error,) = _errors(json.dumps({**GOOD, f"a{separator}b": 1}))
    assert error is not None
    assert len(json_line({"error": error}).splitlines()) == 1


def test_a_lone_surrogate_can_be_answered_and_written() -> None:
    (answer,) = _answers(
        '{"clock": "merchant_review", "started_at": "2024-01-30T00:00:00", "order": {"region": "\\ud800"}}'
    )
    assert b"order.region: write a text of whole characters" in json_line(answer).encode()
    assert json_line({"error": "\ud800"}).encode() == b'{"error": "\\ud800"}'


def test_an_empty_input_says_what_to_write() -> None:
    assert _errors("") == _errors(" \n\n") == _errors("\ufeff".strip("\ufeff"))
    assert "no question given; write a JSON object" in str(_errors("")[0])


@given(text=st.text(max_size=200))
def test_no_text_whatever_raises(text: str) -> None:
    assert all("error" in answer for answer in _answers(text))


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=10)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(field=st.sampled_from([*WHOLE, *WHOLE["order"]]), value=JSON)
def test_no_value_whatever_raises(field: str, value: Any) -> None:
    question = (
        {**WHOLE, "order": {**WHOLE["order"], field: value}} if field in WHOLE["order"] else {**WHOLE, field: value}
    )
    (answer,) = _answers(json.dumps(question))
    assert json_line(answer)
    assert "error" not in answer or field in answer["error"] or answer["error"].startswith("order:")


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"clock": None}, "clock: should be"),
    ({"clock": "review"}, "clock: should be 'merchant_review', 'offer_response'"),
    ({"started_at": None}, "started_at: write an instant as 2024-02-01T00:00:00+08:00"),
    ({"started_at": 1706544000}, "started_at: write an instant as"),
    ({"started_at": "2024-01-30"}, "started_at: write an instant as"),
    ({"started_at": "2024-02-30T00:00:00"}, "started_at: no such instant in the calendar"),
    ({"started_at": "2024-01-30T24:00:00"}, "started_at: "),
    ({"started_at": "2024-01-30T00:00:00+99:00"}, "started_at: no such instant in the calendar"),
    ({"started_at": "0001-01-01T00:00:00+08:00"}, "started_at: beyond the calendar; write a year from 0002 to 9998"),
    ({"started_at": "9999-12-31T23:00:00Z"}, "started_at: beyond the calendar; write a year"),
    ({"started_at": "9998-12-31T23:00:00Z", "extensions": ["P99999D"] * 4}, "past the calendar's end"),
    ({"started_at": "2020-12-31T23:59:59"}, "the book knows merchant_review from 2021-01-01"),
    ({"as_of": "now"}, "as_of: write an instant"),
    ({"kind": "Return"}, "kind: should be 'refund', 'return'"),
    ({"dispatched": "no"}, "dispatched: write true or false, without quotes; given 'no'"),
    ({"dispatched": 1}, "dispatched: write true or false"),
    ({"tier": "officer"}, "tier: should be 'merchant' or 'platform'"),
    ({"dispatch_clicked_at": "yesterday"}, "dispatch_clicked_at: write an instant"),
    ({"agreed_limits": ["P10D"]}, "agreed_limits: write an object, in { }"),
    ({"agreed_limits": {"review": "P10D"}}, "agreed_limits.review: should be 'merchant_review'"),
    ({"agreed_limits": {"merchant_review": "10 days"}}, "agreed_limits.merchant_review: write a duration as P5D"),
    ({"agreed_limits": {"merchant_review": "P0D"}}, "agreed_limits.merchant_review: must be longer than nothing"),
    ({"extensions": "P7D"}, "extensions: write a list, in [ ]"),
    ({"extensions": ["-P7D"]}, "extensions.0: write a duration as P5D"),
    ({"extensions": ["P1M"]}, "months and fractions have no fixed length"),
    ({"held": 5}, "held: write a text, in quotes; given 5"),
    ({"deadline": "P7D"}, "deadline: is not a known field; remove it or correct its spelling"),
    ({"order": []}, "order: write an object, in { }"),
    ({"order": {"payed_at": None}}, "order.payed_at: is not a known field"),
    ({"order": {"labels": "tagged"}}, "order.labels: write a list, in [ ]"),
    ({"order": {"services": ["express"]}}, "order.services.0: should be 'authenticity'"),
    ({"order": {"merchant_delay": {"set_at": "2024-02-01T00:00:00"}}}, "order.merchant_delay: give either limit (P3D)"),
    ({"order": {"merchant_delay": {"limit": "P3D"}}}, "order.merchant_delay.set_at: is required; add it"),
    ({"order": {"sale_mode": "presale"}}, "order.sale_mode: should be 'in_stock' or 'pre_sale'"),
]


@pytest.mark.parametrize(("change", "words"), MALFORMED, ids=[words[:40] for _, words in MALFORMED])
def test_a_malformed_question_names_the_field_and_the_remedy(change: dict[str, Any], words: str) -> None:
    (error,) = _errors(json.dumps(GOOD | change))
    assert error is not None
    assert words in error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "clock: is required; add it; started_at: is required; add it"),
        ("[]", "a question is a JSON object such as"),
        ("null", "a question is a JSON object such as"),
        ('{"clock": "payout", "clock": "payout"}', "field 'clock' is given twice; keep one"),
        ('{"clock": NaN}', "NaN is not JSON"),
        ("{'clock': 1}", "Expecting property name enclosed in double quotes at column 2"),
        ("[" * 100_000, "nested too deeply"),
        (f'{{"started_at": {"9" * 5000}}}', "not a JSON object"),
        ("", "no question given"),
    ],
)
def test_what_is_no_question_is_told_what_one_looks_like(text: str, words: str) -> None:
    (error,) = _errors(text)
    assert error is not None
    assert words in error


def test_an_error_stays_short_whatever_was_given() -> None:
    (error,) = _errors(json.dumps({**GOOD, "x" * 100_000: 1, "order": {"labels": "y" * 100_000}}))
    assert error is not None
    assert len(error) < 400

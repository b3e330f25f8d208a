"""Answers of services are read leniently: what is unknown is left aside, what is too long is cut or refused."""

import json
from typing import Any

import pytest

from activities.answers import UnreadableAnswer, read_answer
from activities.payments import Payment
from aftersale.bounds import REASON, REFERENCE
from aftersale.guarantees.claims import Approval
from aftersale.guarantees.freight_insurance import InsurerAnswer
from aftersale.guarantees.home_pickup import Pickup
from aftersale.money import Settlement
from aftersale.schema import Schema
from tests.support.platform_fixtures import instruction

KEY = "case/C-1/refund/1"
MONEY = {"amount_minor": 1_000, "currency": "CNY"}
LINES = [{"order_line_id": "L1", "amount_minor": 1_000}]
HELD = instruction(amount_minor=1_000, lines=tuple(LINES)).model_dump(mode="json", exclude_defaults=True)

ANSWERS: dict[type[Schema], dict[str, Any]] = {
    Settlement: {"key": KEY, "status": "succeeded", "provider_ref": "T-1"},
    Payment: {**HELD, "status": "declined", "reason": "closed"},
    Approval: {"key": KEY, "decision": "approve", "lines": LINES},
    InsurerAnswer: {"key": KEY, "decision": "paid", "amount": MONEY, "reference": "F-1"},
    Pickup: {"key": KEY, "status": "booked", "tracking_no": "SF1", "slot_from": "2024-06-03T10:00:00+08:00"},
}
"""One of each that services may give."""

NEEDED = {
    Settlement: "status",
    Payment: "amount_minor",
    Approval: "decision",
    InsurerAnswer: "amount",
    Pickup: "status",
}

each_answer = pytest.mark.parametrize("model", ANSWERS, ids=lambda model: model.__name__)


def read(model: type[Schema], said: Any) -> dict[str, Any]:
    return read_answer(model, json.dumps(said).encode()).model_dump(mode="json")


@each_answer
def test_a_field_that_nobody_knows_is_left_aside_wherever_it_stands(model: type[Schema]) -> None:
    def more(said: Any) -> Any:
        if isinstance(said, dict):
            return {name: more(value) for name, value in said.items()} | {"trace_id": "4711", "links": [{"self": "/"}]}
        return [more(each) for each in said] if isinstance(said, list) else said

    assert read(model, more(ANSWERS[model])) == read(model, ANSWERS[model])


@each_answer
def test_what_is_needed_and_missing_or_of_another_type_is_a_fault_that_names_it(model: type[Schema]) -> None:
    needed = NEEDED[model]
    without = {name: value for name, value in ANSWERS[model].items() if name != needed}
    for said in (without, {**without, needed: ["6222000000000000"]}):
        with pytest.raises(UnreadableAnswer) as raised:
            read(model, said)
        assert needed in str(raised.value) or "the whole" in str(raised.value)
        assert "6222" not in str(raised.value)


@each_answer
def test_no_text_of_an_answer_is_longer_than_its_bound(model: type[Schema]) -> None:
    for name in model.model_fields:
        try:
            found = read(model, ANSWERS[model] | {name: "x" * 60_000})
        except UnreadableAnswer as error:
            assert len(str(error)) < 200
        else:
            assert name == "key" or len(found[name]) <= REASON


@pytest.mark.parametrize(
    ("model", "name", "most"),
    [
        (Settlement, "reason", REASON),
        (Payment, "reason", REASON),
        (Approval, "note", REASON),
        (InsurerAnswer, "reason", REASON),
        (InsurerAnswer, "reference", REFERENCE),
        (Pickup, "reason", REASON),
    ],
)
def test_words_are_cut_where_they_are_too_long_and_say_so(model: type[Schema], name: str, most: int) -> None:
    assert read(model, ANSWERS[model] | {name: "言" * most})[name] == "言" * most
    assert read(model, ANSWERS[model] | {name: "言" * (most + 1)})[name] == "言" * (most - 1) + "…"


def test_a_nul_in_words_is_replaced_since_no_database_keeps_it() -> None:
    assert read(Settlement, ANSWERS[Settlement] | {"reason": "a\0b"})["reason"] == "a�b"


@pytest.mark.parametrize("given", ["T" * (REFERENCE + 1), "T\0"], ids=["too long", "NUL"])
@pytest.mark.parametrize("model", [Settlement, Payment])
def test_a_reference_that_books_are_compared_by_is_refused_and_not_cut(model: type[Schema], given: str) -> None:
    assert read(model, ANSWERS[model] | {"provider_ref": "T" * REFERENCE})["provider_ref"] == "T" * REFERENCE
    with pytest.raises(UnreadableAnswer, match=r"provider_ref, which must have 200 characters at most, and no NUL"):
        read(model, ANSWERS[model] | {"provider_ref": given})


def test_a_tracking_number_that_scans_are_matched_by_is_refused_and_not_cut() -> None:
    with pytest.raises(UnreadableAnswer, match="tracking_no"):
        read(Pickup, ANSWERS[Pickup] | {"tracking_no": "S" * 65})


def test_an_insurers_reference_may_be_in_any_words_of_its_own() -> None:
    assert read(InsurerAnswer, ANSWERS[InsurerAnswer] | {"reference": "运费险 2024/7"})["reference"] == "运费险 2024/7"


def test_a_fault_names_a_few_fields_however_many_are_wrong() -> None:
    with pytest.raises(UnreadableAnswer) as raised:
        read(Payment, ANSWERS[Payment] | {"lines": [{}] * 1_000})
    assert str(raised.value).startswith("lines.0.order_line_id, lines.0.amount_minor, ")
    assert str(raised.value).endswith(" and 1995 more")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"null", b"[]", b"7", b'"paid"', b'{"key": ', b"\xff", b"[" * 60_000]
)
def test_what_is_no_answer_at_all_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnreadableAnswer, match="the whole"):
        read_answer(Settlement, content)

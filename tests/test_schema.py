"""Every shape that crosses an edge is closed, strict, and the same after a journey through JSON."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aftersale.contract.commands import PAYLOADS, ParcelEvent, parse, read
from aftersale.contract.request import CaseRequest
from aftersale.errors import BadInput
from aftersale.schema import Id, Instant, Limit, is_id
from aftersale.vocabulary import Command
from tests.support.cases import request

GOOD = st.text("ABCXYZabcxyz0189._-", min_size=1, max_size=64)


@given(GOOD)
def test_a_reference_of_plain_characters_is_taken(text: str) -> None:
    assert is_id(text)
    assert TypeAdapter(Id).validate_python(text) == text


@given(
    st.text().filter(
        lambda text: not set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    )
)
def test_a_reference_with_any_other_character_is_refused(text: str) -> None:
    assert not is_id(text)


@pytest.mark.parametrize("wrong", ["", "A" * 65, "A\n", "Ａ", "A/B", "A B", None, 7, b"A"])
def test_what_is_no_reference_is_refused(wrong: object) -> None:
    assert not is_id(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(wrong)


def test_the_edges_of_a_reference() -> None:
    assert is_id("A")
    assert is_id("A" * 64)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2190, 1, 1)))
def test_an_instant_survives_its_journey(moment: datetime) -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(Instant)
    instant = moment.replace(tzinfo=UTC, microsecond=0)
    assert adapter.validate_json(adapter.dump_json(instant)) == instant


@pytest.mark.parametrize("wrong", ["PT0S", "P0D", "P1M", "", 5, None, "P" + "1" * 50 + "D"])
def test_a_limit_is_longer_than_nothing(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Limit).validate_python(wrong)


def test_a_request_survives_its_journey() -> None:
    wanted = CaseRequest.model_validate(request(metadata={"channel": "app"}, requested_at="2024-06-03T10:00:00"))
    sent = wanted.model_dump(mode="json", exclude_unset=True)
    assert sent["requested_at"] == "2024-06-03T10:00:00+08:00"
    assert "note" not in sent, "what was not set is left out, so that histories stay small"
    assert CaseRequest.model_validate(sent) == wanted


def test_what_was_said_cannot_be_changed() -> None:
    wanted = CaseRequest.model_validate(request())
    with pytest.raises(ValidationError, match="frozen"):
        wanted.note = "changed"  # type: ignore[misc]


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize("given", [None, [], "text", 1, {}, {"actor": None}, {"actor": {}}])
def test_a_command_without_an_actor_is_refused_in_words(command: Command, given: Any) -> None:
    with pytest.raises(BadInput) as caught:
        parse(command, given)
    assert caught.value.problems
    for problem in caught.value.problems:
        assert problem.field
        assert problem.message
        assert problem.code == "bad_input"


@pytest.mark.parametrize("command", Command)
def test_a_command_takes_no_field_that_it_does_not_know(command: Command) -> None:
    given = {"actor": {"party": "platform", "id": "o"}, "occured_at": "2024-06-03T10:00:00"}
    with pytest.raises(BadInput, match="occured_at: is not a known field; remove it or correct its spelling"):
        parse(command, given)


@pytest.mark.parametrize("command", Command)
def test_every_command_may_say_when_it_happened(command: Command) -> None:
    assert "occurred_at" in PAYLOADS[command].model_fields


def test_of_very_many_problems_the_first_fifty_are_told() -> None:
    with pytest.raises(BadInput) as caught:
        read(ParcelEvent, {str(number): None for number in range(1000)}, "signal")
    problems = caught.value.problems
    assert len(problems) == 51
    assert str(problems[-1]) == "signal: has 955 problems more; mend these first"


@pytest.mark.parametrize("field", ["reason_code", "note"])
def test_what_no_database_can_keep_is_refused_at_the_edge(field: str) -> None:
    with pytest.raises(ValidationError, match="holds a NUL character, which no database keeps; leave it out"):
        CaseRequest.model_validate(request(**{field: "a\0b"}))

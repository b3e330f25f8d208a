"""Text made inert: what would steer its reader is shown instead, everywhere by one rule, and nothing is lost by it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersale.inert import inert, inert_json

STEERING = st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lo", "So"])
JOINERS = {"\u200c", "\u200d"}


def steers(text: str) -> bool:
    kinds = {unicodedata.category(each) for each in text if each not in JOINERS | {"\n"}}
    return bool(kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"})


@given(st.text(STEERING))
def test_nothing_that_is_shown_steers(text: str) -> None:
    assert not steers(inert(text))


@given(st.text(STEERING))
def test_json_says_the_same_and_steers_nobody(text: str) -> None:
    written = inert_json(json.dumps({text: text}, ensure_ascii=False))
    assert not steers(written) and "\n" not in written
    [(name, value)] = json.loads(written).items()
    assert name == value == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\u202e00921", "\\u202e00921"),
        ("a\x1b[31m\x07", "a\\x1b[31m\\x07"),
        ("退款 🧧", "退款 🧧"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_steers_is_written_out_and_all_else_stays(written: str, shown: str) -> None:
    assert inert(written) == shown

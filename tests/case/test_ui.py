"""One line and one page for operators: short enough for the server, and shown as it was written."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersale.case.projection import status
from aftersale.case.ui import details, summary
from aftersale.contract.markdown import MOST_BYTES, escape, timer_summary
from aftersale.contract.markdown import cut as shortened
from aftersale.contract.request import CaseRequest
from aftersale.inert import inert
from aftersale.vocabulary import CaseKind, Party, State
from tests.support.cases import at, request
from tests.support.files import a_case, running

NOW = at("2024-06-03 10:00:00")


@given(st.text())
def test_a_line_is_cut_to_what_the_server_takes(text: str) -> None:
    cut = shortened(text)
    assert len(cut.encode()) <= MOST_BYTES
    assert inert(text).startswith(cut)
    assert len(cut.encode()) > MOST_BYTES - 4 or cut == inert(text)


def test_a_cut_never_halves_a_character() -> None:
    assert shortened("春" * 100) == "春" * 66, "three bytes each"
    assert shortened("x" + "春" * 100) == "x" + "春" * 66
    assert shortened("🧧" * 51) == "🧧" * 50


def test_the_longest_references_fit_into_the_summary() -> None:
    wanted = request(order_id="O" * 64, merchant_id="M" * 64)
    line = summary(CaseKind.RETURN, CaseRequest.model_validate(wanted))
    assert line == f"return 退货退款 · order {'O' * 64} · 12900 CNY minor · merchant {'M' * 64}"
    assert len(line.encode()) <= MOST_BYTES


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"])))
def test_escaping_takes_nothing_away(text: str) -> None:
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escape(text)) == text


@given(st.text("\r\n\v\f\x85\u2028\u2029ab #-="))
def test_free_text_stays_on_its_line(text: str) -> None:
    assert len(escape(text).splitlines()) <= 1


def test_no_words_of_a_party_steer_the_page_or_hide_in_it() -> None:
    case = a_case(reason_code="\u202e00921 \x1b[2J\x9b31m")
    case.open((), NOW)
    assert r"\\u202e00921 \\x1b\[2J\\x9b31m" in (page := details(status(case, NOW)))
    assert not {"\u202e", "\x1b", "\x9b"} & {*page}


@pytest.mark.parametrize(
    "written",
    [
        "**bold**",
        "__bold__",
        "`code`",
        "[text](http://evil.example)",
        "![image](x)",
        "<script>alert(1)</script>",
        "# heading",
        "1. list",
        "- list",
        "| cell |",
        "~~struck~~",
        "&lt;b&gt;",
        "https://evil.example",
        "a\\*b",
    ],
)
def test_no_markup_survives(written: str) -> None:
    shown = escape(written)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)
    assert not re.search(r"[*_`\[\]()<>#|~&\\]|://|^\d\.|^- ", bare)


def test_a_timer_s_line_names_clock_limit_rule_end_and_silence() -> None:
    line = timer_summary(running("merchant_inspection", "2024-02-08 15:20:00"))
    assert line == "merchant inspection 签收后处理: P15D by S22 S26, to 2024-02-23T15:20:00+08:00, then auto_confirm"
    assert len(line.encode()) <= MOST_BYTES


def test_the_page_s_table_survives_any_reason() -> None:
    case = a_case(reason_code="| worn | <b>\r\n# out")
    case.open((), NOW)
    page = details(status(case, NOW))
    assert r"\| worn \| \<b\> \# out" in page
    assert page.splitlines()[-1].startswith("- 2024-06-03T10:00:00+08:00 **buyer** ")


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_page(state: State) -> None:
    case: Any = a_case(state)
    page = details(status(case, NOW))
    assert page.startswith(f"## {state.words}\n")
    assert ("Next: **" in page) is (state not in (State.COMPLETED, State.CLOSED))


def test_whoever_resumes_is_awaited_while_a_case_is_held() -> None:
    case = a_case()
    case.held_since = NOW
    assert status(case, NOW).next.party is Party.PLATFORM
    assert "On hold since 2024-06-03T10:00:00+08:00" in details(status(case, NOW))

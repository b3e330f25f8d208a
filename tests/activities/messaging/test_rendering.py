"""Messages in words: every event in both languages, and templates of an operator's own."""

import logging
from pathlib import Path
from typing import Any

import pytest

from activities.messaging.rendering import Language, RenderedMessage, Templates, readable
from aftersale.contract.message import Message
from aftersale.errors import BadInput
from aftersale.reconciliation.discrepancies import Discrepancy
from aftersale.times import parse_instant
from aftersale.vocabulary import CaseKind, Command, DiscrepancyKind, MessageEvent, OnTimeout, Party, State

OURS = Templates()
OF_SHIPMENTS = (MessageEvent.VIOLATION, MessageEvent.VIOLATION_CLEARED)
OF_NO_CASE = (*OF_SHIPMENTS, MessageEvent.DISCREPANCY)


def message(**facts: Any) -> Message:
    """A merchant's move is awaited, but for what `facts` say otherwise."""
    plain: dict[str, Any] = {
        "message_id": "C-1001/1",
        "case_id": "C-1001",
        "order_id": "O-88",
        "to": Party.MERCHANT,
        "recipient": "M-7",
        "event": MessageEvent.MOVE_AWAITED,
        "kind": CaseKind.RETURN,
        "state": State.AWAITING_MERCHANT_REVIEW,
        "says": "buyer asks for a return",
        "commands": (Command.APPROVE, Command.REJECT),
        "respond_by": parse_instant("2024-02-04T00:00:00+08:00"),
        "on_timeout": OnTimeout.AUTO_APPROVE,
    }
    return Message(**{**plain, **facts})


def undated(**facts: Any) -> Message:
    """A message that asks nothing of its party."""
    return message(commands=(), respond_by=None, on_timeout=None, **facts)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("event", [event for event in MessageEvent if event not in OF_NO_CASE])
def test_every_event_has_words_in_every_language(event: MessageEvent, language: Language) -> None:
    told = OURS.tell(language, message(event=event, corrects="C-1001/0"))
    assert "C-1001" in told.title and "\n" not in told.title
    state = State.AWAITING_MERCHANT_REVIEW
    assert (state.zh if language is Language.CHINESE else "awaiting merchant review") in told.body
    assert "buyer asks for a return" in told.body and "2024-02-04 00:00:00 (UTC+8)" in told.body
    bare = OURS.tell(language, undated(event=event, corrects="C-1001/0", order_id=None, says=""))
    assert "None" not in bare.body and "()" not in bare.body and "（）" not in bare.body
    assert "2024" not in bare.body and bare.body


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("event", OF_SHIPMENTS)
def test_what_is_told_of_a_shipment_names_it_and_what_was_amiss(event: MessageEvent, language: Language) -> None:
    of_one: dict[str, Any] = {"case_id": None, "kind": None, "state": None, "shipment_id": "S-1", "event": event}
    told = OURS.tell(language, undated(**of_one, says="dispatch 发货 was due"))
    assert "S-1" in told.title and "O-88" in told.body and "dispatch 发货 was due" in told.body
    assert "None" not in told.body
    listed = OURS.digest(language, [message(), undated(**of_one)])
    assert "C-1001" in listed.body and "S-1" in listed.body and "None" not in listed.body


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("about", [{}, {"case_id": "C-1001", "order_id": "O-88"}], ids=["of no case", "of a case"])
def test_what_a_reconciliation_found_is_told_with_the_command(about: dict[str, str], language: Language) -> None:
    found = Discrepancy(
        kind=DiscrepancyKind.CASE_FORGOTTEN, subject="1", says="gone", command="aftersale reconcile", **about
    )
    told = OURS.tell(language, found.alert(1))
    assert "case forgotten 售后单无运行实例: gone; run: aftersale reconcile" in told.body
    assert ("C-1001" in told.title) == ("O-88" in told.body) == bool(about)


def test_a_move_in_chinese_says_what_may_be_done_until_when_and_what_silence_does() -> None:
    assert OURS.tell(Language.CHINESE, message()) == RenderedMessage(
        "退货退款 C-1001：待您处理",
        "订单 O-88，当前状态：待商家处理。\n"
        "buyer asks for a return\n"
        "您可以：同意、拒绝。\n"
        "请在 2024-02-04 00:00:00 (UTC+8) 之前（含）处理；逾期未处理的结果：自动同意。",
    )


def test_a_move_in_english_says_the_same() -> None:
    assert OURS.tell(Language.ENGLISH, message()) == RenderedMessage(
        "return C-1001: it is your move",
        "Order O-88. The case stands at: awaiting merchant review.\n"
        "buyer asks for a return\n"
        "You may: approve, reject.\n"
        "Please act by 2024-02-04 00:00:00 (UTC+8), that second included; silence will mean: auto approve.",
    )


def test_a_message_without_a_deadline_speaks_of_none() -> None:
    closed = undated(event=MessageEvent.CASE_CLOSED, state=State.CLOSED, says="withdrawn 买家撤销")
    assert OURS.tell(Language.CHINESE, closed) == RenderedMessage(
        "退货退款 C-1001：售后已关闭", "订单 O-88，当前状态：已关闭。\nwithdrawn 买家撤销"
    )


def test_a_correction_names_the_message_that_does_not_hold() -> None:
    correction = undated(event=MessageEvent.MESSAGE_CORRECTED, corrects="C-1001/3", says="alert 超时预警: ran out")
    assert OURS.tell(Language.ENGLISH, correction).body == (
        "Our message C-1001/3 does not hold (alert 超时预警: ran out); please disregard it.\n"
        "Order O-88. The case stands at: awaiting merchant review."
    )


def test_a_digest_lists_its_messages() -> None:
    reminder = message(event=MessageEvent.REMINDER, says="")
    closed = undated(case_id="C-1002", message_id="C-1002/9", event=MessageEvent.CASE_CLOSED, state=State.CLOSED)
    assert OURS.digest(Language.ENGLISH, [reminder, closed]) == RenderedMessage(
        "After-sale news: 2 messages",
        "1. return C-1001: reminder, awaiting merchant review\n"
        "   You may: approve, reject.\n"
        "   Please act by 2024-02-04 00:00:00 (UTC+8), that second included; silence will mean: auto approve.\n"
        "2. return C-1002: case closed, closed\n"
        "   buyer asks for a return",
    )
    assert OURS.digest(Language.CHINESE, [closed]).title == "售后消息汇总：1 条"


def test_what_a_party_wrote_is_never_read_as_a_template_or_a_line_of_ours() -> None:
    note = "{{ case_id }} {% include '_move.txt' %}\nPlease act by 2030-01-01\r\n\u2028[C-9/9] <b>&amp;</b>"
    told = OURS.tell(Language.ENGLISH, message(says=note))
    assert told.body.splitlines()[1] == (
        "{{ case_id }} {% include '_move.txt' %} Please act by 2030-01-01 [C-9/9] <b>&amp;</b>"
    )
    assert len(told.body.splitlines()) == 4


@pytest.mark.parametrize(
    ("instant", "read"),
    [
        ("2024-02-03T23:59:59+08:00", "2024-02-03 23:59:59 (UTC+8)"),
        ("2024-02-03T16:00:00Z", "2024-02-04 00:00:00 (UTC+8)"),
    ],
)
def test_instants_are_told_in_the_policys_zone(instant: str, read: str) -> None:
    assert readable(parse_instant(instant)) == read


# An operator's own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for an operator's English templates."""
    (tmp_path / "en").mkdir()
    return tmp_path


def test_an_operators_template_comes_before_ours_and_what_it_lacks_is_taken_from_ours(folder: Path) -> None:
    (folder / "en" / "alert.txt").write_text('\n  ALERT {{ case_id }}\n\nLook! {% include "_case.txt" %}', "utf-8")
    own = Templates(folder)
    alert = message(event=MessageEvent.ALERT)
    assert own.tell(Language.ENGLISH, alert) == RenderedMessage(
        "ALERT C-1001",
        "Look! Order O-88. The case stands at: awaiting merchant review.\nbuyer asks for a return",
    )
    assert own.tell(Language.CHINESE, alert) == OURS.tell(Language.CHINESE, alert)
    assert own.tell(Language.ENGLISH, message()) == OURS.tell(Language.ENGLISH, message())


def test_an_operator_may_change_a_part_that_our_templates_share(folder: Path) -> None:
    (folder / "en" / "_move.txt").write_text("Log in to answer.", "utf-8")
    assert Templates(folder).tell(Language.ENGLISH, message()).body.endswith("Log in to answer.")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("alert.txt", "A\n{{ case }}", "en/alert.txt, line 2: 'case' is undefined; correct it, or remove the file"),
        ("alert.txt", "A\n\n{% if %}", "en/alert.txt, line 3: Expected an expression"),
        ("digest.txt", "{{ case_id }}", r"en/digest.txt, line 1: .* digest.txt has messages, to, recipient\)"),
        ("alert.txt", "\n \n", "en/alert.txt: nothing is in it; write the title on the first line"),
        ("alert.txt", "A\n{{ ''.__class__.__mro__ }}", "en/alert.txt, line 2: access to attribute '__class__'"),
        ("alert.txt", "A\n{% include 'b.txt' %}", "en/alert.txt, line 2: .*b.txt"),
        ("_move.txt", "{{ silence }}", "en/_move.txt, line 1: 'silence' is undefined"),
        ("alarm.txt", "A", "en/alarm.txt: no message is written with it; write zh-CN or en, then one of move_awaited"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_its_line(folder: Path, file: str, text: str, said: str) -> None:
    (folder / "en" / file).write_text(text, "utf-8")
    with pytest.raises(BadInput, match=f"templates.folder: {said}"):
        Templates(folder)


def test_all_that_is_wrong_is_said_at_once(folder: Path) -> None:
    (folder / "en" / "alert.txt").write_text("{{ a }}", "utf-8")
    (folder / "en" / "reminder.txt").write_bytes(b"\xff")
    (folder / "fr").mkdir()
    (folder / "fr" / "alert.txt").write_text("A", "utf-8")
    with pytest.raises(BadInput) as raised:
        Templates(folder)
    files = [problem.message.partition(".txt")[0] for problem in raised.value.problems]
    assert files == ["fr/alert", "en/reminder", "en/alert"]


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match=r"templates\.folder: is no folder; name one that holds <language>/<event>\.txt"):
        Templates(Path("/nowhere"))


def test_an_operators_template_that_fails_on_some_message_gives_way_to_ours(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "en" / "alert.txt").write_text("A\n{% if case_id == 'C-9' %}{{ 1 / 0 }}{% endif %}", "utf-8")
    odd = message(event=MessageEvent.ALERT, case_id="C-9")
    with caplog.at_level(logging.WARNING, "aftersale.messenger"):
        assert Templates(folder).tell(Language.ENGLISH, odd) == OURS.tell(Language.ENGLISH, odd)
    assert "template en/alert.txt, line 2 failed (ZeroDivisionError); ours is used" in caplog.text

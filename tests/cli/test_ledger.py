"""`aftersale ledger`: an order's account, proved books, an export for spreadsheets, chargebacks, a buyer's erasure."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli import app
from aftersale.money import TenderShare
from aftersale.records import Records
from aftersale.times import local
from aftersale.vocabulary import Party
from tests.support.bookkeeping import claim, declined, freezing, hold, instruction, line, pay
from tests.support.drawing import NOW, message, tell, turn
from tests.support.market import Market
from tests.support.shell import run
from tests.support.tampering import tamper


@pytest.fixture
def books(kept: Records, url: str) -> str:
    """Order O-1: of 10000 paid, 6000 is refunded to C-1, which is closed, and 4000 held by C-2, a declined refund."""
    mixed = (line(cash=6000, points=4000),)
    hold(kept.ledger, claim("C-1", 6000, lines=mixed))
    pay(kept.ledger, instruction("C-1", 6000))
    kept.turns.write([turn("C-1", 1, final=True, messages=(message("C-1", 1, to=Party.BUYER),))], now=NOW)
    tell(kept, "C-1/1")
    hold(kept.ledger, claim("C-2", 4000, lines=mixed))
    kept.ledger.instruct(instruction("C-2", 4000), NOW)
    kept.ledger.settle(declined("case/C-2/refund/1"), 1, False, NOW)
    return url


def test_an_orders_account_says_what_was_paid_and_where_all_of_it_is(books: str) -> None:
    told = " ".join(_run(books, "show", "O-1").stdout.split())
    assert "order O-1, merchant M-7; amounts in minor units" in told
    assert "│ L1 │ 4 │ 10000 CNY │ 4000 │ 0 │ 6000 │ 0 │ 2400 cash, 1600 points │ 2 │" in told
    assert "│ C-2 │ return 退货退款 │ 4000 │ 0 │" in told and "no chargebacks" in told
    assert "card closed" in told and "P:case/C-1/refund/1" in told


def test_an_account_in_json_holds_every_figure(books: str) -> None:
    account = _json(books, "show", "O-1")
    [one] = account["lines"]
    assert (one["paid_minor"], one["reserved_minor"], one["settled_minor"], one["left_minor"]) == (10000, 4000, 6000, 0)
    assert [(each["key"], each["state"], each["reason"]) for each in account["instructions"]] == [
        ("case/C-1/refund/1", "succeeded", None),
        ("case/C-2/refund/1", "failed", "card closed"),
    ]


def test_an_order_that_is_not_in_the_ledger_is_told_so(books: str) -> None:
    told = _run(books, "show", "O-9")
    assert told.exit_code == 2
    assert (
        told.stderr
        == "aftersale: O-9: is not in the ledger: no case was opened on it, nor a chargeback noted; check the id\n"
    )


def test_right_books_are_proved_with_exit_status_0(books: str, tmp_path: Path) -> None:
    assert (_run(books, "check").exit_code, _run(books, "check").stdout) == (0, "the books are right\n")
    assert _json(books, "check", "--statement", _statement(tmp_path)) == {"ok": True, "differences": []}


def test_differences_are_said_with_exit_status_1(books: str, tmp_path: Path) -> None:
    tamper(books, "UPDATE order_lines SET paid_minor = 5999")
    told = _run(books, "check", "--statement", _statement(tmp_path, amount_minor=6001))
    assert told.exit_code == 1
    lines = told.stdout.splitlines()
    assert lines[0].startswith("line_overpaid: order O-1, line L1: 6000 was refunded, of 5999 paid; see `aftersale")
    assert lines[-2].startswith(
        "statement_differs: instruction case/C-1/refund/1: 6000 CNY as P:case/C-1/refund/1 in the"
    )
    assert lines[-1] == f"{len(lines) - 1} differences"
    as_json = _run(books, "check", "--json")
    found = json.loads(as_json.stdout)
    assert as_json.exit_code == 1 and not found["ok"] and found["differences"][0]["order_id"] == "O-1"


def test_a_statement_is_read_from_standard_input_and_its_faults_are_named_by_line(books: str) -> None:
    good = _payment()
    told = _run(books, "check", "--statement", "-", given=f"{good}\n\n{good.replace('6000', '60.5')}\n")
    assert told.exit_code == 2 and told.stderr.startswith(
        "aftersale: -:3.amount_minor: write a whole number; given 60.5"
    )
    told = _run(books, "check", "--statement", "/nowhere/statement.jsonl")
    assert told.exit_code == 2 and "name a statement of JSON Lines, or - for standard input" in told.stderr


def test_the_export_adds_up_in_a_spreadsheet(books: str) -> None:
    rows = list(csv.DictReader(io.StringIO(_run(books, "export").stdout)))
    assert [(row["key"], row["tender"], row["state"], row["amount_minor"]) for row in rows] == [
        ("case/C-1/refund/1", "cash", "succeeded", "3600"),
        ("case/C-1/refund/1", "points", "succeeded", "2400"),
        ("case/C-2/refund/1", "cash", "failed", "2400"),
        ("case/C-2/refund/1", "points", "failed", "1600"),
    ]
    assert rows[0]["settled_at"] == local(NOW) and rows[0]["merchant_id"] == "M-7"


def test_the_export_comes_as_json_lines_too(books: str) -> None:
    lines = _run(books, "export", "--format", "jsonl").stdout
    assert lines == _run(books, "export", "--json").stdout
    assert [json.loads(each)["amount_minor"] for each in lines.splitlines()] == [3600, 2400, 2400, 1600]


def test_no_cell_is_a_formula_and_a_clawback_is_a_negative_number(kept: Records, url: str) -> None:
    hostile = '=HYPERLINK("http://x","y")'
    for number, tender in enumerate((hostile, "+1", "-1", "@SUM(A1)")):
        order = f"O-{number}"
        bought = line().model_copy(update={"tenders": (TenderShare(tender=tender, amount_minor=10000),)})
        hold(kept.ledger, claim(f"C-{number}", order_id=order, lines=[bought]))
        pay(kept.ledger, instruction(f"C-{number}", 10000, order_id=order))
    pay(kept.ledger, instruction("C-0", 500, purpose="clawback", order_id="O-0"))
    rows = list(csv.DictReader(io.StringIO(_run(url, "export").stdout)))
    assert [row["tender"] for row in rows] == [f"'{hostile}", f"'{hostile}", "'+1", "'-1", "'@SUM(A1)"]
    assert rows[0]["amount_minor"] == "-500"


def test_a_chargeback_freezes_an_order_and_is_lifted(books: str, kept: Records) -> None:
    words = ("chargeback", "O-1", "--reference", "CB-7", "--reason", "not recognised")
    notice = _json(books, *words)
    assert (notice["reference"], notice["lifted_at"]) == ("CB-7", None)
    plain = " ".join(_run(books, *words).stdout.split())
    assert "CB-7 │ not recognised" in plain and "in force: no refund is paid" in plain
    assert freezing(kept.ledger, "O-1") == ["CB-7"]
    assert [each["reference"] for each in _json(books, "lift", "O-1")["lifted"]] == ["CB-7"]
    assert _run(books, "lift", "O-1").stdout == "nothing froze order O-1\n"


def test_what_a_closed_case_still_holds_is_released_and_a_running_one_keeps_it(books: str, kept: Records) -> None:
    kept.turns.write([turn("C-2", 1)], now=NOW)
    told = _run(books, "release", "C-2")
    assert told.exit_code == 2
    assert "C-2 is awaiting merchant review 待商家处理, and Temporal cannot be asked whether" in told.stderr
    kept.turns.write([turn("C-2", 2, final=True)], now=NOW)
    assert _json_at(1, books, "check")["differences"][0]["kind"] == "reservation_outlives_case"
    assert _run(books, "release", "C-2").stdout == "case C-2 holds nothing\n"
    assert _json(books, "check")["ok"]


async def test_a_terminated_case_is_released_and_one_that_runs_is_not(
    books: str, kept: Records, idle: Market, url: str
) -> None:
    kept.turns.write([turn("C-2", 1)], now=NOW)
    running = await idle.client.start_workflow("Return", id="case/C-2", task_queue="nobody")
    words = ("ledger", "release", "C-2")
    told = await run(*words, address=idle.address, records_url=url)
    assert told.status == 2 and "its workflow runs and needs what it holds; close the case first" in told.err
    await running.terminate()
    told = await run(*words, address=idle.address, records_url=url)
    assert (told.status, told.out) == (0, "case C-2 holds nothing\n")


def test_a_buyer_whose_case_runs_is_not_erased_yet(books: str) -> None:
    told = _run(books, "erase", "--buyer", "B-5")
    assert told.exit_code == 2 and told.stderr == (
        "aftersale: buyer: has cases that are open, C-2; erase when they are closed\n"
    )


async def test_an_erasure_says_until_when_temporal_keeps_its_copy(
    books: str, kept: Records, idle: Market, url: str
) -> None:
    kept.ledger.release("C-2", NOW)
    told = await run("ledger", "erase", "--buyer", "B-5", "--json", address=idle.address, records_url=url)
    assert (told.status, told.err) == (0, "")
    assert (told.json["cases"], told.json["orders"]) == (2, 1)
    [closed] = [case.updated_at for case in kept.cases.find(state=turn("C-1", 1, final=True).status.state)]
    assert told.json["temporal_keeps_until"] > told.json["last_closed_at"] == local(closed)
    assert "B-5" not in told.out


def test_without_a_server_an_erasure_says_how_to_find_out_how_long_temporal_keeps_its_copy(
    books: str, kept: Records
) -> None:
    kept.ledger.release("C-2", NOW)
    told = _run(books, "erase", "--buyer", "B-5")
    assert told.exit_code == 0 and ": cases 2, orders 1\n" in told.stdout
    assert "`temporal operator namespace describe`" in told.stdout and "not in reach: backups" in told.stdout
    assert _run(books, "erase", "--buyer", "B-5").stdout.partition("\n")[0].endswith(": cases 0, orders 0")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "a b"), "ORDER: must be 1 to 64 of the characters"),
        (("erase", "--buyer", "a b"), "--buyer: must be 1 to 64 of the characters"),
        (("chargeback", "O-1", "--reference", "a b", "--reason", "x"), "--reference: must be 1 to 64"),
        (("export", "--format", "xlsx"), "'xlsx' is not one of"),
    ],
)
def test_a_wrong_option_is_told_with_its_remedy(books: str, words: tuple[str, ...], said: str) -> None:
    told = _run(books, *words)
    assert told.exit_code == 2 and said in " ".join(told.output.replace("│", " ").split())


def _payment(**changes: Any) -> str:
    key = "case/C-1/refund/1"
    plain = {"key": key, "status": "succeeded", "amount_minor": 6000, "currency": "CNY", "provider_ref": f"P:{key}"}
    return json.dumps({**plain, **changes})


def _statement(folder: Path, **changes: Any) -> str:
    file = folder / "statement.jsonl"
    file.write_text(f"{_payment(**changes)}\n", "utf-8")
    return str(file)


def _run(url: str, *words: str, given: str | None = None) -> Result:
    where = {"AFTERSALE_RECORDS_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    told = CliRunner().invoke(app, ("ledger", *words), env=where, input=given)
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    return told


def _json(url: str, *words: str) -> dict[str, Any]:
    return _json_at(0, url, *words)


def _json_at(status: int, url: str, *words: str) -> dict[str, Any]:
    told = _run(url, *words, "--json")
    assert (told.exit_code, told.stderr) == (status, "")
    return dict(json.loads(told.stdout))

"""`aftersale services` as a shell meets it: what it prints, and with which exit status it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli import app
from tests.support.books import BOOK, ROOT

EXAMPLE = ROOT.parent / "docs" / "examples" / "sign-up.json"


@pytest.fixture(autouse=True)
def _book_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")


def _run(*words: str, given: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(app, ["services", *words], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def _spoilt(**changes: Any) -> str:
    return json.dumps({**json.loads(EXAMPLE.read_text("utf-8")), **changes})


def test_the_sign_up_of_the_documentation_is_complete() -> None:
    result = _run("check", str(EXAMPLE))
    assert (result.exit_code, result.stdout) == (0, "M-7: 7 services; all is well\n")
    answer = json.loads(_run("check", str(EXAMPLE), "--json").stdout)
    assert (answer["ok"], answer["problems"], answer["policy_version"]) == (True, [], BOOK.version)
    assert answer["services"]["same_day_dispatch"] == "standard-2023"


def test_an_incomplete_sign_up_ends_with_status_1_and_says_everything_at_once() -> None:
    given = _spoilt(services={"same_day_dispatch": {}})
    result = _run("check", "-", given=given)
    assert result.exit_code == 1
    *told, ending = result.stdout.splitlines()
    assert "services.home_pickup: 上门取件 is required of every merchant; add it" in told
    assert "services.fresh_damage: 生鲜坏单包赔 is required of whoever sells fresh; add it" in told
    assert ending == f"M-7: {len(told)} to mend in -" and len(told) == 7
    in_json = _run("check", "-", "--json", given=given)
    answer = json.loads(in_json.stdout)
    assert (in_json.exit_code, answer["ok"], len(answer["problems"])) == (1, False, 7)
    assert {"field": "services.home_pickup", "message": "上门取件 is required of every merchant; add it"} in answer[
        "problems"
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "-: is not JSON"),
        ("[]", "-: is not a JSON object; give one JSON object"),
        (_spoilt(colour="red"), "colour: is not a known field; remove it"),
        (
            _spoilt(merchant_id=None, categories=[]),
            "merchant_id: write a text, in quotes; given None; categories: should",
        ),
        (_spoilt(signed_at="soon"), "signed_at: write an instant as 2024-02-01T00:00:00+08:00"),
        (_spoilt(services={"massage": {}}), "services.massage: should be 'authenticity'"),
        (_spoilt(services={"same_day_dispatch": {"cut_off": 4}}), "services.same_day_dispatch.cut_off: write an hour"),
    ],
)
def test_what_is_no_sign_up_ends_with_status_2_and_the_remedy(given: str, words: str) -> None:
    told = _run("check", "-", given=given)
    assert (told.exit_code, told.stdout) == (2, "")
    assert words in told.stderr
    in_json = _run("check", "-", "--json", given=given)
    assert in_json.exit_code == 2 and words in json.loads(in_json.stdout)["error"]


def test_a_file_that_is_not_there_is_named() -> None:
    told = _run("check", "nowhere.json")
    assert told.exit_code == 2
    assert "nowhere.json: cannot be read (No such file or directory); name a file of one JSON object" in told.stderr


def test_a_spoilt_book_is_told_before_a_sign_up_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(tmp_path))
    told = _run("check", str(EXAMPLE), "--json")
    assert told.exit_code == 2 and "point AFTERSALE_POLICIES at a book" in json.loads(told.stdout)["error"]


def test_the_list_shows_every_version_with_its_dates() -> None:
    shown = _run("list")
    assert shown.exit_code == 0
    for words in ("cosmetic_allergy", "美妆过敏包退", "category cosmetics", "consultation", "2022-08-25", "2023-02-08"):
        assert words in shown.stdout
    versions = json.loads(_run("list", "--json").stdout)["versions"]
    assert len(versions) == sum(len(file.version) for file in BOOK.services.files)
    fresh = next(each for each in versions if (each.get("service"), each["id"]) == ("fresh_damage", "launch"))
    assert (fresh["role"], fresh["categories"], fresh["effective_from"]) == ("category", ["fresh"], "2021-08-10")
    assert fresh["claim"][0]["window"] == {"clock": "fresh_damage_window", "since": "sign_off"}


@pytest.mark.parametrize(
    ("at", "version"), [("2023-02-07T23:59:59", "standard-2021"), ("2023-02-08T00:00:00+08:00", "standard-2023")]
)
def test_the_list_of_an_instant_shows_what_was_in_force(at: str, version: str) -> None:
    versions = json.loads(_run("list", "--at", at, "--json").stdout)["versions"]
    assert {each["id"] for each in versions} == {version, "first"}
    assert len(versions) == 10


def test_an_instant_that_is_none_is_told_with_its_option() -> None:
    told = _run("list", "--at", "now", "--json")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["error"].startswith("--at: write an instant as 2024-02-01T00:00:00+08:00")

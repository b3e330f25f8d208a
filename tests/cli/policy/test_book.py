"""`aftersale policy` as a shell meets it: what it prints, and with which exit status it ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli.policy.book import policy
from aftersale.vocabulary import ClaimType, Service
from tests.support.books import BOOK, ROOT, copied
from tests.support.spoiling import FESTIVAL, edit

GOOD = {"clock": "merchant_review", "started_at": "2024-01-30T00:00:00+08:00"}
LINE = json.dumps(GOOD)
VERSIONS = sum(len(file.version) for file in BOOK.services.files)
"""How many versions of services there are; remote-area logistics is a fact about an order, and no guarantee."""


@pytest.fixture(autouse=True)
def _book_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")


def _run(*words: str, given: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(policy, list(words), input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def _lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def _error(result: Result) -> str:
    assert result.exit_code == 2
    (answer,) = _lines(result)
    assert list(answer) == ["error"]
    return str(answer["error"])


@pytest.mark.parametrize("words", [("explain",), ("explain", "-")])
def test_explain_answers_standard_input(words: tuple[str, ...]) -> None:
    result = _run(*words, given=LINE)
    assert result.exit_code == 0
    (answer,) = _lines(result)
    assert (answer["due_at"], answer["rules"]) == ("2024-02-04T00:00:00+08:00", ["S22", "S24"])


def test_explain_answers_a_file(tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_bytes(b"\xef\xbb\xbf" + f"{LINE}\r\n{LINE}\r\n".encode())
    result = _run("explain", str(questions))
    assert (result.exit_code, len(_lines(result))) == (0, 2)


def test_explain_keeps_the_place_of_a_bad_line_and_ends_with_status_2() -> None:
    result = _run("explain", given=f"{LINE}\n{{}}\n".encode() + b"\xff\n" + LINE.encode())
    assert result.exit_code == 2
    assert ["error" in answer for answer in _lines(result)] == [False, True, True, False]


def test_explain_writes_chinese_as_it_is_and_no_line_end_within_a_line() -> None:
    fresh = json.dumps({"clock": "fresh_damage_window", "started_at": "2024-02-05T09:00:00"})
    assert "安心购" in _run("explain", given=fresh).stdout
    refused = _run("explain", given=json.dumps({**GOOD, "颜色\u2028": 1}, ensure_ascii=False))
    assert "颜色\\u2028: is not a known field" in refused.stdout


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (
            ("explain", "nowhere.json"),
            "nowhere.json: cannot be read (No such file or directory); name a file of questions",
        ),
        (("explain", "."), "cannot be read (Is a directory)"),
        (("explain", "a", "b"), "unexpected extra argument"),
        (("explain", "--file", "a"), "No such option: --file"),
        (("presale",), "--at: is required; add it; --promise: is required; add it"),
        (("presale", "--at", "soon", "--promise", "P1D"), "--at: write an instant as 2024-02-01T00:00:00+08:00"),
        (("presale", "--at", "2024-01-23T00:00:00", "--promise", "a week"), "--promise: write a duration as P5D"),
        (("presale", "--at", "2024-01-23T00:00:00", "--promise", "P0D"), "--promise: must be longer than nothing"),
        (("presale", "--at", "2024-01-23T00:00:00", "--promise", "P1D", "--as-of", "x"), "--as-of: write an instant"),
        (
            ("presale", "--at", "2024-01-23T00:00:00", "--promise", "P1D", "--category", ""),
            "--category: should have at least",
        ),
        (("presale", "--at"), "Option '--at' requires an argument"),
        (("presale", "--when", "now"), "No such option: --when"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_json_with_the_option_and_the_remedy(
    words: tuple[str, ...], remedy: str
) -> None:
    assert remedy in _error(_run(*words, given=""))


def test_explain_without_a_question_says_what_to_write() -> None:
    assert "no question given; write a JSON object" in _error(_run("explain", given=""))


@pytest.mark.parametrize(
    ("at", "promise", "answer"),
    [
        ("2024-01-15T23:59:59", "P30D", {"allowed": True, "cap": "category", "rules": []}),
        ("2024-01-16T00:00:00+08:00", "P10D", {"allowed": True, "cap": "P10D", "rules": ["S18"]}),
        ("2024-01-16T00:00:00", "PT240H1S", {"allowed": False, "cap": "P10D", "rules": ["S18"]}),
        ("2024-01-22T16:00:00Z", "P7D", {"allowed": True, "cap": "P7D", "rules": ["S19"]}),
        ("2024-01-28T00:00:00", "P1D", {"allowed": False, "cap": "forbidden", "rules": ["S20"]}),
        ("2024-02-17T23:59:59.999", "P1D", {"allowed": False, "cap": "forbidden", "rules": ["S20"]}),
        ("2024-02-18T00:00:00", "P30D", {"allowed": True, "cap": "category", "rules": ["S21"]}),
    ],
)
def test_presale_answers_whether_the_promise_is_allowed(at: str, promise: str, answer: dict[str, Any]) -> None:
    result = _run("presale", "--at", at, "--promise", promise, "--category", "fresh")
    assert (result.exit_code, _lines(result)) == (0, [answer])


def test_presale_answers_by_what_was_known_then() -> None:
    asked = ("presale", "--at", "2024-01-16T00:00:00", "--promise", "P11D")
    assert _lines(_run(*asked, "--as-of", "2024-01-22T23:59:59"))[0]["allowed"] is True
    assert _lines(_run(*asked, "--as-of", "2024-01-23T00:00:00"))[0]["allowed"] is False


def test_check_says_in_one_line_that_all_is_well() -> None:
    for words in ((), (str(ROOT),)):
        result = _run("check", *words)
        assert result.exit_code == 0
        (line,) = result.stdout.splitlines()
        assert line.startswith(f"{BOOK.version}: {len(BOOK.files) + len(BOOK.services.files)} files, ")
        assert line.endswith(f" {len(Service) - 1} services, {len(ClaimType)} claims, {VERSIONS} versions; all is well")
    (answer,) = _lines(_run("check", "--json"))
    assert (answer["ok"], answer["findings"], answer["version"]) == (True, [], BOOK.version)
    assert (answer["services"], answer["versions"]) == (len(Service) - 1, VERSIONS)


def test_check_lists_what_is_to_mend_and_ends_with_status_1(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, FESTIVAL, "due = 2024-02-04T00:00:00", "due = 2024-02-04T00:00:01")
    (root / "notices" / "spoilt.toml").write_text("x", encoding="utf-8")
    result = _run("check", str(root))
    assert result.exit_code == 1
    assert [line.split(": ")[0].rpartition("/")[2] for line in result.stdout.splitlines()[:2]] == [
        "spoilt.toml",
        "2024-spring-festival.toml",
    ]
    assert result.stdout.splitlines()[-1] == f"2 to mend in {root}"
    (answer,) = _lines(_run("check", str(root), "--json"))
    assert (answer["ok"], len(answer["findings"])) == (False, 2)


def test_check_of_no_folder_names_the_path(tmp_path: Path) -> None:
    result = _run("check", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "nowhere: is no folder; name the folder that holds book.toml" in result.stderr
    assert "is no folder" in _error(_run("check", str(tmp_path / "nowhere"), "--json"))


def test_check_tries_a_file_in_the_book_in_use(tmp_path: Path) -> None:
    other_year = ROOT / "examples" / "2026-spring-festival.toml"
    result = _run("check", str(other_year))
    assert (result.exit_code, result.stdout.count("all is well")) == (0, 1)
    assert f": {len(BOOK.files) + len(BOOK.services.files) + 1} files, " in result.stdout
    spoilt = tmp_path / "spoilt.toml"
    spoilt.write_text(other_year.read_text(encoding="utf-8").replace('"PT72H"', '"PT71H"'), encoding="utf-8")
    result = _run("check", str(spoilt))
    assert result.exit_code == 1
    assert "spoilt.toml: example 'paid one second later: 72 hours, which end sooner': expects due" in result.stdout
    spoilt.write_text("x", encoding="utf-8")
    assert "spoilt.toml: is not TOML" in _error(_run("check", str(spoilt), "--json"))


@pytest.mark.parametrize(
    ("as_of", "stage"),
    [
        ("2024-01-22T23:59:59", None),
        ("2024-01-23T00:00:00", "in_force"),
    ],
)
def test_list_says_how_far_a_notice_had_come(as_of: str, stage: str | None) -> None:
    (answer,) = _lines(_run("list", "--as-of", as_of, "--json"))
    stages = {each["id"]: each["stage"] for each in answer["notices"]}
    assert (stages["2024-spring-festival"], stages["2027-spring-festival"]) == (stage, "draft")
    assert (stage or "not yet known") in _run("list", "--as-of", as_of).stdout
    assert "--as-of: write an instant" in _error(_run("list", "--as-of", "soon", "--json"))


def test_list_shows_limits_notices_and_services() -> None:
    result = _run("list")
    assert result.exit_code == 0
    for shown in (
        "merchant_review",
        "商家处理",
        "PT48H",
        "2024-spring-festival",
        "in_force",
        "2024-02-17 23:59:59",
        "S28",
        "生鲜坏单包赔",
        "standard-2023",
    ):
        assert shown in result.stdout
    (answer,) = _lines(_run("list", "--json"))
    assert answer["version"] == BOOK.version
    assert len(answer["limits"]) == sum(len(file.limit) for file in BOOK.files)
    (festival,) = [each for each in answer["notices"] if each["id"] == "2024-spring-festival"]
    assert (festival["status"], festival["announced"]) == ("in_force", "2024-01-23")
    assert festival["window"][0] == {
        "id": "nonstop-purchase",
        "from": "2024-01-29T00:00:00",
        "to": "2024-02-17T23:59:59",
    }
    assert len(answer["services"]) == VERSIONS
    (allergy,) = [
        each for each in answer["services"] if (each.get("service"), each["id"]) == ("cosmetic_allergy", "launch")
    ]
    assert (allergy["status"], allergy["claim"][0]["compensation"]) == ("in_force", {"payer": "merchant"})


@pytest.mark.parametrize(
    "words", [("explain",), ("presale", "--at", "2024-01-23T00:00:00", "--promise", "P1D"), ("list", "--json")]
)
def test_a_broken_book_is_told_in_json_with_its_file(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copied(tmp_path)
    edit(root, FESTIVAL, 'effect = { set = "P5D" }', 'effect = { set = "5" }')
    monkeypatch.setenv("AFTERSALE_POLICIES", str(root))
    assert f"{FESTIVAL}: rule 'S24': effect.set: write a duration" in _error(_run(*words, given=LINE))


def test_a_missing_book_is_told_on_standard_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALE_POLICIES", str(tmp_path))
    result = _run("list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "point AFTERSALE_POLICIES at a book" in result.stderr


def test_the_policy_commands_need_no_temporal_and_survive_a_closed_input() -> None:
    ended = _in_a_shell("explain")
    assert (ended.returncode, ended.stderr) == (2, "")
    assert "no question given" in ended.stdout


def test_a_terminal_that_claims_ascii_still_gets_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = _in_a_shell("list")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "商家处理" in ended.stdout


def _in_a_shell(*words: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; from aftersale.cli.policy.book import policy as run; assert 'temporalio' not in sys.modules; run()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        cwd=ROOT.parent,
        check=False,
    )

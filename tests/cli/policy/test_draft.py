"""`aftersale policy draft` as a shell meets it: a file written once, marked, and refused where it cannot be right."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aftersale.cli.policy.book import policy
from aftersale.policy.load import load
from tests.support.books import copied
from tests.support.spoiling import FESTIVAL, edit

FROM, ANCHOR = ("--from", "2024-spring-festival"), ("--anchor", "2024-02-10=2028-01-26")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the book, in use."""
    root = copied(tmp_path)
    monkeypatch.setenv("AFTERSALE_POLICIES", str(root))
    return root


def _run(*words: str) -> Result:
    result = CliRunner().invoke(policy, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_next_years_notice_is_written_as_a_draft_whose_examples_hold(root: Path) -> None:
    before = load(root)
    result = _run("draft", "2028-spring-festival", *FROM, *ANCHOR)
    assert (result.exit_code, result.stderr) == (0, "")
    target = root / "notices" / "2028-spring-festival.toml"
    assert f"{target}: 227 dates moved by 1446 days, each marked `review`; a draft, which binds nobody" in result.stdout
    assert "its examples hold" in result.stdout
    assert _run("check").exit_code == 0
    made = next(file for file in load(root).files if file.id == "2028-spring-festival")
    assert (made.status, made.supersedes) == ("draft", ("2024-spring-festival",))
    assert made not in load(root).binding
    assert len(load(root).binding) == len(before.binding)


def test_a_draft_made_from_a_draft_goes_before_both(root: Path) -> None:
    words = ("draft", "2028-spring-festival", "--from", "2027-spring-festival", "--anchor", "2027-02-06=2028-01-26")
    (line,) = _run(*words, "--json").stdout.splitlines()
    answer = json.loads(line)
    assert (answer["days"], answer["findings"]) == (354, [])
    made = next(file for file in load(root).files if file.id == "2028-spring-festival")
    assert made.supersedes == ("2027-spring-festival", "2024-spring-festival")


def test_examples_that_no_longer_hold_are_told_with_the_file_that_was_written(root: Path) -> None:
    result = _run("draft", "2019-spring-festival", *FROM, "--anchor", "2024-02-10=2019-02-05")
    assert result.exit_code == 0
    assert "2019-spring-festival.toml: example" in result.stdout
    assert "its examples hold" not in result.stdout


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (
            ("2028", "--from", "2025-spring-festival", *ANCHOR),
            "'2025-spring-festival' is no notice of the book",
        ),
        (("2028", "--from", "review-limits", *ANCHOR), "which has 2024-spring-festival, 2027-spring-festival"),
        (("2027-spring-festival", *FROM, *ANCHOR), "2027-spring-festival.toml is there already; remove it, or choose"),
        (("review-limits", *FROM, *ANCHOR), "review.toml is there already; remove it, or choose another id"),
        (("../2028", *FROM, *ANCHOR), "NEW: '../2028' cannot be an id; write letters, digits and . _ -"),
        (("_2028", *FROM, *ANCHOR), "NEW: '_2028' cannot be an id"),
        (("2028.toml", *FROM, *ANCHOR), "NEW: '2028.toml' cannot be an id"),
        (("2028", *FROM, "--anchor", "2024-02-10"), "--anchor: '2024-02-10' is not two days; write the old day"),
        (("2028", *FROM, "--anchor", "2024-02-10=2024-02-10"), "--anchor: both days are the same"),
        (("2028", *FROM), "Missing option '--anchor'"),
        (("2028", *ANCHOR), "Missing option '--from'"),
    ],
)
def test_what_cannot_be_drafted_is_refused_and_nothing_is_written(
    words: tuple[str, ...], remedy: str, root: Path
) -> None:
    before = sorted(root.rglob("*"))
    result = _run("draft", *words, "--json")
    assert result.exit_code == 2
    assert remedy in json.loads(result.stdout)["error"]
    assert sorted(root.rglob("*")) == before


def test_a_book_that_cannot_be_changed_says_what_to_do(root: Path) -> None:
    (root / FESTIVAL).rename(root / "limits" / "2024-spring-festival.toml")
    shutil.rmtree(root / "notices")
    said = _run("draft", "2028", *FROM, *ANCHOR).stderr
    assert (
        "notices/2028.toml: cannot be written (No such file or directory); point AFTERSALE_POLICIES at a book" in said
    )


def test_a_source_whose_head_is_laid_out_otherwise_is_told_how_to_write_it(root: Path) -> None:
    edit(root, FESTIVAL, 'id = "2024-spring-festival"', '"id" = "2024-spring-festival"')
    said = _run("draft", "2028", *FROM, *ANCHOR).stderr
    assert "2024-spring-festival: cannot be moved as it is laid out; write id, status, source, supersedes" in said
    assert not (root / "notices" / "2028.toml").exists()

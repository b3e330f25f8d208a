"""A new kind, or a new answer of a stage, names every place that forgot it: the checks fail until all handle it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NEW_KIND = ("aftersale/vocabulary.py", '    CLAIM = "claim", "保障赔付"\n', '    RENTAL = "rental", "租赁"\n')
NEW_ANSWER = (
    "workflows/cases/stages/buyer_return.py",
    "-> SentBack | NotSentBack | Withdrawn:",
    "-> SentBack | NotSentBack | Withdrawn | None:",
)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of the workflows, by lines, once both were added; that it is silent without, `make check` says.

    Once for both, since nearly all that mypy computes it computes for the first time.
    """
    folder: Path = tmp_path_factory.mktemp("exhaustive")
    for part in ("aftersale", "activities", "workflows"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    file, member, another = NEW_KIND
    _change(folder / file, member, member + another)
    file, answers, more = NEW_ANSWER
    _change(folder / file, answers, more)
    checked = [sys.executable, "-m", "mypy", "--no-error-summary", "-p", "workflows"]
    ran = subprocess.run(checked, cwd=folder, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).splitlines()


def test_a_new_kind_names_the_place_that_chooses_a_procedure(said: list[str]) -> None:
    assert _unhandled(said, "workflows/cases/types.py", "Literal[CaseKind.RENTAL]")


def test_a_new_answer_of_a_stage_names_every_place_that_forgot_it(said: list[str]) -> None:
    assert _unhandled(said, "workflows/cases/phases/goods_back.py", "None")


def _unhandled(said: list[str], file: str, type_: str) -> list[str]:
    """The lines by which a file is told that it forgot that type."""
    told = f'values of type "{type_}"  [exhaustive-match]'
    return [line for line in said if line.startswith(f"{file}:") and line.endswith(told)]


def _change(path: Path, old: str, new: str) -> None:
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new), "utf-8")

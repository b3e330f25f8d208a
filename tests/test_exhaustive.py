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
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("exhaustive")
    for part in ("aftersale", "activities", "workflows"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    assert findings(folder) == "", "the copy is clean before anything is added to it"
    return folder


def findings(folder: Path) -> str:
    """What mypy says of the workflows as `make check` runs it; nothing where all is well."""
    checked = [sys.executable, "-m", "mypy", "--no-error-summary", "-p", "workflows"]
    ran = subprocess.run(checked, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def test_a_new_kind_names_the_place_that_chooses_a_page(copy: Path) -> None:
    file, member, another = NEW_KIND
    said = _after(copy, file, member, member + another)
    assert "workflows/cases/types.py" in said and "RENTAL" in said and "exhaustive-match" in said


def test_a_new_answer_of_a_stage_names_every_place_that_forgot_it(copy: Path) -> None:
    said = _after(copy, *NEW_ANSWER)
    assert "workflows/cases/phases/goods_back.py" in said
    assert "exhaustive-match" in said


def _after(copy: Path, file: str, old: str, new: str) -> str:
    """What mypy says once a file was changed; it is as before afterwards."""
    path = copy / file
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new), "utf-8")
    try:
        return findings(copy)
    finally:
        path.write_text(before, "utf-8")

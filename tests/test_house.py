"""The house itself: what a reader may rely on everywhere."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if (ROOT / name).is_file()
]
MODULES = [path for path in TRACKED if path.suffix == ".py"]
CASES = ROOT / "workflows" / "cases"
STAGES = sorted((CASES / "stages").glob("*.py"))
PAGES = [
    *(path for name in ("procedures", "phases") for path in sorted((CASES / name).glob("[!_]*.py"))),
    ROOT / "workflows" / "deliveries.py",
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_fits_in_the_head(module: Path) -> None:
    lines = module.read_text("utf-8").splitlines()
    assert len(lines) <= 300 or "Over 300 lines because" in "\n".join(lines[:15])


@pytest.mark.parametrize("module", [*STAGES, *PAGES], ids=name)
def test_no_business_limit_stands_in_a_page_or_a_stage(module: Path) -> None:
    """Neither a number nor a duration: those are policy data."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        number = (
            isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value not in (True, False)
        )
        assert not number, f"line {getattr(node, 'lineno', '?')}: a number"
        assert not (isinstance(node, ast.Name) and node.id == "timedelta"), f"line {node.lineno}: a duration"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_does_not_ask_which_kind_it_is(page: Path) -> None:
    assert not re.search(r"if .*kind\b", page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_is_short_and_says_its_steps(page: Path) -> None:
    functions = [node for node in ast.parse(page.read_text("utf-8")).body if isinstance(node, ast.AsyncFunctionDef)]
    first = functions[0]
    assert first.end_lineno is not None and first.end_lineno - first.lineno <= 45
    assert "1. " in (ast.get_docstring(first) or "")


def test_only_the_alarm_starts_timers() -> None:
    sleepers = {name(path) for path in (ROOT / "workflows").rglob("*.py") if "sleep(" in path.read_text("utf-8")}
    assert sleepers == {"workflows/timer.py"}


def test_only_outside_calls_activities() -> None:
    callers = {name(path) for path in (ROOT / "workflows").rglob("*.py") if "_activity" in path.read_text("utf-8")}
    assert callers == {"workflows/calls.py", "workflows/outside.py"}


def test_the_lock_names_no_host_and_hashes_everything() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock and "--index-url" not in lock
    pinned = re.findall(r"^[a-z0-9].*==.*\\$", lock, flags=re.MULTILINE | re.IGNORECASE)
    assert len(pinned) > 30
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_the_readme_names_commands_and_variables_that_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"^make ([a-z]+)", readme, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"make {target}"
    code = "".join(path.read_text("utf-8") for path in MODULES if "tests" not in path.parts)
    for variable in set(re.findall(r"`(AFTERSALE_[A-Z_]+|TEMPORAL_UI_PORT|TEMPORAL_PORT)`", readme)):
        known = variable in code or (variable.startswith("AFTERSALE_NOTIFY_") and "AFTERSALE_NOTIFY_" in code)
        assert known or f'"{variable.removeprefix("AFTERSALE_").lower()}"' in code, variable


def test_the_readmes_links_lead_somewhere() -> None:
    for document in (path for path in TRACKED if path.suffix == ".md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{name(document)}: {target}"

"""The house itself: what a reader may rely on everywhere."""

import ast
import re
import subprocess
from collections import Counter
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


@pytest.mark.parametrize("module", [path for path in MODULES if path.name.startswith("test_")], ids=name)
def test_the_name_of_a_test_is_a_sentence_of_one_line(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            assert len(node.name) < 100, node.name


PRODUCT = [path for path in MODULES if name(path).startswith(("aftersale/", "activities/", "workflows/"))]

IRREGULAR = {"begun", "drawn", "due", "found", "frozen", "held", "kept", "known", "made", "met", "paid", "said", "sent"}
IRREGULAR |= {"shown", "spent", "taken", "told", "written"}
"""Participles that no ending gives away."""


@pytest.mark.parametrize("module", PRODUCT, ids=name)
def test_a_case_is_changed_by_its_own_methods_alone(module: Path) -> None:
    """Where a case's attribute is assigned from outside, two places decide what a fact means."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                owners = ast.unparse(target).split(".")[:-1]
                assert not {"case", "_case"} & set(owners), f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("module", PRODUCT, ids=name)
def test_no_public_function_is_a_bare_participle(module: Path) -> None:
    """`told()` leaves open whether something is asked, done or returned; a property says what something is."""
    top = ast.parse(module.read_text("utf-8")).body
    for node in [*top, *(each for found in top if isinstance(found, ast.ClassDef) for each in found.body)]:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        is_function = not any("property" in ast.unparse(each) for each in node.decorator_list)
        participle = node.name in IRREGULAR or re.fullmatch(r"[a-z]+(ed|ing)", node.name)
        assert not (is_function and participle), f"line {node.lineno}: {node.name}"


OPENINGS = {
    "Whether",
    "What",
    "How",
    "Why",
    "Who",
    "Where",
    "When",
    "Which",
    "The",
    "A",
    "An",
    "One",
    "All",
    "Each",
    "Every",
}


@pytest.mark.parametrize("module", PRODUCT, ids=name)
def test_a_docstring_says_what_a_function_does(module: Path) -> None:
    """Its first line is an imperative; what a property is, its noun says."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (said := ast.get_docstring(node)):
            is_function = not any("property" in ast.unparse(each) for each in node.decorator_list)
            assert not (is_function and said.split()[0] in OPENINGS), f"line {node.lineno}: {said}"


def test_no_class_name_stands_twice_in_the_product() -> None:
    classes = [
        (node.name, name(module))
        for module in PRODUCT
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    twice = {one for one, count in Counter(each for each, _ in classes).items() if count > 1}
    assert not twice, [each for each in classes if each[0] in twice]


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

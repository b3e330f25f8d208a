"""The house itself: what a reader may rely on everywhere."""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
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
PROCEDURES = [
    *(path for name in ("procedures", "phases") for path in sorted((CASES / name).glob("[!_]*.py"))),
    ROOT / "workflows" / "deliveries.py",
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_module_fits_in_the_head() -> None:
    long = [
        path for path in MODULES if len(lines := path.read_text("utf-8").splitlines()) > 300 and not _reasoned(lines)
    ]
    assert not long, list(map(name, long))


def _reasoned(lines: list[str]) -> bool:
    return "Over 300 lines because" in "\n".join(lines[:15])


@pytest.mark.parametrize("module", [*STAGES, *PROCEDURES], ids=name)
def test_no_business_limit_stands_in_a_procedure_or_a_stage(module: Path) -> None:
    """Neither a number nor a duration: those are policy data."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        number = (
            isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value not in (True, False)
        )
        assert not number, f"line {getattr(node, 'lineno', '?')}: a number"
        assert not (isinstance(node, ast.Name) and node.id == "timedelta"), f"line {node.lineno}: a duration"


@pytest.mark.parametrize("procedure", PROCEDURES, ids=name)
def test_a_procedure_does_not_ask_which_kind_it_is(procedure: Path) -> None:
    assert not re.search(r"if .*kind\b", procedure.read_text("utf-8"))


@pytest.mark.parametrize("procedure", PROCEDURES, ids=name)
def test_a_procedure_is_short_and_says_its_steps(procedure: Path) -> None:
    functions = [
        node for node in ast.parse(procedure.read_text("utf-8")).body if isinstance(node, ast.AsyncFunctionDef)
    ]
    first = functions[0]
    assert first.end_lineno is not None and first.end_lineno - first.lineno <= 45
    assert "1. " in (ast.get_docstring(first) or "")


def test_only_the_timer_sleeps() -> None:
    sleepers = {name(path) for path in (ROOT / "workflows").rglob("*.py") if "sleep(" in path.read_text("utf-8")}
    assert sleepers == {"workflows/timer.py"}


def test_only_outside_calls_activities() -> None:
    callers = {name(path) for path in (ROOT / "workflows").rglob("*.py") if "_activity" in path.read_text("utf-8")}
    assert callers == {"workflows/calls.py", "workflows/outside.py"}


PRODUCT = [path for path in MODULES if name(path).startswith(("aftersale/", "activities/", "workflows/"))]


def test_only_two_modules_open_http() -> None:
    """What answers is bound there; a client made elsewhere would read whatever comes, from wherever it is led."""
    openers = re.compile(
        r"\bAsyncClient\(|httpx\.(get|post|stream|Client)\b|^import requests|urlopen|aiohttp", re.MULTILINE
    )
    product = [path for path in PRODUCT if openers.search(path.read_text("utf-8"))]
    worker = openers.search((ROOT / "worker.py").read_text("utf-8"))
    assert {name(path) for path in product} == {"activities/outside_http.py", "activities/messaging/channel_http.py"}
    assert worker is None


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(*within: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give the functions among these, properties left out: what something is, a noun says."""
    for node in within:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "property" not in decorators(node):
            yield node


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return " ".join(map(ast.unparse, node.decorator_list))


def test_the_name_of_a_test_is_a_sentence_of_one_line() -> None:
    tests = [path for path in MODULES if path.name.startswith("test_")]
    names = [each.name for path in tests for each in functions(*tree(path).body)]
    assert [each for each in names if each.startswith("test_") and len(each) >= 100] == []


def test_a_case_is_changed_by_its_own_methods_alone() -> None:
    """Where a case's attribute is assigned from outside, two places decide what a fact means."""
    found = [
        f"{name(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in PRODUCT
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if {"case", "_case"} & set(ast.unparse(target).split(".")[:-1])
    ]
    assert not found


IRREGULAR = {"begun", "drawn", "due", "found", "frozen", "held", "kept", "known", "made", "met", "paid", "said", "sent"}
IRREGULAR |= {"shown", "spent", "taken", "told", "written"}
"""Participles that no ending gives away."""


def test_no_public_function_is_a_bare_participle() -> None:
    """`told()` leaves open whether something is asked, done or returned."""
    found = [
        f"{name(path)}:{each.lineno}: {each.name}"
        for path in PRODUCT
        for top in [tree(path)]
        for each in functions(
            *top.body, *(each for node in top.body if isinstance(node, ast.ClassDef) for each in node.body)
        )
        if each.name in IRREGULAR or re.fullmatch(r"(?!_)[a-z]+(ed|ing)", each.name)
    ]
    assert not found


OPENINGS = set("Whether What How Why Who Where When Which The A An One All Each Every".split())  # noqa: SIM905


QUESTIONS = {each for each in OPENINGS if each.startswith("W") or each == "How"}


def test_a_module_says_first_what_it_is_or_does() -> None:
    """A first line that opens with a question is true only for who knows the answer already."""
    found = [
        f"{name(path)}: {said}"
        for path in MODULES
        if (said := ast.get_docstring(tree(path))) and said.split()[0] in QUESTIONS
    ]
    assert not found


def test_a_docstring_opens_with_what_its_function_does() -> None:
    found = [
        f"{name(path)}:{each.lineno}: {said}"
        for path in PRODUCT
        for each in functions(*ast.walk(tree(path)))
        if (said := ast.get_docstring(each)) and said.split()[0] in OPENINGS
    ]
    assert not found


def test_no_class_name_stands_twice_in_the_product() -> None:
    classes = [
        (node.name, name(module))
        for module in PRODUCT
        for node in ast.walk(tree(module))
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


def test_one_module_of_the_workflows_reads_the_clock() -> None:
    readers = {
        path.name
        for path in (ROOT / "workflows").rglob("*.py")
        if re.search(r"workflow\.(now|time|time_ns)\(|datetime\.now\(", path.read_text())
    }
    assert readers == {"present.py"}

"""Workflow code runs without the SDK's sandbox: what that would refuse as it runs is refused here, and by lint."""

import ast
import importlib
import json
import subprocess
import sys
from datetime import timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from types import FunctionType, GenericAlias, MappingProxyType, ModuleType, NoneType
from typing import TypeVar

from temporalio.common import RetryPolicy, SearchAttributeKey

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "workflows").rglob("*.py"))

LASTING = (
    *(FunctionType, ModuleType, type, property, staticmethod, TypeVar, GenericAlias),
    *(bool, int, str, tuple, Enum, NoneType, timedelta, MappingProxyType, RetryPolicy, SearchAttributeKey),
)
"""What does not change while a worker runs: some cannot, and what is code nobody writes to."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def called() -> list[Path]:
    """Modules of the domain that workflow code comes to; activities and records are not called but asked."""
    found: dict[str, Path] = {}
    wanted = [name(path).removesuffix(".py").replace("/", ".") for path in FILES]
    while wanted:
        module = wanted.pop()
        path = ROOT / f"{module.replace('.', '/')}.py"
        if module in found or not path.is_file() or module.startswith(("activities", "aftersale.records")):
            continue
        found[module] = path
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                wanted += [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                wanted += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(path for module, path in found.items() if not module.startswith("workflows"))


REFUSED = {
    "time.time()": "import time",
    "datetime.now(UTC)": "from datetime import UTC, datetime",
    "date.today()": "from datetime import date",
    "random.random()": "import random",
    "uuid4()": "from uuid import uuid4",
    "asyncio.wait([])": "import asyncio",
    "asyncio.as_completed([])": "import asyncio",
    "asyncio.to_thread(print)": "import asyncio",
    "os.environ": "import os",
    "Path().read_text()": "from pathlib import Path",
    "socket.socket()": "import socket",
    "httpx.get(str())": "import httpx",
    "logging.info(str())": "import logging",
}
"""What workflow code may not do, and how it would come by it."""


def test_lint_refuses_clocks_chance_and_io_in_workflow_code() -> None:
    code = [*dict.fromkeys(REFUSED.values()), *REFUSED]
    places = {name(path if path.parent.name == "aftersale" else path.parent / "planted.py") for path in called()}
    for place in ("workflows/planted.py", "workflows/cases/stages/planted.py", *sorted(places)):
        refused = {code[row - 1] for row in linted("\n".join(code), place)}
        assert [what for what, how in REFUSED.items() if not {what, how} & refused] == [], place


def linted(code: str, place: str) -> list[int]:
    """The rows of code that lint refuses in a file of that name."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--output-format", "json"]
    command += ["--stdin-filename", place, "-"]
    ran = subprocess.run(command, input=code, capture_output=True, text=True, check=False, cwd=ROOT)
    return [each["location"]["row"] for each in json.loads(ran.stdout)]


def test_workflow_code_calls_no_builtin_that_a_replay_answers_otherwise() -> None:
    """Lint does not look at them. An object's address and the hash of a text are other ones in every process."""
    refused = {"__import__", "breakpoint", "eval", "exec", "hash", "id", "input", "open"}
    found = [
        f"{name(path)}:{node.lineno}: {node.func.id}"
        for path in (*FILES, *called())
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in refused
    ]
    assert not found


def test_workflow_code_imports_at_the_top_of_its_files() -> None:
    """What a function imports is loaded by the first task that comes there, which has two seconds."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        for outer in ast.walk(tree(path))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        for node in ast.walk(outer)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not found


def test_workflow_code_keeps_nothing_from_run_to_run() -> None:
    """All runs share its modules and classes: what one changed there, another would find, and its replay would not."""
    found = [
        f"{home.__name__}.{key}"
        for path in FILES
        for home in homes(path)
        for key, value in vars(home).items()
        if not key.startswith("__") and not (isinstance(home, ModuleType) and key in imported(path))
        if not isinstance(value, LASTING)
    ]
    assert not found
    assert not [name(path) for path in FILES for node in ast.walk(tree(path)) if isinstance(node, ast.Global)]


def homes(path: Path) -> list[ModuleType | type]:
    """A module and its classes."""
    module = importlib.import_module(name(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    return [
        module,
        *(
            each
            for each in vars(module).values()
            if getattr(each, "__module__", "") == module.__name__ and isinstance(each, type)
        ),
    ]


def imported(path: Path) -> set[str]:
    """What another module keeps: the domain's tables are mappings that nobody may write to, as mypy sees to."""
    nodes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


TASKS = """
import asyncio, json, sys
from pathlib import Path
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from aftersale.temporal.plugin import plugin
from trial.virtual_time import CalendarRunner
import worker

def read(text):
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)

async def main():
    replayer = Replayer(workflows=worker.WORKFLOWS, plugins=[plugin(CalendarRunner())])
    histories = [read(file.read_text("utf-8")) for file in Path("tests/histories").glob("*.json")]
    loaded = set(sys.modules)
    for each in histories:
        await replayer.replay_workflow(each)
    print(sorted(set(sys.modules) - loaded))

asyncio.run(main())
"""


def test_no_task_of_a_worker_loads_code() -> None:
    """A worker runs what it loaded at its start, whatever has become of the files; and no task waits for a file."""
    ran = subprocess.run([sys.executable, "-c", TASKS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"  # the core logs there too

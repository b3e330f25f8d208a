"""Fixtures of all tests: databases, and the workplace (a Temporal server that skips time, the platform, a worker)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from temporalio.testing import WorkflowEnvironment

from tests.support import preloaded
from tests.support.databases import copies, empty, kept, postgres, template, url
from tests.support.lanes import TESTS, is_apart, is_story, why_on_server
from trial.environment import Workplace, workplace

__all__ = ["copies", "empty", "kept", "place", "postgres", "template", "url"]


# A busy machine is no fault of what is tried: an example may take its time, and so may making one.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

LONGEST_FIRST = ("simulation", "processes", "deploy", "workflows", "cli", "test_exhaustive.py", "trial")
"""Folders and files that take longest: begun first, none of them is left over when the other processes are done."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all stories be told on the real server."""
    parser.addoption("--on-server", action="store_true", help="tell every story on the real server, none simulated")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the fast lane leaves out; begin with what takes long, while the order within a folder stays."""
    for item in items:
        if is_story(item) and why_on_server(item) is None:
            item.add_marker("simulated")
        if is_apart(item):
            item.add_marker("server")
    rooms = {room: place for place, room in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rooms.get(item.path.relative_to(TESTS).parts[0], len(rooms)))


@pytest.fixture(autouse=True)
def _in_its_lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test of the fast lane that starts a server after all: the lane would be slow and nobody would know why."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("starts a server or a program, which tests/support/lanes.py did not see; have it see how")

    if request.node.get_closest_marker("server") is None:
        monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
        monkeypatch.setattr(preloaded, "forker", refuse)
        monkeypatch.setattr(WorkflowEnvironment, "start_time_skipping_v2", refuse)


@pytest.fixture(scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    """The workplace on the real server, which all tests of a process share."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    async with workplace(folder) as running:
        yield running


@pytest.fixture(scope="session")
def place(served: Workplace) -> Workplace:
    """The workplace; a folder of stories has them told elsewhere (`tests.support.places`)."""
    return served

"""What all tests share: databases, and the workplace (a Temporal server that skips time, the platform, a worker)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import copies, empty, kept, postgres, template, url
from trial.workplace import Workplace, workplace

__all__ = ["copies", "empty", "kept", "place", "postgres", "template", "url"]


LONGEST_FIRST = ("processes", "deploy", "workflows", "cli")
"""Folders whose files take longest: begun first, none of them is left over when the other process is done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; the order within a folder stays."""
    items.sort(key=lambda item: LONGEST_FIRST.index(name) if (name := item.path.parent.name) in LONGEST_FIRST else 9)


@pytest.fixture(scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    async with workplace(folder) as running:
        yield running

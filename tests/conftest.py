"""What all tests share: databases, and the workplace (a Temporal server that skips time, the platform, a worker)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import copies, empty, kept, postgres, template, url
from trial.workplace import Workplace, workplace

__all__ = ["copies", "empty", "kept", "place", "postgres", "template", "url"]


@pytest.fixture(scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    async with workplace(folder) as running:
        yield running

"""What all tests share: the workplace (a real Temporal server that skips time, the stand-in platform, a worker)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trial.workplace import Workplace, workplace


@pytest.fixture(scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    async with workplace(folder) as running:
        yield running

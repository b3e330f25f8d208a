"""The workplaces of the cases under test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.places import place, server, simulator, stand_in, watching
from tests.support.platform_fixtures import StandIn
from tests.support.platform_fixtures import client as http_client
from trial.environment import Workplace, grounds

__all__ = ["place", "server", "simulator", "stand_in"]


@pytest.fixture(scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("grounds")
    async with grounds(folder) as running:
        yield running


@pytest.fixture
async def idle(ground: Workplace) -> AsyncIterator[Workplace]:
    """A workplace of its own without a worker: a test puts one to work when it likes."""
    async for watched in watching(ground):
        yield watched


@pytest.fixture
async def idle_stand_in(idle: Workplace) -> AsyncIterator[StandIn]:
    """The stand-in platform of the idle place."""
    async with http_client(idle.platform_url) as http:
        yield StandIn(idle.platform_url, http)
        await http.delete("/faults")

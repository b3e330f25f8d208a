"""The fixture of tests of the command line: a Temporal server."""

from collections.abc import AsyncIterator

import pytest

from tests.support.market import Market, market


@pytest.fixture(scope="session")
async def idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    """A market at which nobody works, and no case was ever opened."""
    async with market(tmp_path_factory.mktemp("idle"), working=False) as running:
        yield running

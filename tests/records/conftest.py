"""The fixture of tests of the records: other processes."""

from collections.abc import Iterator

import pytest

from tests.support.hands import Hands


@pytest.fixture(scope="session")
def hands() -> Iterator[Hands]:
    """Four other processes."""
    with Hands(4) as ready:
        yield ready

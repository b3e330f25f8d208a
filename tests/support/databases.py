"""Both databases: every test that asks for one runs on SQLite and on a real PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import aftersale.records.migrations as migrations
from aftersale import records
from trial.postgres import ABSENT, Server, binaries, server

STEPS = [step.revision for step in ScriptDirectory(str(Path(migrations.__path__[0]))).walk_revisions("base", "heads")][
    ::-1
]
"""The revisions of the schema, in order."""

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    binary = binaries()
    if binary is None:
        # What is tested on one database only is not tested: a laptop may do without, what lets a change in may not.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(ABSENT)
    with server(binary) as running:
        yield running


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that is set up, to be copied."""
    path = tmp_path_factory.mktemp("records") / "records.db"
    records.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def template(postgres: Server) -> str:
    """The name of a PostgreSQL database that is set up, to be copied."""
    records.migrate(postgres.database("template_of_records"))
    return "template_of_records"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    running: Server = request.getfixturevalue("postgres")
    return running.database(f"records_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that is set up."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("copies"), tmp_path / "records.db")
        return f"sqlite:///{tmp_path}/records.db"
    template: str = request.getfixturevalue("template")
    running: Server = request.getfixturevalue("postgres")
    return running.database(f"records_{next(_numbers)}", template)


@pytest.fixture
def kept(url: str) -> Iterator[records.Records]:
    with records.open(url) as opened:
        yield opened

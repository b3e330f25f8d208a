"""The schema: every step up keeps the rows, and any number of processes may take it at once."""

import os
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from aftersale import records
from aftersale.records.database import engine, parse_url
from aftersale.records.migrate import VERSION_TABLE, migrate
from aftersale.records.tables import metadata
from aftersale.times import parse_instant
from aftersale.vocabulary import State
from tests.support.bookkeeping import freezing
from tests.support.databases import STEPS
from tests.support.drawing import HOUR, NOW
from tests.support.hands import Hands

ROOT = Path(__file__).resolve().parents[2]
ROWS = {step: Path(__file__).parent / "rows" / f"{step}.sql" for step in STEPS}


def test_every_step_has_rows_that_the_steps_after_it_must_keep() -> None:
    """Whoever adds a migration adds rows as its schema takes them."""
    assert [step for step in STEPS if not ROWS[step].is_file()] == []


def test_an_upgrade_step_by_step_keeps_the_rows_of_every_step(empty: str) -> None:
    for step in STEPS:
        assert migrate(empty, to=step) == [step]
        fill(empty, step)
    with records.open(empty) as kept:
        [case] = kept.cases.find(state=State.CLOSED)
        assert (case.case_id, case.opened_at) == ("C-1", parse_instant("2024-02-01T10:00:00+08:00"))
        record = kept.turns.record("C-1")
        assert record is not None and [entry.event for entry in record.timeline] == ["Opened", "Closed"]
        assert len(kept.turns.of("C-1", void=True)) == 3
        [waiting] = kept.outbox.lease("a", 10, NOW, HOUR)
        assert waiting.message.message_id == "C-1/2" and waiting.delivered == {"mail"}
        books = kept.ledger.order_books("O-88")
        assert books is not None and kept.ledger.check() == []
        assert [(line.paid_minor, line.settled_minor, line.reserved_minor) for line in books.lines] == [
            (12900, 6450, 6450)
        ]
        assert freezing(kept.ledger, "O-89") == ["CB-2"]


@pytest.mark.parametrize("step", STEPS)
def test_an_upgrade_from_any_step_to_todays_schema_keeps_its_rows(empty: str, step: str) -> None:
    migrate(empty, to=step)
    fill(empty, step)
    before = rows(empty)
    migrate(empty)
    assert rows(empty) | before == rows(empty) and sum(before.values()) > 0


def test_a_schema_that_is_up_to_date_is_left_alone(empty: str) -> None:
    assert migrate(empty) == STEPS
    assert migrate(empty) == []


def test_a_schema_of_a_later_version_is_called_newer_with_the_remedy_and_left_alone(url: str) -> None:
    move_on(url, "v0099")
    wanted = f"newer than this version: their schema is v0099, and this version knows none beyond {STEPS[-1]}; run the"
    for ask in (records.require_current, migrate):
        with pytest.raises(records.RecordsNewer, match=f"{wanted} version that set them up, or a later one"):
            ask(url)
    move_on(url, STEPS[-1])
    records.require_current(url)


def test_processes_that_migrate_at_once_do_it_once(empty: str, hands: Hands) -> None:
    done = hands.at_once(migrate, [(empty,)] * 4)
    assert sorted(done, key=len) == [[], [], [], STEPS]


def test_the_migrations_make_the_tables_that_the_code_reads_and_writes(url: str) -> None:
    made = engine(parse_url(url))
    # SQLite's inspector reads no expression in an index, and says so; PostgreSQL's does.
    with made.connect() as connection, warnings.catch_warnings(action="ignore"):
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
    made.dispose()


def test_a_folder_that_does_not_exist_yet_is_made(tmp_path: Path) -> None:
    assert migrate(f"sqlite:///{tmp_path}/a 100%/b/records.db") == STEPS


def test_what_is_made_for_the_records_is_for_its_owner_alone(tmp_path: Path, lax: None) -> None:
    url = f"sqlite:///{tmp_path}/own/records.db"
    migrate(url)
    with records.open(url) as kept, kept.transactions.engine.connect():
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "own", *(tmp_path / "own").iterdir()]
        }
    assert modes.pop("own") == 0o700
    assert {"records.db", "records.db-wal"} <= modes.keys() and {*modes.values()} == {0o600}


def test_permissions_that_somebody_set_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    file.touch(mode=0o660)
    file.chmod(0o660)
    migrate(f"sqlite:///{file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o660


@pytest.fixture
def lax() -> Iterator[None]:
    """A process that lets everybody read what it makes, as most do."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_the_installed_package_migrates_without_a_checkout(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path / 'site')!r}]; from aftersale import records;"
        f"assert records.__file__.startswith({str(tmp_path)!r}); print(records.migrate('sqlite:///records.db'))"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, env={}, check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(STEPS)


def fill(url: str, step: str) -> None:
    """Insert the rows of a step, as a program of its time would have written them."""
    statements = [each for each in ROWS[step].read_text("utf-8").split(";\n") if each.strip()]
    made = engine(parse_url(url))
    with made.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    made.dispose()


def move_on(url: str, step: str) -> None:
    """Have the schema say that it came to a step."""
    made = engine(parse_url(url))
    with made.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{step}'")
    made.dispose()


def rows(url: str) -> dict[str, int]:
    """How many rows each table has."""
    made = engine(parse_url(url))
    with made.begin() as connection:
        names = [name for name in inspect(connection).get_table_names() if name != VERSION_TABLE]
        counted = {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}
    made.dispose()
    return counted

"""A database that is away is an error after a patience that it is told, in words that help and hold no password."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path

import pytest

from aftersale import records
from aftersale.errors import BadInput
from aftersale.records import PATIENCE, Records, RecordsUnavailable
from aftersale.records.database import CONNECTIONS, engine, parse_url
from aftersale.records.postgres import ImpatientConnection
from tests.support.drawing import NOW, line, turn
from tests.support.outages import frozen
from trial.postgres import Server
from trial.server import free_port


@contextmanager
def unavailable(match: str) -> Iterator[None]:
    """It is given up while the block runs, in which the trouble lasts."""
    with pytest.raises(RecordsUnavailable, match=match):
        yield


def test_every_wait_for_a_database_has_the_same_limit(url: str) -> None:
    with records.open(url) as kept, kept.transactions.engine.connect() as connection:
        assert kept.transactions.semaphore._patience == PATIENCE
        assert kept.transactions.engine.pool._timeout == PATIENCE  # type: ignore[attr-defined]
        if url.startswith("sqlite"):
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1000 * PATIENCE
            return
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, ImpatientConnection) and raw.patience == PATIENCE
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == f"{1000 * PATIENCE:.0f}ms"
        assert raw.info.get_parameters()["connect_timeout"] == str(ceil(PATIENCE))


def test_a_database_that_is_not_set_up_says_what_to_do(empty: str) -> None:
    if empty.startswith("sqlite"):
        Path(empty.removeprefix("sqlite:///")).touch()
    with records.open(empty) as kept, unavailable("its tables are missing or old.*run `aftersale setup`"):
        kept.turns.write(line("C-1", 1), now=NOW)


def test_a_sqlite_file_that_somebody_else_writes_to_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    records.migrate(url)
    other = engine(parse_url(url))
    with records.open(url) as kept:
        with other.begin(), unavailable(f"SQLite file {tmp_path}/records.db .*locked"):
            kept.turns.write(line("C-1", 1), now=NOW)
        kept.turns.write(line("C-1", 1), now=NOW)
        with other.begin():
            assert len(kept.cases.find()) == 1, "a reader does not wait for the writer"
    other.dispose()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with records.open(f"sqlite:///{tmp_path}/nowhere/records.db") as kept, unavailable("nowhere/records.db"):
        kept.cases.find()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_text("no database, but a text that is long enough" * 99)
    with records.open(f"sqlite:///{tmp_path}/records.db") as kept, unavailable("not a database"):
        kept.cases.find()
    with unavailable("not a database"):
        records.migrate(f"sqlite:///{tmp_path}/records.db")


def test_nobody_listens() -> None:
    url = f"postgresql://someone:s3cret-word@127.0.0.1:{free_port()}/records"
    with records.open(url) as kept, unavailable("PostgreSQL database records at 127.0.0.1"):
        kept.cases.find()


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://someone:s3cret-word@127.0.0.1:{silent.getsockname()[1]}/records"
        with records.open(url) as kept, unavailable("timeout"):
            kept.turns.write([turn("C-1", 1)], now=NOW)


def test_a_server_that_falls_silent_in_the_middle_is_given_up(postgres: Server) -> None:
    """The server's own time limits are of no use then: it does not run."""
    url = postgres.database("records_silent")
    records.migrate(url)
    with records.open(url) as kept:
        kept.turns.write(line("C-1", 1), now=NOW)
        with frozen(backends(kept)), unavailable("does not answer"):
            kept.turns.write(line("C-1", 2), now=NOW)
        kept.turns.write(line("C-1", 3), now=NOW)
        assert len(kept.turns.of("C-1", void=True)) == 3


def test_a_server_that_was_stopped_serves_again_once_it_is_back(postgres: Server) -> None:
    url = postgres.database("records_stopped")
    records.migrate(url)
    with records.open(url) as kept:
        kept.turns.write(line("C-1", 1), now=NOW)
        postgres.stop()
        try:
            for _ in range(3):
                with unavailable("are not to be had"):
                    kept.turns.write(line("C-1", 2), now=NOW)
        finally:
            postgres.start()
        kept.turns.write(line("C-1", 3), now=NOW)
        assert len(kept.turns.of("C-1")) == 3


def test_a_connection_pool_that_is_used_up_is_an_error(url: str) -> None:
    with records.open(url, patience=0.3) as kept, ExitStack() as held:
        for _ in range(CONNECTIONS):
            held.enter_context(kept.transactions.engine.connect())
        if kept.transactions.engine.dialect.name == "sqlite":
            held.enter_context(kept.transactions.semaphore.place())
        with unavailable("all connections are in use"):
            kept.turns.write(line("C-1", 1), now=NOW)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:s3cret-word@127.0.0.1:1/records",
        "postgresql://127.0.0.1:1/records?user=someone&password=s3cret-word",
        "postgres://someone:s3cret-word@[::1]:1/records?sslmode=require",
        "postgresql://someone:s3cret-word@no.such.host.invalid/records?application_name=x",
    ],
)
def test_the_password_is_in_no_message(url: str) -> None:
    with records.open(url) as kept, pytest.raises(RecordsUnavailable) as caught:
        kept.turns.write([turn("C-1", 1)], now=NOW)
    for told in (str(caught.value), repr(caught.value), repr(kept)):
        assert "s3cret-word" not in told and "someone" not in told
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("records.db", "is no URL of a database"),
        ("", "is no URL of a database"),
        ("postgresql://someone:s3cret-word@127.0.0.1:port/x", "is no URL of a database"),
        ("mysql://someone:s3cret-word@127.0.0.1/x", "names a database that is not supported"),
        ("sqlite://", "names no file, and several processes share the records"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_used_says_how_to_write_one(url: str, said: str) -> None:
    for way_in in (records.open, records.migrate):
        with pytest.raises(BadInput, match=f"AFTERSALE_RECORDS_URL: {said}.*write sqlite:///path") as caught:
            way_in(url)
        assert "s3cret-word" not in str(caught.value)


def backends(kept: Records) -> list[int]:
    """The server's processes behind these records' connections."""
    with kept.transactions.engine.connect() as connection:
        own = "SELECT pid FROM pg_stat_activity WHERE application_name = 'aftersale' AND datname = current_database()"
        return [row.pid for row in connection.exec_driver_sql(own)]

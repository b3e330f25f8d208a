"""The way to a database: SQLite or PostgreSQL by URL, a limit to every wait, and errors that say what to look at."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from aftersale.errors import bad_input
from aftersale.records.errors import RecordsOutdated, RecordsUnavailable
from aftersale.records.fair_semaphore import PATIENCE, FairSemaphore, NoPlaceFree

VARIABLE = "AFTERSALE_RECORDS_URL"
"""The setting that names the database."""

DEFAULT_URL = "sqlite:///.local/records.db"
"""Where records are kept unless the setting says otherwise: a file under the folder that the process runs in."""

READING = "aftersale_reading"
"""The execution option of a transaction that writes nothing."""

_FORMS = "write sqlite:///path/to/records.db or postgresql://user:password@host:5432/database"

CONNECTIONS = 8
"""How many connections one process opens to PostgreSQL at most."""

_SQLITE, _POSTGRESQL = "sqlite+pysqlite", "postgresql+psycopg"

_DRIVERS = {"sqlite": _SQLITE, "postgres": _POSTGRESQL, "postgresql": _POSTGRESQL} | {
    name: name for name in (_SQLITE, _POSTGRESQL)
}

_UNDEFINED = ("42P01", "42703")
"""PostgreSQL's codes for a table and a column that do not exist."""


def parse_url(url: str) -> URL:
    """Read the URL of a database, with the driver that is used here. Raises BadInput, which does not repeat the URL."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise bad_input(VARIABLE, f"is no URL of a database; {_FORMS}") from None
    driver = _DRIVERS.get(found.drivername)
    if driver is None:
        raise bad_input(VARIABLE, f"names a database that is not supported; {_FORMS}")
    if driver == _SQLITE and (not found.database or ":memory:" in found.database):
        message = f"names no file, and several processes share the records; {_FORMS}"
        raise bad_input(VARIABLE, message)
    return found.set(drivername=driver)


def engine(url: URL, patience: float = PATIENCE) -> Engine:
    """Make an engine that opens connections as they are needed, and gives up waiting after `patience` seconds."""
    return _sqlite(url, patience) if url.get_backend_name() == "sqlite" else _postgresql(url, patience)


def _sqlite(url: URL, patience: float) -> Engine:
    made = create_engine(
        url,
        hide_parameters=True,
        pool_timeout=patience,
        connect_args={"timeout": patience, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(made, "do_connect")
    def require(*_: Any) -> None:
        # SQLite would make a file that is missing, and an empty one looks like records; making it is for `migrate`.
        if not Path(url.database or "").exists():
            raise FileNotFoundError

    return prepare_sqlite(made)


def prepare_sqlite(made: Engine) -> Engine:
    """Have an engine's connections to SQLite keep what they acknowledge, and lock before they write."""

    @event.listens_for(made, "connect")
    def prepare(raw: Any, _: Any) -> None:
        # A record that was acknowledged survives a power cut: nothing else would write it a second time.
        raw.execute("PRAGMA synchronous = FULL")
        # What is overwritten or deleted does not stay readable in the file: erased is erased.
        raw.execute("PRAGMA secure_delete = ON")

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that comes to write after it has read fails at once where another wrote meanwhile.
        raw: Any = connection.connection.driver_connection
        raw.execute("BEGIN" if connection.get_execution_options().get(READING) else "BEGIN IMMEDIATE")

    return made


def _postgresql(url: URL, patience: float) -> Engine:
    from aftersale.records.postgres import ImpatientConnection

    milliseconds = int(patience * 1000)
    made = create_engine(
        url,
        hide_parameters=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": ceil(patience),
            "application_name": "aftersale",
            "options": f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={2 * milliseconds}",
        },
    )

    @event.listens_for(made, "do_connect")
    def connect(dialect: Any, record: Any, args: Any, settings: Any) -> Any:
        connection = ImpatientConnection.connect(*args, **settings)
        connection.patience = patience
        return connection

    return made


def writer_semaphore(url: URL, patience: float = PATIENCE) -> FairSemaphore:
    """Make the semaphore of a process's writers: SQLite takes one at a time anyway, PostgreSQL one per connection."""
    return FairSemaphore(1 if url.get_backend_name() == "sqlite" else CONNECTIONS, patience)


@contextmanager
def report_unavailable(url: URL) -> Iterator[None]:
    """Turn a database's refusal of service into RecordsUnavailable; what is our own mistake stays as it is."""
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except (NoPlaceFree, NoConnectionFree):
        raise _unavailable(url, "all connections are in use", "see what holds them up") from None
    except FileNotFoundError:
        raise outdated_error(url, "there is no such file", f"run `aftersale setup`, or set {VARIABLE}") from None
    except (DBAPIError, sqlite3.Error, OSError) as error:
        if _is_not_set_up(error):
            raise outdated_error(url) from None
        if isinstance(error, ProgrammingError):
            raise
        said = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
        raise _unavailable(url, said, f"see that it runs, and that {VARIABLE} names it") from None


def outdated_error(
    url: URL, said: str = "its tables are missing or old", remedy: str = "run `aftersale setup`"
) -> RecordsOutdated:
    """Return what to raise where the schema is not the one that this version needs."""
    return RecordsOutdated(f"the records in {name_in_words(url)} are not to be had ({said}); {remedy}")


def _is_not_set_up(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in _UNDEFINED or str(cause).startswith(("no such table", "no such column"))


def _unavailable(url: URL, said: str, remedy: str) -> RecordsUnavailable:
    for secret in (url.password, *map(str, url.query.values())):
        said = said.replace(str(secret), "***") if secret else said
    return RecordsUnavailable(f"the records in {name_in_words(url)} are not to be had ({said}); {remedy}")


def name_in_words(url: URL) -> str:
    """Name the database in words, without its user and password."""
    if url.get_backend_name() == "sqlite":
        return f"the SQLite file {Path(url.database or '')}"
    return f"the PostgreSQL database {url.database or ''} at {url.host or 'localhost'}:{url.port or 5432}"

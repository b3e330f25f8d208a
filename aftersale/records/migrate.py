"""Bring a database's schema up to what this version needs.

Alembic is loaded when it is needed: a list is read without it, and in half the time.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, text

from aftersale.records import database
from aftersale.records.database import name_in_words, parse_url, report_unavailable
from aftersale.records.errors import RecordsNewer
from aftersale.records.private_files import make_private_file

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

PATIENCE = 60.0
"""Seconds to wait for another process that migrates, and for a migration to finish."""

VERSION_TABLE = "records_version"
"""Alembic's own table, under a name that no other program's migrations use."""

_FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x6166746572 << 16
"""The key of PostgreSQL's advisory lock: nobody migrates while another does."""


def migrate(url: str, *, to: str = "head", patience: float = PATIENCE) -> list[str]:
    """Bring the schema up to `to`, in one transaction; return the revisions that were applied, in order.

    Safe to repeat, and from several processes at once: one works, the others wait, and find nothing to do. Raises
    BadInput for a URL that cannot be used, RecordsNewer where a later version was here, RecordsUnavailable where the
    database does not do as it is asked.
    """
    where = parse_url(url)
    with report_unavailable(where):
        made = database.engine(where, patience)
        try:
            _prepare(where, patience)
            with made.begin() as connection:
                return _upgraded(connection, where, to)
        finally:
            made.dispose()


def require_current(url: str) -> None:
    """Make sure that the schema is the one of this version; nothing is changed, and no file is made.

    Raises RecordsOutdated where it is older, RecordsNewer where it is newer, RecordsUnavailable where that cannot be
    told, BadInput.
    """
    where = parse_url(url)
    if where.get_backend_name() == "sqlite" and not Path(where.database or "").exists():
        raise database.outdated_error(where)
    with report_unavailable(where):
        made = database.engine(where)
        try:
            with made.connect().execution_options(**{database.READING: True}) as connection:
                script = _script()
                if _known_revision(connection, where, script) != script.get_current_head():
                    raise database.outdated_error(where)
        finally:
            made.dispose()


def _upgraded(connection: Connection, where: URL, to: str) -> list[str]:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    script = _script()
    before = _known_revision(connection, where, script)
    config = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, to)
    after = _revision(connection)
    applied = script.iterate_revisions(after or "base", before or "base")
    return [revision.revision for revision in applied][::-1]


def _script() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(_FOLDER))


def _known_revision(connection: Connection, where: URL, script: "ScriptDirectory") -> str | None:
    """Return how far the schema is; None where nothing is there. Raises RecordsNewer for what no step here leads to."""
    found = _revision(connection)
    if found is None or any(step.revision == found for step in script.walk_revisions()):
        return found
    raise RecordsNewer(
        f"the records in {name_in_words(where)} are newer than this version: their schema is {found}, and this version "
        f"knows none beyond {script.get_current_head()}; run the version that set them up, or a later one"
    )


def _revision(connection: Connection) -> str | None:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _prepare(where: URL, patience: float) -> None:
    """Have a SQLite file keep a WAL, so that readers do not wait for the writer; it stays so."""
    if where.get_backend_name() != "sqlite":
        return
    assert where.database is not None
    make_private_file(Path(where.database))
    until = time.monotonic() + patience
    with closing(sqlite3.connect(where.database, timeout=patience)) as raw:
        while True:
            try:
                raw.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                # Two that switch at the same moment do not wait for each other as writers do.
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

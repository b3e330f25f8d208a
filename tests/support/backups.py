"""Backups of a database of the records, as an operator makes and restores them with everything stopped."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import psycopg

_SQLITE = "sqlite:///"


def back_up(url: str) -> Callable[[], None]:
    """Keep what a database holds now; call what is returned to have it hold that again, and nothing since."""
    if url.startswith(_SQLITE):
        path = url.removeprefix(_SQLITE)
        _copy(path, f"{path}.backup")
        return lambda: _copy(f"{path}.backup", path)
    server, _, name = url.rpartition("/")
    _clone(server, name, f"{name}_backup")
    return lambda: _clone(server, f"{name}_backup", name)


def _copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as kept, closing(sqlite3.connect(target)) as other:
        kept.backup(other)


def _clone(server: str, source: str, target: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        left = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(left, [source])
        connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')

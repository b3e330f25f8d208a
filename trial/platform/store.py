"""The memory of the stand-in platform: payments, each movement of money, what services answered, messages."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aftersale.money import RefundInstruction, Settlement
from aftersale.records.private_files import make_private_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY, instruction TEXT NOT NULL, status TEXT NOT NULL, provider_ref TEXT, reason TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS transfers (  -- no uniqueness on purpose: a second payment must show, not be hidden
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    path TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL,
    asked INTEGER NOT NULL DEFAULT 1, cancelled INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (path, key)
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, message_id TEXT UNIQUE, payload TEXT NOT NULL, received_at TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 1
) STRICT;
"""


class KeyTaken(Exception):
    """The key is held by another instruction."""


class Store:
    """One SQLite file. A write is on disk before its method returns."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, and make it and its tables where they are missing; None keeps all in memory."""
        if path is not None:
            make_private_file(path)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_SCHEMA}")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def settle(self, instruction: RefundInstruction, decline: str | None = None) -> Settlement:
        """Pay, or decline with the reason `decline`, and answer; a known key gets the answer that it got before.

        Raises KeyTaken when the key belongs to another instruction.
        """
        with self._writing():
            known = self._row(instruction.key)
            if known is None:
                return self._record(instruction, decline)
            if RefundInstruction.model_validate_json(known["instruction"]) != instruction:
                raise KeyTaken
            return _settlement(known)

    def payment(self, key: str) -> dict[str, Any] | None:
        """Return what is held under the key, the instruction's fields beside the settlement's; None when nothing is."""
        row = self._row(key)
        return None if row is None else {**json.loads(row["instruction"]), **_settlement(row).model_dump()}

    def payments(self) -> list[dict[str, Any]]:
        """Return every key ever settled, oldest first, and how often money moved for it."""
        return self._all(
            "SELECT key, json_extract(instruction, '$.amount_minor') AS amount_minor,"
            " json_extract(instruction, '$.currency') AS currency, status, reason, provider_ref,"
            " (SELECT count(*) FROM transfers WHERE transfers.key = payments.key) AS times_moved"
            " FROM payments ORDER BY payments.rowid"
        )

    def answer(self, path: str, asked: dict[str, Any], decided: dict[str, Any]) -> dict[str, Any]:
        """Keep what a service was asked under a key, and its answer; what came before gets the answer of then."""
        found = self._db.execute(
            "INSERT INTO answers (path, key, request, answer) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (path, key) DO UPDATE SET asked = asked + 1 RETURNING answer",
            (path, asked["key"], json.dumps(asked), json.dumps(decided)),
        ).fetchone()
        answer: dict[str, Any] = json.loads(found["answer"])
        return answer

    def cancel(self, path: str, key: str) -> bool:
        """Cancel what a service was asked; False where nothing is held under the key."""
        cancelling = "UPDATE answers SET cancelled = 1 WHERE path = ? AND key = ?"
        return self._db.execute(cancelling, (path, key)).rowcount == 1

    def asked(self, path: str) -> list[dict[str, Any]]:
        """Return all that a service was asked, oldest first: the answer, how often, and whether it was cancelled."""
        rows = self._all(
            "SELECT request, answer, asked, cancelled FROM answers WHERE path = ? ORDER BY rowid",
            path,
        )
        return [{**json.loads(row.pop("request")), **row, "answer": json.loads(row["answer"])} for row in rows]

    def receive(self, message_id: str | None, payload: dict[str, Any]) -> None:
        """Keep a message; one that came before, by its id, is only counted."""
        self._db.execute(
            "INSERT INTO messages (message_id, payload, received_at) VALUES (?, ?, ?)"
            " ON CONFLICT (message_id) DO UPDATE SET deliveries = deliveries + 1",
            (message_id, json.dumps(payload), datetime.now(UTC).isoformat(timespec="milliseconds")),
        )

    def messages(self) -> list[dict[str, Any]]:
        """Return every message, oldest first: what was sent, when it first came, and how often."""
        rows = self._all("SELECT payload, received_at, deliveries FROM messages ORDER BY id")
        return [{**json.loads(row.pop("payload")), **row} for row in rows]

    def _record(self, instruction: RefundInstruction, decline: str | None) -> Settlement:
        key = instruction.key
        if decline is None:
            settled = Settlement(key=key, status="succeeded", provider_ref=self._move(instruction))
        else:
            settled = Settlement(key=key, status="declined", reason=decline)
        self._db.execute(
            "INSERT INTO payments (key, instruction, status, provider_ref, reason) VALUES (?, ?, ?, ?, ?)",
            (key, instruction.model_dump_json(), settled.status, settled.provider_ref, settled.reason),
        )
        return settled

    def _move(self, instruction: RefundInstruction) -> str:
        moved = self._db.execute(
            "INSERT INTO transfers (key, amount_minor, currency) VALUES (?, ?, ?)",
            (instruction.key, instruction.amount_minor, instruction.currency),
        )
        return f"transfer-{moved.lastrowid}"

    def _row(self, key: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute("SELECT * FROM payments WHERE key = ?", (key,)).fetchone()
        return found

    def _all(self, query: str, *given: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(query, given)]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _settlement(row: sqlite3.Row) -> Settlement:
    return Settlement(key=row["key"], status=row["status"], provider_ref=row["provider_ref"], reason=row["reason"])

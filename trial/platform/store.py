"""What the stand-in platform remembers: payments, each movement of money, messages received."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aftersale.guarantees.claims import Approval, ClaimReview
from aftersale.guarantees.freight_insurance import InsurerAnswer, InsurerRequest
from aftersale.guarantees.home_pickup import Pickup, PickupOrder
from aftersale.money import RefundInstruction, Settlement

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    key TEXT PRIMARY KEY, instruction TEXT NOT NULL, status TEXT NOT NULL, provider_ref TEXT, reason TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS transfers (  -- no uniqueness on purpose: a second payment must show, not be hidden
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, review TEXT NOT NULL, approval TEXT NOT NULL, asked INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE IF NOT EXISTS freight (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL, asked INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE IF NOT EXISTS pickups (
    key TEXT PRIMARY KEY, pickup TEXT NOT NULL, asked INTEGER NOT NULL DEFAULT 1, cancelled INTEGER NOT NULL DEFAULT 0
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

    def __init__(self, path: Path) -> None:
        """Open the file, and make it and its tables where they are missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
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

    def review(self, claim: ClaimReview, decided: Approval) -> Approval:
        """Keep a claim and its answer; one that came before gets the answer that it got before."""
        found = self._db.execute(
            "INSERT INTO claims (key, review, approval) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET asked = asked + 1 RETURNING approval",
            (claim.key, claim.model_dump_json(), decided.model_dump_json()),
        ).fetchone()
        return Approval.model_validate_json(found["approval"])

    def claims(self) -> list[dict[str, Any]]:
        """Return every claim that was asked about, oldest first, with its answer, and how often it was asked."""
        rows = self._all("SELECT review, approval, asked FROM claims ORDER BY rowid")
        return [{**json.loads(row.pop("review")), **row, "approval": json.loads(row["approval"])} for row in rows]

    def insure(self, wanted: InsurerRequest, decided: InsurerAnswer) -> InsurerAnswer:
        """Keep a freight claim and its answer; one that came before gets the answer that it got before."""
        found = self._db.execute(
            "INSERT INTO freight (key, request, answer) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET asked = asked + 1 RETURNING answer",
            (wanted.key, wanted.model_dump_json(), decided.model_dump_json()),
        ).fetchone()
        return InsurerAnswer.model_validate_json(found["answer"])

    def freight(self) -> list[dict[str, Any]]:
        """Return every freight claim, oldest first, with its answer, and how often it was sent."""
        rows = self._all("SELECT request, answer, asked FROM freight ORDER BY rowid")
        return [{**json.loads(row.pop("request")), **row, "answer": json.loads(row["answer"])} for row in rows]

    def book(self, order: PickupOrder, answer: Pickup) -> Pickup:
        """Keep a pickup; an order that came before gets the answer that it got before."""
        found = self._db.execute(
            "INSERT INTO pickups (key, pickup) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET asked = asked + 1 RETURNING pickup",
            (order.key, answer.model_dump_json()),
        ).fetchone()
        return Pickup.model_validate_json(found["pickup"])

    def cancel(self, key: str) -> bool:
        """Cancel a pickup; False where none is held under the key."""
        return self._db.execute("UPDATE pickups SET cancelled = 1 WHERE key = ?", (key,)).rowcount == 1

    def pickups(self) -> list[dict[str, Any]]:
        """Return every pickup, oldest first, how often it was ordered, and whether it was cancelled."""
        rows = self._all("SELECT pickup, asked, cancelled FROM pickups ORDER BY rowid")
        return [{**json.loads(row.pop("pickup")), **row} for row in rows]

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

    def _all(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(query)]

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

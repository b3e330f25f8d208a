"""Idempotency: what a request id was first used for, so that it is never used for anything else. Pure.

Temporal answers an update whose id it knows with its first answer, whatever it says now. So nothing here relies on the
update id alone: a request id is bound to the fingerprint of what was asked under it.
"""

import hashlib
import json

from aftersale.contract.commands import Act, ParcelEvent
from aftersale.errors import Problem
from aftersale.vocabulary import Command, WatchCommand

CONFLICT = "idempotency_conflict"
"""The code of a refusal: the id was used for another content before."""

ALREADY_TAKEN = "already_taken"
"""The code of a refusal: the command was taken, and its party has had very many answers again."""

_TOLD_ANEW = frozenset({"occurred_at", "request_id"})
"""What a caller that repeats a command may stamp anew: the command is the same, and the first instant counts."""


def fingerprint(name: str, content: Act | ParcelEvent) -> str:
    """Return what tells a command, or a carrier's scan, from every other one: 32 hexadecimal digits.

    A field that is left out counts as its default. A scan is known by when it happened; a command is not, since a
    caller that lost its stamp with its process repeats it with another.
    """
    left_out = set(_TOLD_ANEW) if isinstance(content, Act) else set[str]()
    said = content.model_dump(mode="json", exclude=left_out, exclude_defaults=True)
    text = json.dumps([name, said], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def mark(command: Command | WatchCommand, act: Act) -> dict[str, str | None]:
    """Return what a line of a timeline keeps of the request that caused it."""
    return {"request_id": act.request_id, "fingerprint": fingerprint(command, act)}


def conflict(field: str, used: str) -> Problem:
    """Return the refusal of an id that was used for something else before."""
    said = f"{used} was used before for other content, which stands, and nothing was changed now"
    return Problem(code=CONFLICT, field=field, message=f"{said}; repeat that unchanged, or send this under a new id")

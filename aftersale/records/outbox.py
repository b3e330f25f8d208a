"""The outbox as messengers use it: lease, deliver, report. Every message at least once, always under the same id."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from aftersale.messages import Message
from aftersale.records.tables import deliveries, into, keys, outbox

MOST_ERROR = 500
"""Letters that are kept of an error."""


class Leased(NamedTuple):
    """A message that is this messenger's to deliver until its lease ends; `delivered` are the channels that took it."""

    message: Message
    attempts: int
    delivered: frozenset[str]


class Backlog(NamedTuple):
    """The outbox in numbers: how many messages stand how, how many are out on lease, since when the oldest waits."""

    pending: int
    sent: int
    withdrawn: int
    leased: int
    oldest: datetime | None


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now)
    return and_(outbox.c.state == "pending", outbox.c.next_try_at <= now, free)


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a messenger has anything to do."""
    return connection.execute(select(outbox.c.message_id).where(_due(now)).limit(1)).first() is not None


def lease(connection: Connection, owner: str, limit: int, now: datetime, for_: timedelta) -> list[Leased]:
    """Take up to `limit` messages that are due, the longest due first; nobody else gets them until `now + for_`."""
    order = (outbox.c.next_try_at, outbox.c.case_id, outbox.c.seq, outbox.c.place)
    query = select(outbox.c.message_id, outbox.c.content, outbox.c.attempts).where(_due(now))
    rows = connection.execute(query.order_by(*order).limit(limit).with_for_update(skip_locked=True)).all()
    ids = [row.message_id for row in rows]
    taken = update(outbox).where(outbox.c.message_id.in_(ids))
    connection.execute(taken.values(lease_owner=owner, leased_until=now + for_, attempts=outbox.c.attempts + 1))
    done = _delivered(connection, ids)
    return [
        Leased(
            Message.model_validate_json(row.content),
            row.attempts + 1,
            frozenset(channel for message_id, channel in done if message_id == row.message_id),
        )
        for row in rows
    ]


def _delivered(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    taken = deliveries.c.message_id.in_(ids) & deliveries.c.delivered_at.is_not(None)
    rows = connection.execute(select(deliveries.c.message_id, deliveries.c.channel).where(taken))
    return [(row.message_id, row.channel) for row in rows]


def tried(connection: Connection, message_id: str, channel: str, now: datetime, error: str | None) -> None:
    """Keep that a channel took a message, or why it did not; one that took it once has taken it."""
    first = {
        "message_id": message_id,
        "channel": channel,
        "attempts": 1,
        "delivered_at": now if error is None else None,
        "last_error": _kept(error),
    }
    insert = into(deliveries, connection.dialect.name)
    again = {
        "attempts": deliveries.c.attempts + 1,
        "delivered_at": func.coalesce(deliveries.c.delivered_at, insert.excluded.delivered_at),
        "last_error": insert.excluded.last_error,
    }
    connection.execute(insert.on_conflict_do_update(index_elements=keys(deliveries), set_=again), first)


def sent(connection: Connection, message_id: str, now: datetime) -> None:
    """The message has gone out through all its channels. That holds even where it was withdrawn meanwhile."""
    connection.execute(
        update(outbox)
        .where(outbox.c.message_id == message_id)
        .values(state="sent", sent_at=func.coalesce(outbox.c.sent_at, now), lease_owner=None, leased_until=None)
    )


def failed(connection: Connection, message_id: str, owner: str, error: str, retry_at: datetime) -> None:
    """The message is to be tried again from `retry_at` on. Of no effect once the lease is somebody else's."""
    mine = (outbox.c.message_id == message_id) & (outbox.c.lease_owner == owner)
    connection.execute(
        update(outbox)
        .where(mine)
        .values(next_try_at=retry_at, last_error=_kept(error), lease_owner=None, leased_until=None)
    )


def release(connection: Connection, owner: str) -> int:
    """Give back what a messenger has on lease, for others to take at once; how many messages that were."""
    given_back = update(outbox).where(outbox.c.lease_owner == owner).values(lease_owner=None, leased_until=None)
    return connection.execute(given_back).rowcount


def backlog(connection: Connection, now: datetime) -> Backlog:
    """The outbox in numbers."""
    by_state = select(outbox.c.state, func.count().label("messages")).group_by(outbox.c.state)
    counted = {row.state: row.messages for row in connection.execute(by_state)}
    pending = outbox.c.state == "pending"
    waiting = select(
        func.count().filter(outbox.c.leased_until > now).label("leased"), func.min(outbox.c.created_at).label("oldest")
    )
    row = connection.execute(waiting.where(pending)).one()
    return Backlog(
        pending=counted.get("pending", 0),
        sent=counted.get("sent", 0),
        withdrawn=counted.get("withdrawn", 0),
        leased=row.leased,
        oldest=row.oldest,
    )


def _kept(error: str | None) -> str | None:
    """An error, clipped; without the letter that PostgreSQL cannot keep."""
    return None if error is None else error.replace("\0", "")[:MOST_ERROR]

"""The outbox as messengers use it: lease, deliver, report. Every message at least once, always under the same id."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select, update

from aftersale.contract.message import Message
from aftersale.records.tables import Found, Moment, deliveries, into, keys, outbox
from aftersale.records.transactions import Repository

MOST_ERROR = 500
"""Characters that are kept of an error."""

MOST_TOGETHER, MOST_GROUPS = 200, 5
"""How many are leased beside a message because they wait to go out together with it, and for how many such groups."""

LEFT_ALONE = timedelta(minutes=5)
"""How long a message that this version cannot read is left for another to try."""

_UNREADABLE = "this version cannot read the message, which a later one may have written"

_LEASING = 0x6166746572 << 16 | 1
"""The key of PostgreSQL's advisory lock: of two that lease at once, each would get a part of what goes together."""


class Leased(NamedTuple):
    """A message that is this messenger's to deliver until its lease ends.

    `attempts` counts the leases in which a channel may have been tried, this one included; `delivered` are the channels
    that took it; it has been owed since `owed_at`. Under `together` its last report put it off, None where it had none.
    """

    message: Message
    attempts: int
    delivered: frozenset[str]
    owed_at: datetime
    together: str | None


class Report(NamedTuple):
    """What became of a message under a lease: the channels that took it, and those that did not, with the reason.

    `due` says when it is to be tried again; None says that it is done, all its channels having taken it. Of messages
    put off under one word `together`, whoever leases one gets all that are due. A channel that was not tried, as it
    pauses or gathers a digest, is in neither list; a lease in which none was tried does not count as an attempt.
    """

    message_id: str
    took: Sequence[str] = ()
    refused: Mapping[str, str] = MappingProxyType({})
    due: datetime | None = None
    together: str | None = None


class Backlog(NamedTuple):
    """The outbox in numbers: how many messages stand how, how many are out on lease, since when the oldest waits."""

    pending: int
    sent: int
    withdrawn: int
    leased: int
    oldest: datetime | None


_NOW = bindparam("now", type_=Moment())
_FREE = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= _NOW)
_DUE = and_(outbox.c.state == "pending", outbox.c.next_try_at <= _NOW, _FREE)
# Kept, since putting a statement together takes longer than executing it.
_ANYTHING_DUE = select(outbox.c.message_id).where(_DUE).limit(1)
_HELD = update(outbox).where(outbox.c.lease_owner == bindparam("owner"))
_GIVEN_BACK = _HELD.values(lease_owner=None, leased_until=None)
_RENEWED = _HELD.values(leased_until=bindparam("until", type_=Moment())).returning(outbox.c.message_id)


class OutboxRepository(Repository):
    """Messages on their way to parties, each owed once, and out on lease to one messenger at a time."""

    def lease(self, owner: str, limit: int, now: datetime, for_: timedelta) -> list[Leased]:
        """Take up to `limit` messages that are due; nobody else gets them until `now + for_`, renewed or released.

        Those that are due longest come first; those that were put off to go out together come together, beyond the
        limit. `owner` names one messenger of one process. A message whose lease ends without a report is taken over by
        whoever asks next, under the same id: receivers may see it twice. One that this version cannot read is left for
        a later one.
        """
        with self._reading() as connection:
            # Idle messengers ask twice a second, and are not to queue with those that write.
            if connection.execute(_ANYTHING_DUE, {"now": now}).first() is None:
                return []
        with self._writing() as connection:
            return _lease(connection, owner, limit, now, for_)

    def renew(self, owner: str, now: datetime, for_: timedelta) -> frozenset[str]:
        """Keep what a messenger has on lease until `now + for_`; return which messages those are.

        What somebody else took over, once its lease had ended, is not among them.
        """
        with self._writing() as connection:
            return frozenset(connection.execute(_RENEWED, {"owner": owner, "until": now + for_}).scalars())

    def report(self, owner: str, reports: Sequence[Report], now: datetime) -> None:
        """Keep what became of messages that `owner` had on lease, in one transaction, and end those leases.

        What was delivered is sent, however late that is told, and even where it was withdrawn meanwhile. What is to be
        tried again stays as it is where the lease has become somebody else's.
        """
        # In one order, so that two which report the same messages do not wait for each other.
        ordered = sorted(reports, key=lambda each: each.message_id)
        with self._writing() as connection:
            _keep_tries(connection, ordered, now)
            done = [each.message_id for each in ordered if each.due is None]
            _set(connection, done, state="sent", sent_at=func.coalesce(outbox.c.sent_at, now))
            _end_leases(connection, owner, ordered)

    def release(self, owner: str) -> int:
        """Give back what a messenger has on lease, for others to take at once; return how many messages that were."""
        with self._writing() as connection:
            return connection.execute(_GIVEN_BACK, {"owner": owner}).rowcount

    def backlog(self, now: datetime) -> Backlog:
        """Count the messages that wait, are on lease, are sent and withdrawn."""
        by_state = select(outbox.c.state, func.count().label("messages")).group_by(outbox.c.state)
        leased = func.count().filter(outbox.c.leased_until > now).label("leased")
        waiting = select(leased, func.min(outbox.c.created_at).label("oldest")).where(outbox.c.state == "pending")
        with self._reading() as connection:
            counted = {row.state: row.messages for row in connection.execute(by_state)}
            row = connection.execute(waiting).one()
        pending, sent, withdrawn = (counted.get(state, 0) for state in ("pending", "sent", "withdrawn"))
        return Backlog(pending, sent, withdrawn, row.leased, row.oldest)


def _lease(connection: Connection, owner: str, limit: int, now: datetime, for_: timedelta) -> list[Leased]:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LEASING)))
    first = _first_due(connection, _DUE, now, limit)
    groups = list(dict.fromkeys(row.together for row in first if row.together is not None))[:MOST_GROUPS]
    rows = [row for row in first if row.together is None or row.together in groups]
    for group in groups:
        others = (outbox.c.together == group) & outbox.c.message_id.not_in([row.message_id for row in first])
        rows += _first_due(connection, _DUE & others, now, MOST_TOGETHER)
    messages = {row.message_id: _read(row.content) for row in rows}
    taken = [message_id for message_id, message in messages.items() if message]
    _set(connection, taken, lease_owner=owner, leased_until=now + for_, attempts=outbox.c.attempts + 1)
    # Left for a version that can read them: one odd row must not keep all others waiting.
    unread = [message_id for message_id, message in messages.items() if not message]
    _set(connection, unread, next_try_at=now + LEFT_ALONE, last_error=_UNREADABLE)
    done = _delivered(connection, taken)
    return [
        Leased(
            message,
            row.attempts + 1,
            frozenset(channel for message_id, channel in done if message_id == row.message_id),
            row.created_at,
            row.together,
        )
        for row in rows
        if (message := messages[row.message_id])
    ]


def _first_due(connection: Connection, wanted: ColumnElement[bool], now: datetime, limit: int) -> list[Found]:
    columns = (outbox.c.message_id, outbox.c.content, outbox.c.attempts, outbox.c.created_at, outbox.c.together)
    order = (outbox.c.next_try_at, outbox.c.case_id, outbox.c.seq, outbox.c.place)
    query = select(*columns).where(wanted).order_by(*order).limit(limit)
    return list(connection.execute(query.with_for_update(skip_locked=True), {"now": now}))


def _read(content: str) -> Message | None:
    try:
        return Message.model_validate_json(content)
    except ValidationError:
        return None


def _set(connection: Connection, message_ids: Sequence[str], **values: Any) -> None:
    if message_ids:
        connection.execute(update(outbox).where(outbox.c.message_id.in_(message_ids)).values(**values))


def _delivered(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    taken = deliveries.c.message_id.in_(ids) & deliveries.c.delivered_at.is_not(None)
    rows = connection.execute(select(deliveries.c.message_id, deliveries.c.channel).where(taken))
    return [(row.message_id, row.channel) for row in rows]


def _keep_tries(connection: Connection, reports: Sequence[Report], now: datetime) -> None:
    """Keep which channels took a message, and why others did not; one that took it once has taken it."""
    tries: list[Mapping[str, Any]] = []
    for each in reports:
        outcomes: dict[str, str | None] = {**dict.fromkeys(each.took), **each.refused}
        for channel, error in sorted(outcomes.items()):
            about = {"delivered_at": now if error is None else None, "last_error": _kept(error)}
            tries.append({"message_id": each.message_id, "channel": channel, "attempts": 1, **about})
    if tries:
        insert = into(deliveries, connection.dialect.name)
        again = {
            "attempts": deliveries.c.attempts + 1,
            "delivered_at": func.coalesce(deliveries.c.delivered_at, insert.excluded.delivered_at),
            "last_error": insert.excluded.last_error,
        }
        connection.execute(insert.on_conflict_do_update(index_elements=keys(deliveries), set_=again), tries)


def _end_leases(connection: Connection, owner: str, reports: Sequence[Report]) -> None:
    """End the leases of what was reported; what is to be tried again waits until it is due."""
    mine = outbox.c.lease_owner == owner
    if put_off := [_put_off(each) for each in reports if each.due is not None]:
        again = {
            "next_try_at": bindparam("due"),
            "together": bindparam("group"),
            "last_error": func.coalesce(bindparam("error"), outbox.c.last_error),
            # Of one that was withdrawn meanwhile a correction is owed already: its id stands for its words.
            "attempts": outbox.c.attempts - case((outbox.c.state == "pending", bindparam("untried")), else_=0),
        }
        connection.execute(update(outbox).where(mine & (outbox.c.message_id == bindparam("id"))).values(again), put_off)
    reported = outbox.c.message_id.in_([each.message_id for each in reports])
    connection.execute(update(outbox).where(mine & reported).values(lease_owner=None, leased_until=None))


def _put_off(report: Report) -> Mapping[str, Any]:
    error = "; ".join(f"{channel}: {why}" for channel, why in report.refused.items()) or None
    return {
        "id": report.message_id,
        "due": report.due,
        "group": report.together,
        "error": _kept(error),
        "untried": 0 if report.took or report.refused else 1,
    }


def _kept(error: str | None) -> str | None:
    """Return an error, clipped, without the character that PostgreSQL cannot keep."""
    return None if error is None else error.replace("\0", "")[:MOST_ERROR]

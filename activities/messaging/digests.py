"""The instant at which a digest goes out: messages of one period reach their recipient together."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from activities.messaging.channels import Channel
from aftersale.contract.message import Message
from aftersale.times import POLICY_ZONE
from aftersale.vocabulary import MessageEvent

_MONDAY = datetime(1, 1, 1, tzinfo=UTC)
"""Where periods are counted from: days begin at midnight, weeks on a Monday."""


def period_end(instant: datetime, length: timedelta, zone: ZoneInfo = POLICY_ZONE) -> datetime:
    """Return the end of the period that an instant lies in, which is the beginning of the next one; in UTC.

    Periods are full multiples of their length by the zone's wall clocks.
    """
    wall = instant.astimezone(zone).replace(tzinfo=UTC)
    end = _MONDAY + ((wall - _MONDAY) // length + 1) * length
    return end.replace(tzinfo=zone).astimezone(UTC)


def digest_due(channel: Channel, message: Message, owed_at: datetime, grace: timedelta) -> datetime | None:
    """Say when the digest is due in which a channel carries a message; None where the message goes by itself, at once.

    That is `grace` after the period's end, for what was written in its last moment. Alerts do not wait, nor
    does what a reconciliation found, and nothing waits past its own deadline.
    """
    if channel.digest is None or message.event in (MessageEvent.ALERT, MessageEvent.DISCREPANCY):
        return None
    due = period_end(owed_at, channel.digest) + grace
    return None if message.respond_by is not None and message.respond_by <= due else due


def addressee(message: Message) -> str:
    """Whose digest a message belongs to."""
    return f"{message.to}/{message.recipient or ''}"

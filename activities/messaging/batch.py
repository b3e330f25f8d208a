"""A batch of messages that were leased together: each goes through its channels, those of one digest as one."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.messaging.channels import Channel, Channels, Notification
from activities.messaging.circuit import Answer, ChannelCircuit, Deferred, Failed, Sent
from activities.messaging.digests import addressee, digest_due, period_end
from activities.messaging.rendering import Templates
from aftersale.records import Leased, Report

LATE = 10
"""How long a digest gathers that comes late, as after an outage, in times of what a punctual one is given."""

_LOG = logging.getLogger("aftersale.messenger")


@dataclass(frozen=True)
class Transport:
    """What messages are carried with, the same for every batch."""

    channels: Channels
    templates: Templates
    circuits: Mapping[str, ChannelCircuit]
    grace: timedelta
    unwritable: timedelta


class DeliveryBatch:
    """The messages that one lease brought, at the instant `now`; none sets out once it may no longer begin."""

    def __init__(
        self, transport: Transport, batch: Sequence[Leased], now: datetime, may_begin: Callable[[], bool]
    ) -> None:
        self._transport, self._batch, self._now, self._may_begin = transport, batch, now, may_begin
        self._digests: dict[tuple[Channel, str], asyncio.Task[Answer]] = {}

    async def carry(self, leased: Leased) -> Report:
        """Take one of the messages through every channel that has not taken it yet."""
        left = self._left(leased)
        answers = await asyncio.gather(*(self._through(channel, leased) for channel in left))
        refused: dict[str, str] = {}
        due: list[datetime] = []
        gathers = False
        for channel, answer in zip(left, answers, strict=True):
            match answer:
                case Failed(why, until):
                    refused[channel.name] = why
                    due.append(until)
                case Deferred(until):
                    due.append(until)
                case Sent():
                    continue
            gathers = gathers or channel.digest is not None
        took = [channel.name for channel, answer in zip(left, answers, strict=True) if isinstance(answer, Sent)]
        together = addressee(leased.message) if gathers else None
        return Report(leased.message.message_id, took, refused, min(due, default=None), together)

    def _left(self, leased: Leased) -> list[Channel]:
        channels = self._transport.channels.of(leased.message)
        return [channel for channel in channels if channel.name not in leased.delivered]

    async def _through(self, channel: Channel, leased: Leased) -> Answer:
        try:
            due = self._digest_due(channel, leased)
            if due is None:
                words = self._transport.templates.tell(channel.language, leased.message)
                return await self._send(channel, Notification.of(leased.message, words), leased.attempts)
            if due > self._now:
                return Deferred(due)
            if leased.together is None:
                # Who leases one message that was put off gets all of its digest. A late one gathers for a while, too.
                return Deferred(period_end(self._now + self._transport.grace, LATE * self._transport.grace))
            return await self._digest(channel, addressee(leased.message))
        except Exception:  # one message that cannot be written must not stop the messenger
            _LOG.exception("message %s cannot be written; it is tried again later", leased.message.message_id)
            return Deferred(self._now + self._transport.unwritable)

    def _digest(self, channel: Channel, recipient: str) -> asyncio.Task[Answer]:
        if (channel, recipient) not in self._digests:
            self._digests[channel, recipient] = asyncio.create_task(self._send_digest(channel, recipient))
        return self._digests[channel, recipient]

    async def _send_digest(self, channel: Channel, recipient: str) -> Answer:
        gathered = [each for each in self._batch if addressee(each.message) == recipient and self._is_in(channel, each)]
        messages = [each.message for each in gathered]
        words = self._transport.templates.digest(channel.language, messages)
        return await self._send(channel, Notification.digest(messages, words), max(each.attempts for each in gathered))

    def _is_in(self, channel: Channel, leased: Leased) -> bool:
        if channel not in self._left(leased) or leased.together is None:
            return False
        due = self._digest_due(channel, leased)
        return due is not None and due <= self._now

    def _digest_due(self, channel: Channel, leased: Leased) -> datetime | None:
        return digest_due(channel, leased.message, leased.owed_at, self._transport.grace)

    async def _send(self, channel: Channel, notification: Notification, attempt: int) -> Answer:
        return await self._transport.circuits[channel.name].carry(notification, attempt, self._may_begin)

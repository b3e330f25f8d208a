"""The messenger: an activity that delivers the outbox for as long as its worker runs, each message at least once."""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from temporalio import activity

from activities.heartbeat import send_heartbeats
from activities.messaging.batch import Transport
from activities.messaging.channels import Channels
from activities.messaging.circuit import ChannelCircuit, Pauses
from activities.messaging.relay import OutboxRelay, RelaySettings
from activities.messaging.rendering import Templates
from aftersale.records import Records

LAST = timedelta(seconds=30)
"""How long before its time limit a messenger leaves: longer than its last deliveries and reports may take."""

SETTINGS = RelaySettings()


class Messenger:
    """The activity that delivers the outbox through the parties' channels; several relays may run in it at once."""

    def __init__(
        self,
        records: Records,
        channels: Channels,
        templates: Templates,
        settings: RelaySettings = SETTINGS,
        threads: Executor | None = None,
    ) -> None:
        """Carry the messages of these records through these channels, in the words of these templates.

        Channels are spoken to on `threads`; left out, on as many of its own as they take.
        """
        self._outbox, self._settings = records.outbox, settings
        pauses = Pauses(settings.first_pause, settings.most_pause)
        # Threads of its own: a channel that does not answer must not keep anybody else from theirs.
        width = sum(channel.width for channel in channels.all)
        threads = threads or ThreadPoolExecutor(max(1, width), thread_name_prefix="messenger")
        circuits = {channel.name: ChannelCircuit(channel, pauses, threads) for channel in channels.all}
        self._transport = Transport(
            channels, templates, circuits, grace=2 * settings.idle, unwritable=settings.most_pause
        )

    @activity.defn(name="deliver")
    async def deliver(self) -> None:
        """Deliver what is due until the worker shuts down, the activity is cancelled, or its time is nearly over.

        Every message goes through each of its channels at least once, always under its id; what ends the messenger
        leaves the rest to the next. Records and channels that are away are waited for, and keep nothing else waiting.
        """
        relay = OutboxRelay(self._outbox, self._transport, self._settings)
        limit = activity.info().start_to_close_timeout
        async with send_heartbeats():
            ending = asyncio.create_task(_end(relay, limit - min(LAST, limit / 2) if limit else None))
            try:
                await relay.work()
            finally:
                ending.cancel()
                await relay.leave()


async def _end(relay: OutboxRelay, after: timedelta | None) -> None:
    """End the relay when the worker shuts down, or after so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(activity.wait_for_worker_shutdown(), after.total_seconds() if after else None)
    relay.leaving.set()

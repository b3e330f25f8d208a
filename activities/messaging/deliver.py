"""The messenger: carries what cases owe to their parties for as long as its worker runs, each at least once."""

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

PACE = RelaySettings()


class Messenger:
    """The outbox, delivered through the parties' channels. It may work several shifts at a time."""

    def __init__(
        self,
        records: Records,
        channels: Channels,
        templates: Templates,
        pace: RelaySettings = PACE,
        threads: Executor | None = None,
    ) -> None:
        """Carry the messages of these records through these channels, in the words of these templates.

        Channels are spoken to on `threads`; left out, on as many of its own as they take.
        """
        self._outbox, self._pace = records.outbox, pace
        pauses = Pauses(pace.first_pause, pace.most_pause)
        # Threads of its own: a channel that does not answer must not keep anybody else from theirs.
        width = sum(channel.width for channel in channels.all)
        threads = threads or ThreadPoolExecutor(max(1, width), thread_name_prefix="messenger")
        lanes = {channel.name: ChannelCircuit(channel, pauses, threads) for channel in channels.all}
        self._means = Transport(channels, templates, lanes, grace=2 * pace.idle, unwritable=pace.most_pause)

    @activity.defn(name="deliver")
    async def deliver(self) -> None:
        """Deliver what is due until the worker shuts down, the activity is cancelled, or its time is nearly over.

        Every message goes through each of its channels at least once, always under its id; what ends the messenger
        leaves the rest to the next. Records and channels that are away are waited for, and keep nothing else waiting.
        """
        shift = OutboxRelay(self._outbox, self._means, self._pace)
        limit = activity.info().start_to_close_timeout
        async with send_heartbeats():
            ending = asyncio.create_task(_end(shift, limit - min(LAST, limit / 2) if limit else None))
            try:
                await shift.work()
            finally:
                ending.cancel()
                await shift.leave()


async def _end(shift: OutboxRelay, after: timedelta | None) -> None:
    """End the shift when the worker shuts down, or after so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(activity.wait_for_worker_shutdown(), after.total_seconds() if after else None)
    shift.leaving.set()

"""The worker process: the one place where everything is wired together.

    python worker.py

Connects as the environment says (`TEMPORAL_ADDRESS`, …), works the `after-sale` task queue, and drains on SIGTERM.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Annotated

import httpx
import structlog
from pydantic import Field, ValidationError
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker

from activities.notifications import Notifications
from activities.payments import Payments
from activities.quotes import Quotes
from aftersale.client import Cases, connect
from aftersale.errors import AftersaleError, BadInput, problems_of
from aftersale.kinds import Party
from aftersale.plugin import TASK_QUEUE
from aftersale.policy.book import Book
from aftersale.policy.load import default_book
from aftersale.schema import Schema
from workflows.return_goods import Return

WORKFLOWS = [Return]

DRAIN = timedelta(seconds=30)
"""How long work in hand may take to finish after SIGTERM."""

_PAYMENT_TIMEOUT = httpx.Timeout(20)  # below the activity's own 30 s, so that a slow answer is still looked up by it

Address = Annotated[str, Field(min_length=1)]


class Settings(Schema):
    """What the environment says, beside Temporal's own connection settings.

    AFTERSALE_PAYMENTS_URL and AFTERSALE_PAYMENTS_SECRET: the payment service, and the secret that signs instructions.
    AFTERSALE_NOTIFY_<PARTY> (BUYER, MERCHANT, PLATFORM, …): apprise URLs, parted by spaces; AFTERSALE_NOTIFY_FALLBACK
    for parties without their own. AFTERSALE_METRICS_ADDRESS: where Prometheus may read, such as 127.0.0.1:9464.
    AFTERSALE_POLICIES: the folder of the policy book. AFTERSALE_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR.
    """

    payments_url: Address
    payments_secret: Address
    metrics_address: Address | None = None
    log_level: str = "INFO"
    channels: dict[Party, tuple[str, ...]] = {}
    fallback: tuple[str, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings of an environment. Raises BadInput naming every variable that is missing or wrong."""
        channels = {party: environment.get(f"AFTERSALE_NOTIFY_{party.name}", "").split() for party in Party}
        given = {
            name: environment[f"AFTERSALE_{name.upper()}"]
            for name in ("payments_url", "payments_secret", "metrics_address", "log_level")
            if environment.get(f"AFTERSALE_{name.upper()}")
        }
        fallback = environment.get("AFTERSALE_NOTIFY_FALLBACK", "").split()
        try:
            return cls.model_validate(
                {**given, "channels": {party: urls for party, urls in channels.items() if urls}, "fallback": fallback}
            )
        except ValidationError as error:
            raise BadInput(
                problem.model_copy(update={"field": f"AFTERSALE_{problem.field.upper()}"})
                for problem in problems_of(error)
            ) from None


def configure_logs(level: str) -> None:
    """JSON lines on standard error: the process's own records and Temporal's, one format, nothing repeated in replay."""
    shared = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its records name what was called, and keys with it


def runtime(metrics_address: str | None) -> Runtime:
    """Temporal's runtime of this process, with metrics where an address is set."""
    metrics = PrometheusConfig(bind_address=metrics_address) if metrics_address else None
    return Runtime(telemetry=TelemetryConfig(metrics=metrics))


@contextlib.asynccontextmanager
async def worker(client: Client, settings: Settings, book: Book | None = None) -> AsyncIterator[Worker]:
    """A worker with every workflow and activity, not yet running; `book` is the default one where absent."""
    async with httpx.AsyncClient(timeout=_PAYMENT_TIMEOUT) as http:
        payments = Payments(http, settings.payments_url, settings.payments_secret)
        notifications = Notifications(settings.channels, settings.fallback)
        quotes = Quotes(book or default_book())
        yield Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=[quotes.quote, quotes.admit, payments.refund, notifications.notify],
            graceful_shutdown_timeout=DRAIN,
        )


async def main() -> None:
    """Work until SIGTERM or SIGINT, then finish what is in hand."""
    settings = Settings.read(os.environ)
    configure_logs(settings.log_level)
    log = logging.getLogger("aftersale.worker")
    client = await connect(runtime=runtime(settings.metrics_address))
    if missing := await Cases(client).missing_attributes():
        raise AftersaleError(f"search attributes {', '.join(missing)} are not registered; run `aftersale setup` first")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with worker(client, settings) as hand:
        work = asyncio.create_task(hand.run())
        log.info("working", extra={"task_queue": TASK_QUEUE, "policy_version": default_book().version})
        await asyncio.wait([work, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            log.info("draining", extra={"seconds": DRAIN.total_seconds()})
            await hand.shutdown()
        await work


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (AftersaleError, RuntimeError) as error:
        sys.exit(f"worker: {error}")

"""The worker process: the one place where everything is wired together.

    python worker.py

Connects as the environment says (`TEMPORAL_ADDRESS`, …), works the `after-sale` task queue, and drains on SIGTERM.
What it needs beside that is named by `Settings`. Exit status 1, and one line, where it cannot begin.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import httpx
import structlog
import temporalio.activity
import temporalio.workflow
from pydantic import Field, ValidationError
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from activities.claims import Openings
from activities.intake import Intake
from activities.messaging.channels import Channels
from activities.messaging.deliver import Messenger
from activities.messaging.rendering import Templates
from activities.outside_http import open_client
from activities.payments import Payments
from activities.quotes import Quotes
from activities.reconciliation import Reconciling
from activities.records import Recording
from activities.rollouts import RolloutActivities
from activities.services import SERVICES
from activities.signed_http import Activities, ServiceAddress
from aftersale import records
from aftersale.client import WORKFLOW_TYPES, Namespace, Reconciliations, connect
from aftersale.client.fitness import require_fit_records
from aftersale.errors import AftersaleError, BadInput, bad_input, problems_of
from aftersale.policy.book import Book
from aftersale.policy.load import default_book
from aftersale.schema import Schema
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.temporal.worker import LAST_STEP, PunctualWorker, run
from aftersale.vocabulary import Party
from workflows.cases import types
from workflows.correction import Correction
from workflows.deliveries import Deliveries
from workflows.freight_claim import FreightClaim
from workflows.policy_rollout import PolicyRollout
from workflows.reconciliation import Reconciliation
from workflows.watch.workflow import DispatchWatch

_CASES: list[type] = [getattr(types, name) for name in WORKFLOW_TYPES.values()]
WORKFLOWS = [*_CASES, DispatchWatch, FreightClaim, Correction, Deliveries, PolicyRollout, Reconciliation]

DRAIN = timedelta(seconds=20)
"""How long work in hand may take after SIGTERM: longer than one call out, shorter than Kubernetes' 30 s."""

_PAYMENT_TIMEOUT = httpx.Timeout(10, connect=3)
"""A look-up, an instruction and a look-up again end within the minute that `workflows.calls` gives an attempt."""

DELIVERIES = "deliveries"
"""The id of the workflow that keeps the messengers at work: one for all workers."""

MESSENGERS = 2
"""How many messengers the engine keeps at work, over all workers: one that is held up leaves another."""

_WRITERS = 32
"""How many threads take cases in and write their records: some wait for the database while others work."""

_TASKS = 12
"""How many workflow tasks a worker has in hand at once. Of the SDK's hundred, computed one by one in any case, each is
slowed by all others beyond the ten seconds after which the server hands it out anew, and so are all again. Not far
fewer either: a task in hand waits for its local activities, three seconds where the database is away."""

_LOG = logging.getLogger("aftersale.worker")

Text = Annotated[str, Field(min_length=1)]


class Settings(Schema):
    """What the environment says, beside Temporal's own connection settings.

    AFTERSALE_PAYMENTS_URL and AFTERSALE_PAYMENTS_SECRET: the payment service, and the secret that signs instructions;
    AFTERSALE_PAYMENTS_STATEMENT: a file with all that it ever paid, to reconcile with.
    AFTERSALE_<SERVICE>_URL and AFTERSALE_<SERVICE>_SECRET: each of `activities.services`, which says what follows where
    it is absent.
    AFTERSALE_NOTIFY_<PARTY> (BUYER, MERCHANT, PLATFORM, …): apprise URLs, parted by spaces; AFTERSALE_NOTIFY_FALLBACK
    for parties without their own; AFTERSALE_TEMPLATES: a folder with words of the operator's own.
    AFTERSALE_RECORDS_URL: the database of the records. AFTERSALE_METRICS_ADDRESS: where Prometheus may read, such as
    127.0.0.1:9464. AFTERSALE_POLICIES: the folder of the policy book. AFTERSALE_LOG_LEVEL: DEBUG, INFO, WARNING, ERROR.
    """

    payments_url: Text
    payments_secret: Annotated[Text, Field(repr=False)]
    payments_statement: Path | None = None
    records_url: Annotated[Text, Field(repr=False)] = records.DEFAULT_URL  # may hold a password
    services: dict[str, ServiceAddress] = {}
    templates: Path | None = None
    metrics_address: Text | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Channel addresses hold tokens.
    channels: Annotated[dict[Party, tuple[str, ...]], Field(repr=False)] = {}
    fallback: Annotated[tuple[str, ...], Field(repr=False)] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment. Raises BadInput naming every variable that is missing or wrong."""
        channels = {party: environment.get(f"AFTERSALE_NOTIFY_{party.name}", "").split() for party in Party}
        services = {each.labels.code: each.address_in(environment) for each in SERVICES}
        given = {
            name: environment[f"AFTERSALE_{name.upper()}"]
            for name in cls.model_fields.keys() - {"services", "channels", "fallback"}
            if environment.get(f"AFTERSALE_{name.upper()}")
        }
        parts = {
            "services": {code: address for code, address in services.items() if address},
            "channels": {party: urls for party, urls in channels.items() if urls},
            "fallback": environment.get("AFTERSALE_NOTIFY_FALLBACK", "").split(),
        }
        try:
            return cls.model_validate({**given, **parts})
        except ValidationError as error:
            raise BadInput(
                problem.model_copy(update={"field": f"AFTERSALE_{problem.field.upper()}"})
                for problem in problems_of(error)
            ) from None


def configure_logs(level: str) -> None:
    """JSON lines on standard error: this process's records, the SDK's and its core's, in one format.

    Records of workflows and activities carry their ids; workflows are silent in replay. No payloads are logged.
    """
    temporalio.workflow.logger.workflow_info_on_message = False  # the same ids once more, as text
    temporalio.activity.logger.activity_info_on_message = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    # Libraries that carry messages and payments tell of contents and tokens below this level.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for ours in ("aftersale", "temporalio"):
        logging.getLogger(ours).setLevel(level)


def runtime(metrics_address: str | None) -> Runtime:
    """Temporal's runtime of this process, with metrics where an address is set. Raises BadInput for one without use."""
    core = LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core"), append_target_to_name=False),
    )
    metrics = PrometheusConfig(bind_address=metrics_address) if metrics_address else None
    try:
        return Runtime(telemetry=TelemetryConfig(logging=core, metrics=metrics))
    except ValueError as error:
        message = f"cannot be listened on ({error}); write a free one such as 127.0.0.1:9464"
        raise bad_input("AFTERSALE_METRICS_ADDRESS", message) from None


@contextlib.asynccontextmanager
async def worker(client: Client, settings: Settings, book: Book | None = None) -> AsyncIterator[PunctualWorker]:
    """Return a worker with every workflow and activity, not yet running; `book` is the default one where absent.

    The messengers' workflow is started unless it runs already. Raises BadInput as `hands`, PolicyFault for the book.
    """
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_client(_PAYMENT_TIMEOUT))
        threads = stack.enter_context(ThreadPoolExecutor(_WRITERS, thread_name_prefix="records"))
        kept = stack.enter_context(records.open(settings.records_url))
        activities, identity = hands(client, settings, book or default_book(), kept, http)
        await client.start_workflow(
            Deliveries.run,
            MESSENGERS,
            id=DELIVERIES,
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary="carries messages to the parties",
        )
        yield PunctualWorker(
            client,
            task_queue=TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=activities,
            identity=identity,
            activity_executor=threads,
            graceful_shutdown_timeout=DRAIN,
            plugin_shutdown_timeout=LAST_STEP,
            # So long does a case wait for the worker that had it last before another takes it up.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
            # Otherwise most of a heartbeat timeout passes between two heartbeats, and one late one counts as a death.
            max_heartbeat_throttle_interval=timedelta(seconds=1),
            max_concurrent_workflow_tasks=_TASKS,
        )


def hands(
    client: Client, settings: Settings, book: Book, kept: records.Records, http: httpx.AsyncClient
) -> tuple[Activities, str]:
    """Wire every activity; beside them, the name of their worker. Raises BadInput for a setting without use."""
    with _named_as_variables():
        payments = Payments(http, settings.payments_url, settings.payments_secret, kept.ledger, book)
        asked = [each(http, book, settings.services.get(each.labels.code)) for each in SERVICES]
        channels = Channels(settings.channels, settings.fallback)
        messenger = Messenger(kept, channels, Templates(settings.templates))
    intake, rollouts = Intake(book, kept.ledger), RolloutActivities(client, book, kept)
    looking = Reconciling(client, kept, settings.payments_statement).activities
    written = [*Recording(kept).activities, *looking]
    of_the_house: Activities = [*Quotes(book).activities, intake.admit, intake.release, *written]
    paid: Activities = [payments.refund, payments.advance, payments.claw_back, payments.refund_bars]
    called_out: Activities = [*paid, *(each for service in asked for each in service.activities), messenger.deliver]
    return [*of_the_house, *called_out, Openings().open_claim, *rollouts.activities], rollouts.identity


@contextlib.contextmanager
def _named_as_variables() -> Iterator[None]:
    """Name what an activity finds wrong with its settings as the operator who set them knows it."""
    try:
        yield
    except BadInput as error:
        raise BadInput(
            problem.model_copy(update={"field": _variable(problem.field)}) for problem in error.problems
        ) from None


def _variable(field: str) -> str:
    """notifications.buyer is AFTERSALE_NOTIFY_BUYER, payments.base_url is AFTERSALE_PAYMENTS_URL, and so on."""
    owner, name, *_ = field.split(".")
    words = {"notifications": f"notify_{name}", "templates": owner}
    return f"AFTERSALE_{words.get(owner, f'{owner}_{name}'.replace('base_url', 'url'))}".upper()


async def main() -> None:
    """Work until SIGTERM or SIGINT, then finish what is in hand. Raises AftersaleError where it cannot begin."""
    settings = Settings.read(os.environ)
    configure_logs(settings.log_level)
    book = default_book()
    client = await connect(runtime=runtime(settings.metrics_address))
    if missing := await Namespace(client).missing_attributes():
        raise AftersaleError(f"search attributes {', '.join(missing)} are not registered; run `aftersale setup` first")
    await require_fit_records(client, settings.records_url)
    await Reconciliations(client).schedule()
    async with worker(client, settings) as hand:
        async with hand:
            _LOG.info("working", extra={"task_queue": TASK_QUEUE, "policy_version": book.version})
            await _told_to_stop()
            _LOG.info("draining", extra={"seconds": DRAIN.total_seconds()})
        _LOG.info("stopped")


async def _told_to_stop() -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


if __name__ == "__main__":
    try:
        run(main())
    except AftersaleError as error:
        sys.exit(f"worker: {error}")

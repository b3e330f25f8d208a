"""The worker: what it refuses to start with, in which words, and what it writes down."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.worker import Worker

from activities.signed_http import ServiceAddress
from aftersale.errors import BadInput
from aftersale.temporal import worker as leaving
from aftersale.vocabulary import Party
from tests.support.diary import Diary
from tests.support.market import Market, market
from tests.support.program import WORKER, finished
from trial.dev import worker_environment
from trial.environment import Workplace
from trial.platform import TRIAL_SECRET
from trial.server import free_port
from worker import Settings, configure_logs, worker

NOWHERE = "http://127.0.0.1:1"
IN_THE_CLEAR = ServiceAddress(url="http://nonsense.example", secret=TRIAL_SECRET)
WITHOUT_SECRET = ServiceAddress(url=NOWHERE)


def environment_of(address: str) -> dict[str, str]:
    """What a worker needs to know, at a server where little else is to be had."""
    return worker_environment(address, NOWHERE, "sqlite:////nowhere/records.db")


@pytest.fixture(scope="module")
async def unprepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("unprepared"), working=False, prepared=False) as place:
        yield place


async def test_without_settings_all_that_are_missing_are_named_at_once() -> None:
    assert await finished(WORKER) == (
        1,
        "",
        "worker: AFTERSALE_PAYMENTS_URL: is required; add it; AFTERSALE_PAYMENTS_SECRET: is required; add it",
    )


async def test_without_search_attributes_it_says_what_registers_them(unprepared: Market) -> None:
    status, out, err = await finished(WORKER, environment=environment_of(unprepared.address))
    assert (status, out) == (1, "")
    assert err.startswith("worker: search attributes AmountMinor, CaseKind, ")
    assert err.endswith("are not registered; run `aftersale setup` first")


async def test_without_a_server_it_says_where_it_looked() -> None:
    address = f"127.0.0.1:{free_port()}"
    assert await finished(WORKER, environment=environment_of(address)) == (
        1,
        "",
        f"worker: no Temporal server answers at {address} (Connection refused); "
        "start one with `make dev`, or set TEMPORAL_ADDRESS to where it is",
    )


async def test_without_the_namespace_it_is_a_line_and_no_traceback(unprepared: Market) -> None:
    given = {**environment_of(unprepared.address), "TEMPORAL_NAMESPACE": "elsewhere"}
    status, _, err = await finished(WORKER, environment=given)
    assert status == 1
    assert err.startswith("worker: ") and "elsewhere" in err and "\n" not in err


async def test_with_a_broken_policy_book_it_names_the_file(unprepared: Market, tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text('name = "broken"\nrevision = 1\n')
    (tmp_path / "limits").mkdir()
    (tmp_path / "limits" / "review.toml").write_text('id = "review"\nlimits = 3\n')
    given = {**environment_of(unprepared.address), "AFTERSALE_POLICIES": str(tmp_path)}
    status, out, err = await finished(WORKER, environment=given)
    assert (status, out) == (1, "")
    assert err.startswith(f"worker: {tmp_path / 'limits' / 'review.toml'}: ")
    assert "limits: is not a known field" in err and "Traceback" not in err


async def test_a_metrics_address_that_is_taken_is_named_with_its_variable(unprepared: Market) -> None:
    given = {**environment_of(unprepared.address), "AFTERSALE_METRICS_ADDRESS": unprepared.address}
    status, _, err = await finished(WORKER, environment=given)
    assert status == 1
    assert err.startswith("worker: AFTERSALE_METRICS_ADDRESS: cannot be listened on")


def test_every_variable_that_is_wrong_is_named_with_its_remedy() -> None:
    with pytest.raises(BadInput) as raised:
        Settings.read({"AFTERSALE_PAYMENTS_URL": NOWHERE, "AFTERSALE_LOG_LEVEL": "LOUD"})
    assert [problem.field for problem in raised.value.problems] == [
        "AFTERSALE_PAYMENTS_SECRET",
        "AFTERSALE_LOG_LEVEL",
    ]
    assert "'DEBUG', 'INFO', 'WARNING' or 'ERROR'" in str(raised.value)


def test_settings_are_read_from_the_environment() -> None:
    environment = {
        "AFTERSALE_PAYMENTS_URL": NOWHERE,
        "AFTERSALE_PAYMENTS_SECRET": TRIAL_SECRET,
        "AFTERSALE_NOTIFY_MERCHANT": "json://a  json://b",
        "AFTERSALE_NOTIFY_BUYER": "",
        "AFTERSALE_NOTIFY_FALLBACK": "json://c",
        "AFTERSALE_METRICS_ADDRESS": "",
    }
    assert Settings.read(environment) == Settings(
        payments_url=NOWHERE,
        payments_secret=TRIAL_SECRET,
        channels={Party.MERCHANT: ("json://a", "json://b")},
        fallback=("json://c",),
    )


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(Settings(payments_url=NOWHERE, payments_secret=TRIAL_SECRET, fallback=("json://token@a",)))
    assert NOWHERE in shown
    assert TRIAL_SECRET not in shown and "token" not in shown


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"payments_url": "nonsense"}, "AFTERSALE_PAYMENTS_URL"),
        ({"payments_secret": "whsec_?"}, "AFTERSALE_PAYMENTS_SECRET"),
        ({"payments_secret": "whsec_c2hvcnQ="}, "AFTERSALE_PAYMENTS_SECRET"),
        ({"payments_url": "http://nonsense.example"}, "AFTERSALE_PAYMENTS_URL"),
        ({"services": {"approvals": IN_THE_CLEAR}}, "AFTERSALE_APPROVALS_URL"),
        ({"services": {"insurer": WITHOUT_SECRET}}, "AFTERSALE_INSURER_SECRET"),
        ({"services": {"carrier": IN_THE_CLEAR}}, "AFTERSALE_CARRIER_URL"),
        ({"fallback": ("json://nonsense.example",)}, "AFTERSALE_NOTIFY_FALLBACK"),
        ({"channels": {Party.BUYER: ("nonsense",)}}, "AFTERSALE_NOTIFY_BUYER"),
        ({"fallback": ("nonsense",)}, "AFTERSALE_NOTIFY_FALLBACK"),
        ({"records_url": "nonsense"}, "AFTERSALE_RECORDS_URL"),
    ],
)
async def test_a_setting_that_no_activity_can_use_is_named_as_a_variable(
    place: Workplace, changes: dict[str, object], variable: str
) -> None:
    settings = place.settings.model_copy(update=changes)
    with pytest.raises(BadInput) as raised:
        async with worker(place.client, settings):
            pass
    assert [problem.field for problem in raised.value.problems] == [variable]
    for given in ("nonsense", "whsec_?", "c2hvcnQ"):
        assert given not in str(raised.value)


async def test_workflows_log_json_lines_with_their_ids_and_are_silent_in_replay(
    place: Workplace, logs: io.StringIO
) -> None:
    queue, diary = f"diary-{uuid4()}", f"diary/{uuid4()}"
    async with Worker(place.client, task_queue=queue, workflows=[Diary], max_cached_workflows=0):
        await place.client.execute_workflow(Diary.run, id=diary, task_queue=queue)
    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    told = [
        (entry["event"], entry["temporal_workflow"]["workflow_id"]) for entry in lines if "temporal_workflow" in entry
    ]
    assert told == [("first", diary), ("second", diary)]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged while the worker's own configuration is in force."""
    root, *ours = (logging.getLogger(name) for name in (None, "aftersale", "temporalio"))
    handlers, levels = root.handlers[:], [(logger, logger.level) for logger in (root, *ours)]
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    root.handlers = []
    configure_logs("INFO")
    try:
        yield written
    finally:
        logging.captureWarnings(False)
        root.handlers = handlers
        for logger, level in levels:
            logger.setLevel(level)


async def test_a_worker_leaves_though_the_sdk_never_says_that_it_has_stopped(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moment = timedelta(seconds=0.2)
    monkeypatch.setattr(leaving, "LAST_STEP", moment)
    hand = leaving.PunctualWorker(
        place.client,
        task_queue=f"punctual-{uuid4()}",
        workflows=[Diary],
        graceful_shutdown_timeout=timedelta(0),
        plugin_shutdown_timeout=moment,
    )
    monkeypatch.setattr(hand._bridge_worker, "finalize_shutdown", asyncio.Event().wait)
    async with asyncio.timeout(60):
        async with hand:
            pass
    assert "the SDK did not say that the worker has stopped; left without it" in caplog.text

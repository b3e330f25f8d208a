"""A worker killed around the refund: whatever the payment service had done by then, the money moves once."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from aftersale.vocabulary import Outcome, State
from tests.support.market import Market, confirm_receipt, market
from tests.support.platform_fixtures import until
from tests.support.program import Program, working
from trial.server import free_port

NAMES = ("held", "slow", "lost", "reset")

NOTE = "nobody's business but the parties'"


@dataclass(frozen=True)
class Aftermath:
    """What was seen of a worker that was killed while four refunds were under way, and of the one that took over."""

    market: Market
    killed: Program
    metrics: str
    unpaid_at_the_kill: set[str]
    successor: Program


@pytest.fixture(scope="module")
async def aftermath(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aftermath]:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(market(tmp_path_factory.mktemp("killed"), working=False))
        metrics = f"127.0.0.1:{free_port()}"
        killed = await stack.enter_async_context(
            working(place, AFTERSALE_METRICS_ADDRESS=metrics, AFTERSALE_LOG_LEVEL="DEBUG")
        )
        await asyncio.gather(*(place.sent_back(case_id=name, note=NOTE) for name in NAMES))
        await _arm(place)
        await asyncio.gather(*(place.act(name, confirm_receipt()) for name in NAMES))
        await until(place.platform.holding, [_key("held")])
        await until(lambda: _posts_still_armed(place), {_key("reset")})
        async with httpx.AsyncClient() as http:
            scraped = (await http.get(f"http://{metrics}/metrics")).text
        unpaid = {_key(name) for name in NAMES} - (await place.platform.payments()).keys()
        assert {(await place.cases.status(name, live=True)).state for name in NAMES} == {State.REFUNDING}
        assert await killed.told(signal.SIGKILL) == -signal.SIGKILL
        await place.platform.http.delete("/faults")
        successor = await stack.enter_async_context(working(place))
        yield Aftermath(place, killed, scraped, unpaid, successor)


async def test_killed_while_the_answer_is_held_the_payment_is_looked_up(aftermath: Aftermath) -> None:
    assert _key("held") not in aftermath.unpaid_at_the_kill
    await _ends_paid_once(aftermath, "held")


async def test_killed_before_the_service_carries_the_instruction_out_it_is_paid_once(aftermath: Aftermath) -> None:
    assert _key("slow") in aftermath.unpaid_at_the_kill
    await _ends_paid_once(aftermath, "slow")


async def test_killed_after_the_answer_was_lost_the_payment_is_looked_up(aftermath: Aftermath) -> None:
    assert _key("lost") not in aftermath.unpaid_at_the_kill
    await _ends_paid_once(aftermath, "lost")


async def test_killed_before_the_instruction_arrives_it_is_sent_again(aftermath: Aftermath) -> None:
    assert _key("reset") in aftermath.unpaid_at_the_kill
    await _ends_paid_once(aftermath, "reset")


async def test_a_worker_logs_json_lines_with_the_ids_of_case_and_activity(aftermath: Aftermath) -> None:
    failed = [entry for entry in aftermath.killed.logs if entry["level"] == "warning" and "exception" in entry]
    assert {entry["temporal_activity"]["workflow_id"] for entry in failed} == {"case/lost", "case/reset"}
    assert {entry["temporal_activity"]["activity_type"] for entry in failed} == {"refund"}
    for entry in [*aftermath.killed.logs, *aftermath.successor.logs]:
        assert entry.keys() >= {"event", "level", "logger", "timestamp"}


async def test_no_payload_is_logged_even_at_the_lowest_level(aftermath: Aftermath) -> None:
    written = "\n".join([*aftermath.killed.err, *aftermath.successor.err])
    assert "payments_unreachable" in written or "connection to the payment service failed" in written
    for told in (NOTE, "B-5", "12900", "SF1"):  # by themselves: an id or an instant may hold the same digits by chance
        assert not re.search(rf"(?<![\w.-]){re.escape(told)}(?![\w-])", written)


async def test_prometheus_reads_temporals_metrics(aftermath: Aftermath) -> None:
    assert "temporal_num_pollers{" in aftermath.metrics
    assert 'activity_type="refund"' in aftermath.metrics


async def _ends_paid_once(aftermath: Aftermath, name: str) -> None:
    assert (await aftermath.market.record(name)).outcome is Outcome.REFUNDED
    assert (await aftermath.market.platform.payments())[_key(name)] == ("succeeded", 1)


async def _arm(place: Market) -> None:
    arm = place.platform.arm
    await arm("hold", key=_key("held"))
    await arm("slow", key=_key("slow"), seconds=3)
    await arm("lose_answer", key=_key("lost"))
    await arm("reset", path="/refunds/", key=_key("lost"), times=99)
    await arm("reset", key=_key("reset"), times=99)


async def _posts_still_armed(place: Market) -> set[str]:
    return {fault["key"] for fault in await place.platform.armed() if fault["path"] == "/refunds"}


def _key(name: str) -> str:
    return f"case/{name}/refund/1"

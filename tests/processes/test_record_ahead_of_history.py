"""A worker is lost between the record's write and the completion of its task, and a command comes in its place.

The record is ahead of history then, and history decides: what it does not have is void, and who was told hears so.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersale import records
from aftersale.contract.commands import AgreeLimit, Reject, Withdraw
from aftersale.contract.idempotency import fingerprint
from aftersale.contract.status import Status
from aftersale.records import Records
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, Clock, CloseReason, Command, MessageEvent, State
from tests.support import cases
from tests.support.market import ACTORS, Market, market
from tests.support.posting import is_known
from tests.support.program import program, working

FREEZING_WORKER = str(Path(__file__).parents[1] / "support" / "freezing_worker.py")
CARRYING_WORKER = str(Path(__file__).parents[1] / "support" / "carrying_worker.py")


@dataclass(frozen=True)
class Aftermath:
    """What was seen of a case whose lapse was written and never happened."""

    place: Market
    kept: Records
    case_id: str
    ahead: Status
    told_before: dict[str, Any]
    final: Status


@pytest.fixture(scope="module", params=[pytest.param("killed", marks=pytest.mark.soak), "woken again"])
async def aftermath(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Aftermath]:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(market(tmp_path_factory.mktemp("ahead"), working=False))
        kept = stack.enter_context(records.open(place.records_url))
        lost = await stack.enter_async_context(program(FREEZING_WORKER, environment=place.environment))
        carrying = await stack.enter_async_context(program(CARRYING_WORKER, environment=place.environment))
        for each in (lost, carrying):
            await each.until('"working"')
        case_id, due_at = await _opened(place)
        await lost.until("frozen")
        ahead = kept.turns.record(case_id)
        assert ahead is not None
        told_before = await _told(place, case_id, "buyer", "awaiting_buyer_return")
        await stack.enter_async_context(working(place))
        refusal = Reject(actor=ACTORS["merchant"], reason_code="used", occurred_at=due_at - SECOND)
        competing = asyncio.create_task(place.cases.act(case_id, refusal, request_id="refusal"))
        update_id = f"refusal/{fingerprint(Command.REJECT, refusal)}"
        async with asyncio.timeout(60):
            while not await is_known(place.client, f"case/{case_id}", update_id):
                await asyncio.sleep(0.02)
        if request.param == "killed":
            lost.process.kill()
        assert (await competing).state is State.MERCHANT_REJECTED
        if request.param == "woken again":
            lost.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(1)  # it goes on where it stopped, and is told that its task is another's by now
        await place.cases.act(case_id, Withdraw(actor=ACTORS["buyer"]))
        final = await place.record(case_id)
        yield Aftermath(place, kept, case_id, ahead, told_before, final)


async def test_the_record_was_ahead_of_history(aftermath: Aftermath) -> None:
    assert aftermath.ahead.state is State.AWAITING_BUYER_RETURN
    assert aftermath.ahead.timeline[-2].event == "Lapsed"


async def test_the_record_equals_history_afterwards(aftermath: Aftermath) -> None:
    assert aftermath.final.close_reason is CloseReason.WITHDRAWN
    events = [entry.event for entry in aftermath.final.timeline]
    assert "Rejected" in events and "Lapsed" not in events
    assert aftermath.kept.turns.record(aftermath.case_id) == await aftermath.place.record(aftermath.case_id)


async def test_the_turn_that_never_happened_is_kept_and_void(aftermath: Aftermath) -> None:
    void = [each for each in aftermath.kept.turns.of(aftermath.case_id, void=True) if each.voided_at]
    assert [[entry.event for entry in each.turn.entries if entry.event == "Lapsed"] for each in void] == [["Lapsed"]]
    holding = [each.turn.seq for each in aftermath.kept.turns.of(aftermath.case_id)]
    assert holding == list(range(1, len(holding) + 1))


async def test_who_was_told_of_it_is_told_that_it_does_not_hold(aftermath: Aftermath) -> None:
    # It waits a minute, for what the next turns tell anyway; the messenger of a later hour would find it.
    later = max(each.written_at for each in aftermath.kept.turns.of(aftermath.case_id)) + timedelta(hours=1)
    leased = aftermath.kept.outbox.lease("looker", 100, later, timedelta(hours=1))
    aftermath.kept.outbox.release("looker")
    corrections = [each.message for each in leased if each.message.event is MessageEvent.MESSAGE_CORRECTED]
    assert [(each.to, each.corrects) for each in corrections] == [("buyer", aftermath.told_before["message_id"])]


async def test_what_happened_instead_is_told_under_an_id_of_its_own(aftermath: Aftermath) -> None:
    told = await _told(aftermath.place, aftermath.case_id, "buyer", "merchant_rejected")
    assert told["message_id"] != aftermath.told_before["message_id"]


async def _opened(place: Market) -> tuple[str, Any]:
    """A return whose merchant has five seconds left."""
    wanted = cases.request()
    await place.cases.open(CaseKind.RETURN, wanted)
    hurry = AgreeLimit(actor=ACTORS["platform"], clock=Clock.MERCHANT_REVIEW, limit="PT5S")
    status = await place.cases.act(wanted["case_id"], hurry)
    return wanted["case_id"], status.next.respond_by


async def _told(place: Market, case_id: str, to: str, state: str) -> dict[str, Any]:
    """The message that asks a party to act in that state; fails without it."""
    async with asyncio.timeout(60):
        while True:
            for message in await place.platform.inbox():
                if (message.get("case_id"), message["to"], message["state"]) == (case_id, to, state):
                    return dict(message)
            await asyncio.sleep(0.05)

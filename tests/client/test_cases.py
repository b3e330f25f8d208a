"""The typed client, on a real server: what back ends may rely on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow

from aftersale.client import WORKFLOW_TYPES, CaseNotFound, Cases, Refusal
from aftersale.contract.commands import AddEvidence, Approve, ParcelEvent, Withdraw
from aftersale.contract.request import CaseRequest, Evidence
from aftersale.contract.status import Status
from aftersale.errors import BadInput
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.times import floor
from aftersale.vocabulary import CaseKind, CloseReason, Outcome, State
from tests.support.cases import request
from tests.support.market import ACTORS, Market, confirm_receipt, market
from worker import worker
from workflows.cases.workflow import CaseWorkflow

RETURN = CaseKind.RETURN
APPROVE = Approve(actor=ACTORS["merchant"])
WITHDRAW = Withdraw(actor=ACTORS["buyer"])


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("client")) as running:
        yield running


# Opening


async def test_the_same_request_twice_opens_one_case(place: Market) -> None:
    wanted = request()
    first, second = await asyncio.gather(place.cases.open(RETURN, wanted), place.cases.open(RETURN, wanted))
    assert first == second
    assert first.state is State.AWAITING_MERCHANT_REVIEW
    assert await place.runs(wanted["case_id"]) == 1


async def test_a_request_may_be_given_as_it_was_read(place: Market) -> None:
    wanted = request()
    opened = await place.cases.open(RETURN, CaseRequest.model_validate(wanted))
    assert await place.cases.open(RETURN, wanted) == opened


async def test_opening_again_answers_with_the_case_as_it_stands_now(place: Market) -> None:
    wanted = request()
    await place.cases.open(RETURN, wanted)
    approved = await place.cases.act(wanted["case_id"], APPROVE)
    again = await place.cases.open(RETURN, wanted)
    assert again == await place.cases.status(wanted["case_id"], live=True)
    assert again.model_copy(update={"timeline": approved.timeline}) == approved
    assert approved.state is State.AWAITING_BUYER_RETURN


async def test_another_request_under_the_same_id_is_a_conflict(place: Market) -> None:
    wanted = request()
    await place.cases.open(RETURN, wanted)
    with pytest.raises(Refusal, match="opened with another request; take a new case_id") as raised:
        await place.cases.open(RETURN, {**wanted, "reason_code": "other"})
    assert raised.value.code == "case_id_conflict"


async def test_opening_again_after_a_withdrawal_returns_the_old_record(place: Market) -> None:
    wanted = request()
    await place.cases.open(RETURN, wanted)
    await place.cases.act(wanted["case_id"], WITHDRAW)
    record = await place.record(wanted["case_id"])
    assert record.close_reason is CloseReason.WITHDRAWN
    assert await place.cases.open(RETURN, wanted) == record
    assert await place.runs(wanted["case_id"]) == 1


async def test_opening_again_after_the_refund_returns_the_old_record(place: Market) -> None:
    wanted = request(case_id="refunded-1")
    await place.sent_back(**wanted)
    await place.act("refunded-1", confirm_receipt())
    record = await place.record("refunded-1")
    assert record.outcome is Outcome.REFUNDED
    assert await place.cases.open(RETURN, wanted) == record


async def test_opening_again_after_a_refusal_returns_its_reasons(place: Market) -> None:
    wanted = request(requested_at="2020-01-01T00:00:00+08:00")
    refused = await place.cases.open(RETURN, wanted)
    assert (refused.close_reason, refused.is_final) == (CloseReason.REFUSED, True)
    assert [problem.field for problem in refused.problems][:1] == ["requested_at"]
    await place.record(wanted["case_id"])
    assert await place.cases.open(RETURN, wanted) == refused


async def test_another_request_after_the_end_is_a_conflict(place: Market, caplog: pytest.LogCaptureFixture) -> None:
    wanted = request()
    await place.cases.open(RETURN, wanted)
    await place.cases.act(wanted["case_id"], WITHDRAW)
    await place.record(wanted["case_id"])
    with caplog.at_level(logging.ERROR), pytest.raises(Refusal) as raised:
        await place.cases.open(RETURN, {**wanted, "reason_code": "other"})
    assert raised.value.code == "case_id_conflict"
    assert [entry.message for entry in caplog.records if entry.name == "asyncio"] == []


@pytest.mark.parametrize("given", [{"case_id": "plain-1", "nonsense": 1}, "no object", None])
async def test_a_request_under_the_id_of_a_malformed_plain_start_is_a_conflict(place: Market, given: Any) -> None:
    case_id = f"plain-{type(given).__name__}"
    await place.client.execute_workflow("Return", given, id=f"case/{case_id}", task_queue=TASK_QUEUE)
    with pytest.raises(Refusal) as raised:
        await place.cases.open(RETURN, request(case_id=case_id))
    assert raised.value.code == "case_id_conflict"


async def test_a_malformed_request_is_refused_before_anything_is_sent(place: Market) -> None:
    wanted = request(items=[{"order_line_id": "L1", "quantity": 0}], surprise=1)
    with pytest.raises(BadInput) as raised:
        await place.cases.open(RETURN, wanted)
    assert {problem.field for problem in raised.value.problems} >= {"items.0.quantity", "items.0.requested", "surprise"}
    with pytest.raises(CaseNotFound):
        await place.cases.status(wanted["case_id"], live=True)


def test_every_kind_has_a_workflow_type() -> None:
    begun = {workflow._Definition.must_from_class(each).name: each.kind for each in CaseWorkflow.__subclasses__()}
    assert begun == {name: kind for kind, name in WORKFLOW_TYPES.items()}


# Acting


async def test_an_act_bears_the_instant_at_which_the_client_was_called(place: Market) -> None:
    await place.cases.open(RETURN, wanted := request())
    received = floor(datetime.now(UTC)) + timedelta(seconds=1)
    await asyncio.sleep(1.2)
    status = await Cases(place.client, now=lambda: received).act(wanted["case_id"], APPROVE)
    (approval,) = [entry for entry in status.timeline if entry.event == "Approved"]
    assert approval.at == received


async def test_an_act_that_bears_its_own_instant_keeps_it(place: Market) -> None:
    opened = await place.cases.open(RETURN, wanted := request())
    at = opened.deadlines[0].started_at
    status = await Cases(place.client, now=lambda: at + timedelta(days=1)).act(
        wanted["case_id"], APPROVE.model_copy(update={"occurred_at": at})
    )
    assert [entry.at for entry in status.timeline if entry.event == "Approved"] == [at]


async def test_a_request_id_repeated_applies_once(place: Market) -> None:
    case_id = await place.approved()
    evidence = AddEvidence(actor=ACTORS["buyer"], evidence=(Evidence(uri="https://e/1"),))
    first = await place.cases.act(case_id, evidence, request_id="e-1")
    again = await place.cases.act(case_id, evidence, request_id="e-1")
    assert again == first
    assert _count(await place.cases.status(case_id, live=True), "EvidenceAdded") == 1
    await place.cases.act(case_id, evidence, request_id="e-2")
    assert _count(await place.cases.status(case_id, live=True), "EvidenceAdded") == 2


async def test_a_refusal_names_the_code_and_the_legal_commands(place: Market) -> None:
    case_id = await place.approved()
    with pytest.raises(Refusal, match="legal now: ship_back, withdraw") as raised:
        await place.cases.act(case_id, APPROVE)
    assert raised.value.code == "illegal_move"


async def test_a_case_that_is_over_takes_neither_command_nor_scan(place: Market) -> None:
    case_id = await place.approved()
    await place.cases.act(case_id, WITHDRAW)
    await place.record(case_id)
    for late in (
        place.cases.act(case_id, APPROVE),
        place.cases.scan(case_id, _scan("s-1").model_copy(update={"event": "hub"})),
        place.cases.policy_published(case_id, 1),
    ):
        with pytest.raises(Refusal, match=r"is over \(closed .*legal now: nothing, the case is final") as raised:
            await late
        assert raised.value.code == "illegal_move"


async def test_a_case_that_nobody_opened_is_not_found(place: Market) -> None:
    for call in (
        place.cases.status("unheard-of", live=True),
        place.cases.act("unheard-of", APPROVE),
        place.cases.scan("unheard-of", _scan("s-1")),
    ):
        with pytest.raises(CaseNotFound, match="case unheard-of is unknown here"):
            await call


@pytest.mark.parametrize("case_id", ["", "a/b", "x" * 65, "ünï"])
async def test_what_cannot_be_a_case_id_is_not_asked_for(place: Market, case_id: str) -> None:
    with pytest.raises(BadInput, match="case_id: must be 1 to 64"):
        await place.cases.status(case_id, live=True)


async def test_a_scan_reaches_the_case_once(place: Market) -> None:
    case_id = await place.sent_back()
    await place.cases.scan(case_id, _scan("s-1"))
    await place.cases.scan(case_id, _scan("s-1"))
    status = await place.cases.status(case_id, live=True)
    assert [view.clock for view in status.deadlines][:1] == ["merchant_inspection"]
    assert _count(status, "ParcelScanned") == 1


async def test_a_published_policy_is_told_to_the_case(place: Market) -> None:
    case_id = await place.approved()
    await place.cases.policy_published(case_id, 0)
    history = await place.client.get_workflow_handle(f"case/{case_id}").fetch_history()
    signals = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    assert [name for name in signals if name] == ["policy_published"]


async def test_the_status_of_a_closed_case_needs_no_worker(tmp_path: Path) -> None:
    async with market(tmp_path, working=False) as lonely:
        async with worker(lonely.client, lonely.settings) as hand, hand:
            case_id = await lonely.approved()
            await lonely.cases.act(case_id, WITHDRAW)
            record = await lonely.record(case_id)
        assert await Cases(lonely.client, timeout=timedelta(minutes=1)).status(case_id, live=True) == record


def _scan(event_id: str) -> ParcelEvent:
    return ParcelEvent(
        event_id=event_id, leg="return", tracking_no="SF1", event="signed_for", occurred_at=datetime.now(UTC)
    )


def _count(status: Status, event: str) -> int:
    return sum(entry.event == event for entry in status.timeline)

"""The typed client where nobody answers, or not as it is set: what it says, and what is applied all the same."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from aftersale.client import Cases, NoAnswer, Refusal, ServiceFault
from aftersale.contract.commands import Approve
from aftersale.temporal.plugin import connect, plugin
from aftersale.temporal.search_attributes import ATTRIBUTES
from aftersale.times import local
from aftersale.vocabulary import CaseKind, State
from tests.support.cases import request
from tests.support.market import ACTORS, Market, market
from tests.support.platform_fixtures import until
from trial.server import free_port
from worker import worker

RETURN = CaseKind.RETURN
APPROVE = Approve(actor=ACTORS["merchant"])


@pytest.fixture(scope="module")
async def unmanned(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("unmanned"), working=False, prepared=False) as running:
        yield running


async def test_a_command_without_an_answer_is_applied_when_a_worker_comes(tmp_path: Path) -> None:
    async with market(tmp_path, working=False) as lonely:
        async with worker(lonely.client, lonely.settings) as hand, hand:
            await lonely.cases.open(RETURN, wanted := request())
            await until(lambda: _told(lonely), 1)
            await settled(lonely, wanted["case_id"])  # a task that reaches a stopping worker costs ten seconds
        hasty = Cases(lonely.client, timeout=timedelta(seconds=1))
        with pytest.raises(NoAnswer, match="no answer within 1 s; check that a worker runs") as raised:
            await hasty.act(wanted["case_id"], APPROVE)
        sent, request_id = raised.value.act, raised.value.request_id
        assert sent and sent.occurred_at and request_id
        assert request_id in str(raised.value) and local(sent.occurred_at) in str(raised.value)
        async with worker(lonely.client, lonely.settings) as hand, hand:
            status = await lonely.cases.act(wanted["case_id"], sent, request_id=request_id)
        assert [entry.at for entry in status.timeline if entry.event == "Approved"] == [sent.occurred_at]


async def test_an_opening_without_an_answer_can_be_repeated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with market(tmp_path, working=False) as lonely:
        wanted = request()
        with caplog.at_level(logging.ERROR), pytest.raises(NoAnswer):
            await Cases(lonely.client, timeout=timedelta(seconds=1)).open(RETURN, wanted)
        assert [entry.message for entry in caplog.records if entry.name == "asyncio"] == []
        async with worker(lonely.client, lonely.settings) as hand, hand:
            assert (await lonely.cases.open(RETURN, wanted)).state is State.AWAITING_MERCHANT_REVIEW
        assert await lonely.runs(wanted["case_id"]) == 1


async def test_a_rollout_without_an_answer_leaves_nothing_to_report(
    unmanned: Market, caplog: pytest.LogCaptureFixture
) -> None:
    hasty = Cases(unmanned.client, timeout=timedelta(seconds=1))
    with caplog.at_level(logging.ERROR), pytest.raises(NoAnswer, match="no answer within 1 s"):
        await hasty.rollouts.start(7)
    gc.collect()
    assert [entry.message for entry in caplog.records if entry.name == "asyncio"] == []


async def test_setting_up_is_safe_to_repeat_and_from_two_places_at_once(tmp_path: Path) -> None:
    async with market(tmp_path, working=False, prepared=False) as fresh:
        other = Cases(await Client.connect(fresh.address, plugins=[plugin()]))
        assert await fresh.cases.namespace.missing_attributes() == sorted(ATTRIBUTES)
        both = await asyncio.gather(fresh.cases.namespace.setup(), other.namespace.setup())
        assert set().union(*both) == ATTRIBUTES.keys()
        assert await fresh.cases.namespace.missing_attributes() == await other.namespace.setup() == []


async def test_an_attribute_of_another_type_is_named_with_the_type_that_it_must_have(unmanned: Market) -> None:
    await unmanned.client.operator_service.add_search_attributes(_wrong("RespondBy"))
    with pytest.raises(Refusal, match="RespondBy is not Datetime; remove them") as raised:
        await unmanned.cases.namespace.setup()
    assert raised.value.code == "attribute_clash"


async def test_a_namespace_that_is_not_there_is_a_fault_of_the_service(unmanned: Market) -> None:
    elsewhere = Cases(await Client.connect(unmanned.address, namespace="elsewhere", plugins=[plugin()]))
    with pytest.raises(ServiceFault, match="elsewhere"):
        await elsewhere.namespace.missing_attributes()


async def test_a_server_that_is_gone_is_no_answer(tmp_path: Path) -> None:
    async with market(tmp_path, working=False) as gone:
        cases = Cases(gone.client, timeout=timedelta(seconds=0.5))
    with pytest.raises(NoAnswer):
        await cases.status("C-1", live=True)


async def test_an_address_where_nobody_listens_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    with pytest.raises(ServiceFault, match=f"answers at {address} .Connection refused.; start one .*TEMPORAL_ADDRESS"):
        await connect()


@pytest.mark.parametrize(
    ("content", "said"),
    [("this is [", "TOML parse error"), ("[profile.default]\nadress = 'x'", "unknown field `adress`")],
)
async def test_a_profile_file_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "temporal.toml").write_text(content)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))
    with pytest.raises(ServiceFault, match=said):
        await connect()


def _wrong(name: str) -> AddSearchAttributesRequest:
    return AddSearchAttributesRequest(
        namespace="default", search_attributes={name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD}
    )


async def settled(place: Market, case_id: str) -> None:
    """Wait until nothing of the case is in hand."""
    async with asyncio.timeout(60):
        while True:
            found = (await place.client.get_workflow_handle(f"case/{case_id}").describe()).raw_description
            if not found.pending_activities and not found.HasField("pending_workflow_task"):
                return
            await asyncio.sleep(0.02)


async def _told(place: Market) -> int:
    """How many messages the platform received."""
    return len(await place.platform.inbox())

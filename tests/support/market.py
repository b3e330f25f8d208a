"""A market in real time: a Temporal server that keeps its file, the stand-in platform, and, if wanted, a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client

from aftersale import records
from aftersale.client import Cases
from aftersale.contract.commands import Act, Actor, Approve, ConfirmReceipt, ShipBack
from aftersale.contract.status import Status
from aftersale.temporal.plugin import plugin
from aftersale.vocabulary import CaseKind, Party
from tests.support.cases import BUYER, MERCHANT, PLATFORM, request
from tests.support.platform_fixtures import StandIn, running
from trial.dev import worker_environment
from trial.environment import settings_for
from trial.patience import Unhurried
from trial.server import free_port, persistent
from worker import Settings, worker

ACTORS = {
    "merchant": Actor(party=Party.MERCHANT, id=MERCHANT[1]),
    "buyer": Actor(party=Party.BUYER, id=BUYER[1]),
    "platform": Actor(party=Party.PLATFORM, id=PLATFORM[1]),
}


@dataclass(frozen=True)
class Market:
    """The running parts."""

    address: str
    platform: StandIn
    client: Client
    records_url: str

    @property
    def cases(self) -> Cases:
        """The typed client of a back end."""
        return Cases(self.client)

    @property
    def settings(self) -> Settings:
        """What a worker is told in order to work here."""
        return settings_for(self.platform.url, self.records_url)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker process is told in order to work here."""
        return worker_environment(self.address, self.platform.url, self.records_url)

    async def act(self, case_id: str, act: Act) -> None:
        """Give a command as a back end would."""
        await self.cases.act(case_id, act)

    async def approved(self, **changes: Any) -> str:
        """The id of a return that the merchant approved."""
        wanted = request(**changes)
        await self.cases.open(CaseKind.RETURN, wanted)
        await self.act(wanted["case_id"], Approve(actor=ACTORS["merchant"]))
        return str(wanted["case_id"])

    async def sent_back(self, **changes: Any) -> str:
        """The id of a return whose goods are on their way back."""
        case_id = await self.approved(**changes)
        await self.act(case_id, ship_back())
        return case_id

    async def record(self, case_id: str) -> Status:
        """What the case leaves behind, once it is over."""
        async with asyncio.timeout(60):
            record: Status = await self.client.get_workflow_handle(f"case/{case_id}", result_type=Status).result()
        return record

    async def runs(self, case_id: str) -> int:
        """How many runs the case's workflow had."""
        async with asyncio.timeout(60):
            while not (found := [run async for run in self.client.list_workflows(f"WorkflowId = 'case/{case_id}'")]):
                await asyncio.sleep(0.1)
        return len(found)


def ship_back() -> ShipBack:
    """The buyer hands the parcel over."""
    return ShipBack(actor=ACTORS["buyer"], carrier="sf-express", tracking_no="SF1")


def confirm_receipt() -> ConfirmReceipt:
    """The merchant takes the goods in; the refund follows at once."""
    return ConfirmReceipt(actor=ACTORS["merchant"])


@asynccontextmanager
async def market(
    folder: Path, *, working: bool = True, prepared: bool = True, records_url: str | None = None
) -> AsyncIterator[Market]:
    """A market whose files are in `folder`: with a worker unless not `working`, set up unless not `prepared`.

    Its records are a file there too, unless another database is named.
    """
    kept = records_url or f"sqlite:///{folder / 'records.db'}"
    async with AsyncExitStack() as stack:
        server = persistent(folder / "temporal.db", port=free_port(), ui_port=free_port(), is_kept=False)
        address = await stack.enter_async_context(server)
        platform = await stack.enter_async_context(running(folder / "platform.db"))
        client = await Client.connect(address, plugins=[plugin(), Unhurried()])
        if prepared:
            await Cases(client).namespace.setup()
            records.migrate(kept)
        place = Market(address, platform, client, kept)
        if working:
            await stack.enter_async_context(await stack.enter_async_context(worker(client, place.settings)))
        yield place

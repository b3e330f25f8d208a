"""A worker dies at a step around a payment: afterwards the provider's books and ours agree, and money moved once."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from aftersale import records
from aftersale.contract.commands import Withdraw
from aftersale.ledger.reports import ProviderPayment
from aftersale.vocabulary import CaseKind, Outcome, RefundState
from tests.support import cases
from tests.support.dying_worker import STEPS
from tests.support.market import ACTORS, Market, confirm_receipt, market
from tests.support.platform_fixtures import until
from tests.support.program import program, working
from trial.postgres import Server

DYING_WORKER = str(Path(__file__).parents[1] / "support" / "dying_worker.py")


DATABASES = ("sqlite", "postgresql")

AT_ONCE = {("postgresql", "answered")}
"""What every run tries: the simulator loses answers and workers at every step, the soak kills at each on both."""

WAYS = [
    pytest.param(database, step, marks=() if (database, step) in AT_ONCE else pytest.mark.soak)
    for database in DATABASES
    for step in STEPS
]


@pytest.fixture(scope="module")
async def place(
    request: pytest.FixtureRequest, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Market]:
    folder: Path = tmp_path_factory.mktemp("books")
    url = None if request.param == "sqlite" else postgres.database(f"books_{uuid4().hex}")
    async with market(folder, working=False, records_url=url) as running:
        yield running


@pytest.mark.parametrize(("place", "step"), WAYS, indirect=["place"])
async def test_whatever_step_a_worker_dies_at_the_refund_is_paid_once_and_both_books_say_so(
    place: Market, step: str
) -> None:
    case_id, key = f"dies-{step}", f"case/dies-{step}/refund/1"
    async with program(DYING_WORKER, step, environment=place.environment) as dying:
        await dying.until('"working"')
        await place.sent_back(case_id=case_id)
        if step == "called":
            await place.platform.arm("hold", key=key)
        await place.act(case_id, confirm_receipt())
        if step == "called":
            await until(place.platform.holding, [key])
            dying.process.kill()
        assert await dying.ended() == -signal.SIGKILL
    paid_before = (await place.platform.payments()).get(key)
    assert (paid_before is None) == (step == "instructed"), "it died where it was told to"
    async with working(place):
        assert (await place.record(case_id)).outcome is Outcome.REFUNDED
    assert (await place.platform.payments())[key] == ("succeeded", 1)
    with records.open(place.records_url) as kept:
        assert kept.ledger.check(await statement(place)) == []
        assert kept.ledger.check([]) != [], "a statement without the payment is noticed"


@pytest.mark.soak
@pytest.mark.parametrize("place", DATABASES, indirect=True)
async def test_a_worker_that_dies_while_an_advance_is_taken_back_has_it_taken_back_once(place: Market) -> None:
    case_id, key = "back", "case/back/clawback/1"
    async with working(place):
        unsent = {"dispatched_at": None, "signed_for_at": None, "services": ["instant_refund"]}
        await place.cases.open(CaseKind.REFUND, cases.request(case_id=case_id, order=unsent))
        await until(lambda: _paid(place, f"case/{case_id}/refund/1"), True)
    async with program(DYING_WORKER, "called", environment=place.environment) as dying:
        await dying.until('"working"')
        await place.platform.arm("hold", path="/clawbacks", key=key)
        await place.act(case_id, Withdraw(actor=ACTORS["buyer"]))
        await until(place.platform.holding, [key])
        dying.process.kill()
        assert await dying.ended() == -signal.SIGKILL
    assert key in await place.platform.payments(), "it died where it was told to"
    async with working(place):
        assert (await place.record(case_id)).refund.status is RefundState.CLAWED_BACK
    assert (await place.platform.payments())[key] == ("succeeded", 1)
    with records.open(place.records_url) as kept:
        assert kept.ledger.check(await statement(place)) == []


async def _paid(place: Market, key: str) -> bool:
    with records.open(place.records_url) as kept:
        return any(each.key == key and each.state is RefundState.SUCCEEDED for each in kept.ledger.export())


async def statement(place: Market) -> list[ProviderPayment]:
    """What the provider says of its payments."""
    rows = (await place.platform.http.get("/payments")).json()
    return [ProviderPayment.model_validate({name: row[name] for name in ProviderPayment.model_fields}) for row in rows]

"""The drill: payments go on after a backup, the records are restored, and no money is paid twice or held for ever."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from aftersale import records
from aftersale.ledger.reports import ProviderPayment
from aftersale.vocabulary import CaseKind, CloseReason, Outcome
from tests.support.backups import back_up
from tests.support.cases import request
from tests.support.market import Market, confirm_receipt, market
from tests.support.platform_fixtures import until
from tests.support.program import WORKER, finished, working
from tests.support.shell import run
from trial.postgres import Server


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, postgres: Server, tmp_path: Path) -> AsyncIterator[Market]:
    url = None if request.param == "sqlite" else postgres.database(f"restored_{uuid4().hex}")
    async with market(tmp_path, working=False, records_url=url) as running:
        yield running


async def test_workers_refuse_restored_records_until_the_ledger_has_adopted_what_was_paid_since(place: Market) -> None:
    async with working(place) as hand:
        before = await place.sent_back()
        assert await hand.told(signal.SIGTERM) == 0
    restore = back_up(place.records_url)
    async with working(place) as hand:
        paid, open_since = request(), request()
        await place.sent_back(**paid)
        for case_id in (before, paid["case_id"]):
            await place.act(case_id, confirm_receipt())
            assert (await place.record(case_id)).outcome is Outcome.REFUNDED
        await place.sent_back(**open_since)
        assert await hand.told(signal.SIGTERM) == 0
    restore()

    status, _, err = await finished(WORKER, environment=place.environment)
    assert status == 1 and "aftersale ledger adopt --statement FILE" in err and "Traceback" not in err

    adopting = ("ledger", "adopt", "--statement", "-", "--json")
    lines = "\n".join([each.model_dump_json() for each in await statement(place)])
    adopted = await run(*adopting, address=place.address, records_url=place.records_url, given=lines)
    assert (adopted.status, adopted.json["ok"]) == (0, True), adopted
    assert sorted(adopted.json["reservations"]) == sorted([paid["case_id"], open_since["case_id"]])
    assert sorted(adopted.json["instructions"]) == sorted(f"case/{each}/refund/1" for each in (before, paid["case_id"]))

    async with working(place) as hand:
        again = await place.cases.open(CaseKind.RETURN, {**paid, "case_id": "again"})
        assert again.close_reason is CloseReason.REFUSED
        assert [each.code for each in again.problems] == ["ceiling"]
        await place.act(open_since["case_id"], confirm_receipt())
        assert (await place.record(open_since["case_id"])).outcome is Outcome.REFUNDED
        assert await hand.told(signal.SIGTERM) == 0
    keys = [f"case/{each}/refund/1" for each in (before, paid["case_id"], open_since["case_id"])]
    await until(place.platform.payments, dict.fromkeys(keys, ("succeeded", 1)))
    with records.open(place.records_url) as kept:
        assert kept.ledger.check(await statement(place)) == []


async def statement(place: Market) -> list[ProviderPayment]:
    """What the provider says of its payments."""
    rows = (await place.platform.http.get("/payments")).json()
    return [ProviderPayment.model_validate({name: row[name] for name in ProviderPayment.model_fields}) for row in rows]

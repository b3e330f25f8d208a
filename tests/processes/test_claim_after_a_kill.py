"""A worker killed around the opening of a claim: whatever had been done by then, there is one."""

import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aftersale import records
from aftersale.times import local
from tests.support.market import Market, market
from tests.support.platform_fixtures import until
from tests.support.program import program, working

ROOT = Path(__file__).resolve().parents[2]
LINES = [{"order_line_id": "L1", "quantity": 2, "paid": {"amount_minor": 12900, "currency": "CNY"}}]


@pytest.fixture
def priced(tmp_path: Path) -> str:
    """A folder with the policy book, in which a late dispatch is worth a tenth of what was paid."""
    folder = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    file = folder / "services" / "platform-claims.toml"
    text = file.read_text("utf-8")
    unset = 'missed = "dispatch"\ncompensation = { payer = "merchant" }'
    assert unset in text
    file.write_text(text.replace(unset, unset[:-2] + ', base = "paid", rate = 1000 }'), "utf-8")
    return str(folder)


@pytest.mark.soak
@pytest.mark.parametrize("step", ["claiming", "claimed"])
async def test_killed_around_the_opening_of_a_claim_there_is_one(tmp_path: Path, priced: str, step: str) -> None:
    async with market(tmp_path, working=False) as place:
        environment = {**place.environment, "AFTERSALE_POLICIES": priced}
        dying = ("-m", "tests.support.dying_worker", step)
        async with program(*dying, environment=environment) as killed:
            await killed.until('"working"')
            await _late(place)
            assert await killed.ended() == -signal.SIGKILL
        async with working(place, AFTERSALE_POLICIES=priced):
            await until(lambda: _opened(place), ["late.late"])
        with records.open(place.records_url) as kept:
            [violation] = kept.violations.find()
        assert (violation.clock, violation.claim_case_id) == ("dispatch", "late.late")
        assert await place.runs("late.late") == 1


async def _late(place: Market) -> None:
    """Watch a shipment whose promise is over in a moment."""
    order = {"paid_at": local(datetime.now(UTC) - timedelta(seconds=1)), "dispatch_promise": "PT3S", "lines": LINES}
    given = {"shipment_id": "late", "order_id": "O-late", "merchant_id": "M-7", "buyer_ref": "B-5", "order": order}
    await place.cases.watch(given)


async def _opened(place: Market) -> list[str]:
    """The claims that the watch says it opened."""
    status = await place.cases.watches.status("late")
    said = [entry.says for entry in status.timeline if entry.event == "ClaimOpened"]
    return [words.split()[3] for words in said]

"""Returns for no reason: within seven days they are the buyer's right, later the merchant's to grant (S1, law [f])."""

import pytest

from aftersale.vocabulary import State
from tests.support.cases import BUYER, MERCHANT, entries, opened, rejected
from trial.environment import Workplace


@pytest.mark.parametrize(("when", "remarks"), [("2024-01-31 23:59:59", []), ("2024-02-01 00:00:00", ["requested_at"])])
async def test_a_return_for_no_reason_after_its_seven_days_is_the_merchants_to_grant(
    place: Workplace, when: str, remarks: list[str]
) -> None:
    live = await opened(place, when, reason_code="no_longer_wanted")
    status = await live.status()
    assert status.state is State.AWAITING_MERCHANT_REVIEW
    found = entries(status, "NotByRight")
    assert [entry.says.split(": ")[1] for entry in found] == remarks


async def test_an_amendment_is_not_asked_again_whether_it_is_in_the_seven_days(place: Workplace) -> None:
    live = await rejected(place, "2024-01-31 23:59:59", reason_code="no_longer_wanted")
    await live.act("amend", *BUYER, kind="return")
    status = await live.act("approve", *MERCHANT)
    assert status.attempts == 2 and not entries(status, "NotByRight")

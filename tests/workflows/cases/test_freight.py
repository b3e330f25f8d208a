"""Freight insurance: the insurer is asked once the refund is paid, never before, and its end is shown on the case."""

import asyncio
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from aftersale.contract.status import Status
from aftersale.policy.book import Book
from aftersale.vocabulary import MessageEvent, Outcome
from tests.support.books import BOOK
from tests.support.cases import BUYER, MERCHANT, approved, ended, entries, entry, stamp, told, working, yuan
from tests.support.places import records_of
from tests.support.platform_fixtures import StandIn
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
INSURED = {"services": ["freight_insurance"], "paid_at": "2024-06-01T09:00:00+08:00"}


async def refunded(place: Workplace, freight: Any = None, order: Any = INSURED) -> Live:
    """A return that was sent back, taken in and refunded."""
    dated = {"dispatched_at": "2024-06-01T10:00:00+08:00", "signed_for_at": "2024-06-02T10:00:00+08:00"}
    live = await approved(place, JUNE, order={**dated, **order})
    cost = {"freight": freight} if freight else {}
    await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1", occurred_at=stamp(JUNE), **cost)
    await live.act("confirm_receipt", *MERCHANT)
    return live


async def shown(place: Workplace, live: Live) -> Status:
    """The record of the case once the insurer's decision is in it."""
    with records_of(place) as kept:
        async with asyncio.timeout(60):
            while True:
                record = kept.turns.record(live.handle.id.removeprefix("case/"))
                if record is not None and entries(record, "FreightInsured"):
                    return record
                await asyncio.sleep(0.05)


async def asked(stand_in: StandIn, live: Live) -> list[dict[str, Any]]:
    claims = (await stand_in.http.get("/freight-claims")).json()
    return [each for each in claims if f"case/{each['claim']['case_id']}" == live.handle.id]


async def test_the_insurer_pays_what_the_return_cost_and_the_buyer_hears(place: Workplace, stand_in: StandIn) -> None:
    live = await refunded(place, yuan(1200))
    final = await ended(live)
    assert final.outcome is Outcome.REFUNDED
    assert entry(final, "FreightClaimed").recorded_at >= entry(final, "RefundSucceeded").recorded_at
    record = await shown(place, live)
    line = entry(record, "FreightInsured")
    assert (line.by, line.says) == ("insurer", "freight insurance paid 1200 CNY minor (freight-1)")
    assert record.refund == final.refund
    assert (await told(stand_in, live, "buyer", MessageEvent.INSURANCE_SETTLED))["says"] == line.says


async def test_a_cost_that_nobody_told_is_the_insurer_s_to_know(place: Workplace, stand_in: StandIn) -> None:
    live = await refunded(place)
    assert "paid 1000 CNY minor" in entry(await shown(place, live), "FreightInsured").says
    (claim,) = await asked(stand_in, live)
    assert claim["amount"] is None


async def test_an_order_without_the_cover_asks_nobody(place: Workplace, stand_in: StandIn) -> None:
    live = await refunded(place, yuan(1200), {**INSURED, "services": []})
    final = await ended(live)
    assert entries(final, "FreightClaimed") == []
    assert await asked(stand_in, live) == []


async def test_no_more_is_claimed_than_the_cover_in_force_at_the_purchase(
    idle: Workplace, idle_stand_in: StandIn
) -> None:
    async with working(idle, covered(CNY=800)):
        live = await refunded(idle, yuan(1200))
        assert "paid 800 CNY minor" in entry(await shown(idle, live), "FreightInsured").says


@pytest.mark.parametrize("fault", ["reset", "lose_answer", "decline"])
async def test_an_insurer_that_fails_or_declines_does_not_touch_the_refund(
    place: Workplace, stand_in: StandIn, fault: str
) -> None:
    await stand_in.arm(fault, path="/freight-claims", **({"reason": "not covered"} if fault == "decline" else {}))
    live = await refunded(place, yuan(1200))
    final = await ended(live)
    assert final.outcome is Outcome.REFUNDED
    says = entry(await shown(place, live), "FreightInsured").says
    assert says == (
        "freight insurance declined: not covered"
        if fault == "decline"
        else "freight insurance paid 1200 CNY minor (freight-1)"
    )
    (claim,) = await asked(stand_in, live)
    assert claim["asked"] == (2 if fault == "lose_answer" else 1)


async def test_the_insurers_words_are_shown_as_they_were_written(place: Workplace, stand_in: StandIn) -> None:
    await stand_in.arm("decline", path="/freight-claims", reason="[see](http://evil.example)")
    live = await refunded(place, yuan(1200))
    await shown(place, live)
    claim = place.client.get_workflow_handle(f"insurance/{live.handle.id.removeprefix('case/')}/freight")
    page = await claim.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert r"\[see\]\(http\://evil" in page.current_details


def covered(**cover: int) -> Book:
    """The book, with a cover for returns."""
    files = [
        file.model_copy(
            update={
                "version": tuple(
                    old.model_copy(update={"settings": old.settings.model_copy(update={"cover": cover})})
                    for old in file.version
                )
            }
        )
        if file.service == "freight_insurance"
        else file
        for file in BOOK.services.files
    ]
    return Book(BOOK.files, files, name=BOOK.name, revision=BOOK.revision)

"""The view of operators on a case in the Temporal UI, and what it costs to show."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata

from aftersale.client import Cases
from aftersale.temporal.search_attributes import ATTRIBUTES
from aftersale.vocabulary import CaseKind
from tests.support.cases import (
    BUYER,
    MERCHANT,
    PLATFORM,
    TAGGED,
    approved,
    at,
    ended,
    opened,
    request,
    sent_back,
    ship_back,
    sign_off,
)
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"


async def page(live: Live) -> str:
    """The current details, as the UI asks for them."""
    found: WorkflowMetadata = await live.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return found.current_details


async def timers(live: Live) -> list[str]:
    """The summary of every timer that the case started, in order."""
    converter = live.handle._client.data_converter  # the summary has no accessor of its own
    found = []
    async for event in live.handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            found.extend(await converter.decode([event.user_metadata.summary], [str]))
    return found


async def count(live: Live, kind: EventType.ValueType) -> int:
    return len([event async for event in live.handle.fetch_history_events() if event.event_type == kind])


async def attributes(live: Live) -> dict[str, Any]:
    """The search attributes as they stand."""
    found = (await live.handle.describe()).typed_search_attributes
    return {pair.key.name: pair.value for pair in found if pair.key.name in ATTRIBUTES}


async def test_a_list_of_workflows_shows_what_each_case_is_about(place: Workplace) -> None:
    wanted = request()
    with place.env.with_time_skipping_disabled():
        await Cases(place.client).open(CaseKind.RETURN, wanted)
        handle = place.client.get_workflow_handle(f"case/{wanted['case_id']}")
        summary = await (await handle.describe()).static_summary()
        await handle.execute_update("withdraw", {"actor": {"party": "buyer", "id": "B-5"}})
    assert summary == f"return 退货退款 · order {wanted['order_id']} · 12900 CNY minor · merchant M-7"


async def test_a_timer_names_its_limit_and_its_rule(place: Workplace) -> None:
    live = await opened(place, "2024-01-30 00:00:00")
    await live.act("approve", *MERCHANT, occurred_at="2024-01-30T00:00:00")
    await ship_back(live, "2024-01-30 00:00:00")
    assert await timers(live) == [
        "reminder before merchant review 商家处理: P5D by S22 S24, to 2024-02-04T00:00:00+08:00, then auto_approve",
        "reminder before buyer return 买家退货: P7D by ordinary, to 2024-02-06T00:00:00+08:00, then auto_close",
        "reminder before merchant receipt 商家收货: P15D by S22 S25, to 2024-02-14T00:00:00+08:00, then auto_confirm",
    ]


async def test_a_deadline_that_moves_later_costs_no_new_timer(place: Workplace) -> None:
    live = await approved(place, JUNE)
    await live.act("agree_limit", *PLATFORM, clock="buyer_return", limit="P9D")
    assert len(await timers(live)) == 2
    await live.until(at("2024-06-12 10:00:02"))
    await ended(live)
    summaries = await timers(live)
    ending = "buyer return 买家退货: P9D by S15, to 2024-06-12T10:00:00+08:00, then auto_close"
    assert summaries[2:] == [f"reminder before {ending}", ending]


async def test_the_page_says_whose_move_it_is_until_when_and_why(place: Workplace) -> None:
    live = await opened(place, "2024-01-30 00:00:00")
    shown = await page(live)
    assert shown.startswith(
        "## awaiting merchant review 待商家处理\nNext: **merchant 商家**: approve, reject, offer, add_evidence"
    )
    assert "Respond by **2024-02-04T00:00:00+08:00**, else auto approve 自动同意" in shown
    assert "| merchant review 商家处理 | 2024-02-04T00:00:00+08:00 | P5D | S22 S24 |" in shown
    assert "### Timeline" in shown
    assert "**buyer** return 退货退款 requested: quality" in shown


async def test_the_page_of_a_held_case_says_so(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("hold", *PLATFORM, occurred_at="2024-06-03T10:00:00")
    shown = await page(live)
    assert "Next: **platform 平台**: resume, add_evidence" in shown
    assert "On hold since 2024-06-03T10:00:00+08:00" in shown
    assert (await attributes(live))["OnHold"] is True


async def test_free_text_is_shown_as_it_was_written(place: Workplace) -> None:
    live = await opened(place, JUNE)
    note = "**urgent** [click](http://evil.example) <img src=x>\r# Ended\n| a | b | &lt;"
    await live.act("reject", *MERCHANT, reason_code="used", note=note)
    shown = await page(live)
    assert note not in shown
    assert r"\*\*urgent\*\* \[click\]\(" in shown
    assert r"\<img src\=x\>" in shown
    assert "\r" not in shown
    assert not [line for line in shown.splitlines() if line.startswith("# ")]
    assert r"\&lt;" in shown


async def test_the_page_of_an_ended_case_says_how_it_ended(place: Workplace) -> None:
    live = await sent_back(place, JUNE)
    await live.act("confirm_receipt", *MERCHANT)
    await ended(live)
    assert (await page(live)).startswith("## completed 已完成\nEnded: **refunded 已退款**")


async def test_the_page_of_a_refused_request_says_what_to_mend(place: Workplace) -> None:
    live = await place.start(CaseKind.RETURN, request(claim_type="fresh_damage"), at(JUNE))
    await ended(live)
    assert await page(live) == "\n".join(
        ["## refused 不予受理", r"- claim\_type: belongs to claims; leave it out of a return"]
    )
    assert await attributes(live) == {"CaseKind": "return", "CaseState": "closed", "CaseOutcome": "refused"}


async def test_search_attributes_follow_the_case(place: Workplace) -> None:
    live = await opened(place, JUNE, merchant_id="M-7", order_id="O-find-me")
    version = (await live.status()).policy_version
    assert await attributes(live) == {
        "CaseKind": "return",
        "CaseState": "awaiting_merchant_review",
        "MerchantId": "M-7",
        "OrderId": "O-find-me",
        "AmountMinor": 12900,
        "OnHold": False,
        "PolicyVersion": version,
        "RespondBy": datetime(2024, 6, 5, 2, tzinfo=UTC),
    }
    await live.act("withdraw", *BUYER)
    await ended(live)
    found = await attributes(live)
    assert (found["CaseState"], found["CaseOutcome"]) == ("closed", "withdrawn")
    assert "RespondBy" not in found


async def test_open_cases_are_found_by_what_operators_filter_on(place: Workplace) -> None:
    live = await opened(place, "2024-02-05 12:00:00", order_id="O-list-me", order=TAGGED)
    query = (
        "MerchantId = 'M-7' AND OrderId = 'O-list-me' AND CaseState = 'awaiting_merchant_review' "
        "AND RespondBy < '2024-02-08T00:00:00Z' AND AmountMinor >= 12900 AND OnHold = false "
        "AND ExecutionStatus = 'Running'"
    )
    async with asyncio.timeout(60):
        while not (found := [each.id async for each in place.client.list_workflows(query)]):
            await asyncio.sleep(0.05)
    assert found == [live.handle.id]


async def test_attributes_are_written_once_a_stage(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}])
    await live.act("approve", *MERCHANT, occurred_at="2024-06-03T10:00:00")
    await ship_back(live, JUNE)
    await sign_off(live, JUNE)
    await live.act("confirm_receipt", *MERCHANT)
    await ended(live)
    stages = ["review", "return", "receipt", "inspection", "refund", "end"]
    upserts = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    assert await count(live, upserts) == len(stages)

"""Opening a case: once, however often it is asked, and never over another request's case."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aftersale.client import Cases
from aftersale.contract.commands import Withdraw
from aftersale.contract.status import Status
from aftersale.errors import BadInput, CaseNotFound, Refusal
from aftersale.vocabulary import CaseKind, CloseReason, State
from tests.support.cases import BUYER, at, ended, entries, opened, refusal, request
from tests.support.outages import locked
from tests.support.places import Watched
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
WITHDRAWAL: dict[str, Any] = {"actor": {"party": "buyer", "id": "B-5"}}


@pytest.fixture
async def cases(place: Workplace) -> AsyncIterator[Cases]:
    """The client of a back end; its cases live in the present."""
    with place.env.with_time_skipping_disabled():
        yield Cases(place.client)


def watched(place: Workplace, case_id: str) -> Live:
    """The case as the workplace sees it."""
    assert isinstance(place, Watched)
    handle = place.client.get_workflow_handle(f"case/{case_id}", result_type=Status)
    live = Live(place.env, handle)
    place.cases.append(live)
    return live


# By the update that any SDK can send


async def test_opening_again_with_the_same_request_answers_the_same(place: Workplace) -> None:
    wanted = request()
    live = await place.open(CaseKind.RETURN, wanted, at(JUNE))
    first = await live.update("open", {"kind": "return", "request": wanted})
    again = await live.update("open", {"request": wanted})
    bare = await live.update("open", {})
    now = await live.status()
    assert first == again == bare == now.model_copy(update={"timeline": ()}), "an answer has what it added"
    assert len(entries(now, "Opened")) == 1


async def test_the_same_request_in_other_words_is_the_same(place: Workplace) -> None:
    wanted = request()
    live = await place.open(CaseKind.RETURN, wanted, at(JUNE))
    order = {**wanted["order"], "paid_at": "2024-01-20T01:00:00Z", "labels": [], "region": None}
    assert (await live.update("open", {"request": {**wanted, "note": None, "order": order}})).problems == ()


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "refund"},
        {"request": request(case_id="C-same", note="another")},
        {"request": request(case_id="C-other")},
        {"request": {"case_id": "C-same"}},
        {"request": {}},
    ],
)
async def test_opening_with_another_request_is_a_conflict(place: Workplace, other: dict[str, Any]) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.update("open", other))
    assert refused.code == "case_id_conflict"
    assert "case_id: names a case that was opened with another request; take a new case_id" in str(refused)
    assert (await live.status()).state is State.AWAITING_MERCHANT_REVIEW


@pytest.mark.parametrize(
    ("given", "field"),
    [([], "payload"), ("again", "payload"), ({"kind": "gift"}, "kind"), ({"retry": True}, "retry")],
)
async def test_an_opening_that_cannot_be_read_is_refused(place: Workplace, given: object, field: str) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.update("open", given))
    assert (refused.code, f"{field}: " in str(refused)) == ("bad_input", True)


# By the client


async def test_a_request_that_is_opened_twice_is_one_case(place: Workplace, cases: Cases) -> None:
    wanted = request()
    first, again = await asyncio.gather(*(cases.open(CaseKind.RETURN, wanted) for _ in range(2)))
    live = watched(place, wanted["case_id"])
    assert first.state is again.state is State.AWAITING_MERCHANT_REVIEW
    assert len(entries(await cases.status(wanted["case_id"], live=True), "Opened")) == 1
    await live.update("withdraw", WITHDRAWAL)


async def test_another_request_under_a_used_id_is_a_conflict_even_after_the_end(place: Workplace, cases: Cases) -> None:
    wanted = request()
    await cases.open(CaseKind.RETURN, wanted)
    live = watched(place, wanted["case_id"])
    for _ in range(2):
        with pytest.raises(Refusal, match="opened with another request; take a new") as caught:
            await cases.open(CaseKind.RETURN, {**wanted, "note": "different"})
        assert caught.value.code == "case_id_conflict"
        if (await cases.status(wanted["case_id"], live=True)).is_final:
            break
        await live.update("withdraw", WITHDRAWAL)
        await live.handle.result()


async def test_opening_again_after_the_end_answers_with_the_record(place: Workplace, cases: Cases) -> None:
    wanted = request()
    await cases.open(CaseKind.RETURN, wanted)
    live = watched(place, wanted["case_id"])
    await cases.act(
        wanted["case_id"], Withdraw.model_validate({"actor": dict(zip(("party", "id"), BUYER, strict=True))})
    )
    await live.handle.result()
    record = await cases.open(CaseKind.RETURN, wanted)
    assert (record.close_reason, record.is_final) == (CloseReason.WITHDRAWN, True)
    assert record == await cases.status(wanted["case_id"], live=True)


async def test_a_refused_request_leaves_its_record_and_no_case(place: Workplace, cases: Cases) -> None:
    wanted = request(claim_type="fresh_damage")
    status = await cases.open(CaseKind.RETURN, wanted)
    watched(place, wanted["case_id"])
    assert (status.close_reason, [problem.field for problem in status.problems]) == ("refused", ["claim_type"])
    assert (await cases.open(CaseKind.RETURN, wanted)).problems == status.problems
    withdrawal = Withdraw.model_validate(WITHDRAWAL)
    with pytest.raises(Refusal, match="legal now: nothing, the case is final"):
        await cases.act(wanted["case_id"], withdrawal)


async def test_a_good_request_does_not_take_over_the_id_of_a_malformed_one(place: Workplace, cases: Cases) -> None:
    wanted = request()
    live = await place.start(CaseKind.RETURN, {**wanted, "items": None}, at(JUNE))
    await ended(live)
    with pytest.raises(Refusal) as caught:
        await cases.open(CaseKind.RETURN, wanted)
    assert caught.value.code == "case_id_conflict"


async def test_the_client_refuses_a_malformed_request_before_it_is_sent(cases: Cases) -> None:
    with pytest.raises(BadInput, match="items: write a list") as caught:
        await cases.open(CaseKind.RETURN, request(case_id="C-never", items="all"))
    assert [problem.field for problem in caught.value.problems] == ["items"]
    with pytest.raises(CaseNotFound):
        await cases.status("C-never", live=True)


# Before the decision


async def test_a_case_whose_request_is_not_decided_on_claims_no_state(place: Workplace) -> None:
    """Its admission waits for the ledger, and may end in a refusal yet."""
    with locked(place.settings.records_url):
        live = await place.start(CaseKind.RETURN, request(), at(JUNE))
        early = await live.status()
    assert (early.state, early.is_final, early.next.party, early.timeline) == (State.OPENING, False, None, ())
    assert (await live.update("open", {})).state is State.AWAITING_MERCHANT_REVIEW

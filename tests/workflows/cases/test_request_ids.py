"""A request id stands for one content: a repeat gets the first answer, other content is refused and changes nothing."""

import asyncio
from itertools import cycle
from typing import Any

import pytest

from aftersale.client import Cases, Refusal
from aftersale.contract.commands import Actor, AddEvidence, Withdraw
from aftersale.contract.request import Evidence
from aftersale.contract.status import Status
from aftersale.times import SECOND
from aftersale.vocabulary import Party, State
from tests.support.cases import BUYER, at, ended, entries, entry, opened, refusal, stamp, working
from tests.support.posting import sending
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"
ACTOR = {"party": "buyer", "id": "B-5"}
TAKEN_BACK = {"actor": ACTOR, "request_id": "request-1"}


def evidence(name: str, **more: Any) -> dict[str, Any]:
    """The buyer's evidence of that name, under one request id."""
    return {"actor": ACTOR, "evidence": [{"uri": f"oss://{name}"}], "request_id": "request-1", **more}


async def conflict(call: Any) -> str:
    """What is said of a request id that was used for other content."""
    refused = await refusal(call)
    assert refused.code == "idempotency_conflict"
    return str(refused)


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("add_evidence", evidence("b")),
        ("add_evidence", evidence("a", actor={"party": "merchant", "id": "M-7"})),
        ("withdraw", TAKEN_BACK),
        ("approve", {"actor": {"party": "merchant", "id": "M-7"}, "request_id": "request-1"}),
    ],
)
async def test_other_content_under_a_request_id_is_refused_and_nothing_changes(
    place: Workplace, command: str, payload: dict[str, Any]
) -> None:
    live = await opened(place, JUNE)
    await live.update("add_evidence", evidence("a"))
    before = await live.status()
    said = await conflict(live.update(command, payload))
    assert "request_id: request-1 (add_evidence) was used before for other content" in said
    assert said.endswith("repeat that unchanged, or send this under a new id")
    assert await live.status() == before


async def test_a_repeat_is_taken_once_and_gets_the_first_answer_though_the_case_went_on(place: Workplace) -> None:
    live = await opened(place, JUNE)
    first = await live.update("add_evidence", evidence("a"))
    await live.act("approve", "merchant", "M-7")
    assert await live.update("add_evidence", evidence("a")) == first
    assert (await live.status()).state is State.AWAITING_BUYER_RETURN
    assert len(entries(await live.status(), "EvidenceAdded")) == 1


async def test_a_repeat_of_what_is_legal_no_longer_gets_the_first_answer(place: Workplace) -> None:
    live = await opened(place, JUNE)
    approval = {"actor": {"party": "merchant", "id": "M-7"}, "request_id": "yes"}
    first = await live.update("approve", approval)
    assert await live.update("approve", approval) == first
    assert (await refusal(live.update("approve", {**approval, "request_id": "yes-2"}))).code == "illegal_move"


async def test_a_repeat_may_be_stamped_anew_and_counts_from_the_first_stamp(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.until(at("2024-06-03 12:00:00"))
    first = await live.update("add_evidence", evidence("a", occurred_at=stamp("2024-06-03 11:00:00")))
    assert await live.update("add_evidence", evidence("a", occurred_at=stamp("2024-06-03 11:30:00"))) == first
    assert await live.update("add_evidence", evidence("a")) == first
    assert entry(await live.status(), "EvidenceAdded").at == at("2024-06-03 11:00:00")


async def test_what_is_left_out_is_the_same_as_its_default(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = {"actor": {"party": "merchant", "id": "M-7"}, "reason_code": "used", "request_id": "no"}
    first = await live.update("reject", refused)
    assert await live.update("reject", {**refused, "note": None, "occurred_at": None}) == first
    await conflict(live.update("reject", {**refused, "note": "worn"}))


async def test_a_line_names_the_request_that_caused_it(place: Workplace) -> None:
    live = await opened(place, JUNE)
    line = entry(await live.update("add_evidence", evidence("a")), "EvidenceAdded")
    assert line.request_id == "request-1"
    assert "request-1" not in line.says


async def test_a_command_that_names_none_is_known_by_its_update_id(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.act("add_evidence", *BUYER, evidence=[{"uri": "oss://a"}])
    named = entry(await live.status(), "EvidenceAdded").request_id
    await conflict(live.update("withdraw", {"actor": ACTOR, "request_id": named}))


async def test_a_request_id_that_is_the_update_id_as_well_binds_nothing_and_is_refused(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.update("add_evidence", evidence("a"), id="request-1"))
    assert refused.code == "bad_input"
    assert "request_id: is the update id as well" in str(refused) and "leave that to your SDK" in str(refused)


@pytest.mark.parametrize("wrong", ["", "a" * 201, "two\nlines", "right\u202eleft"])
async def test_a_request_id_is_some_printable_characters(place: Workplace, wrong: str) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.update("add_evidence", evidence("a", request_id=wrong)))
    assert refused.code == "bad_input" and "request_id: must be 1 to 200 printable characters" in str(refused)


async def test_of_two_contents_that_come_at_once_under_one_id_one_is_taken(place: Workplace) -> None:
    live = await opened(place, JUNE)
    calls = [live.update("add_evidence", evidence(name)) for name in "abab"]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    taken = [each for each in answers if isinstance(each, Status)]
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert len(taken) == len(refused) == 2 and taken[0] == taken[1]
    assert {each.code for each in refused} == {"idempotency_conflict"}
    assert len(entries(await live.status(), "EvidenceAdded")) == 1


async def test_what_was_refused_at_the_door_leaves_its_id_free(place: Workplace) -> None:
    live = await opened(place, JUNE)
    sent = {"actor": ACTOR, "carrier": "sf", "tracking_no": "SF1", "request_id": "request-1"}
    assert (await refusal(live.update("ship_back", sent))).code == "illegal_move"
    assert (await live.update("withdraw", TAKEN_BACK)).is_final


async def test_a_scan_that_differs_under_a_known_event_id_is_noted_and_not_taken(place: Workplace) -> None:
    live = await opened(place, JUNE)
    await live.scan("SF1", "picked_up", at(JUNE), "scan-1")
    await live.scan("SF1", "picked_up", at(JUNE), "scan-1")
    await live.scan("SF1", "signed_for", at(JUNE), "scan-1")
    status = await live.status()
    assert len(entries(status, "ParcelScanned")) == 1
    assert entry(status, "SignalRefused").says.startswith("event_id: scan-1 was used before for other content")


async def test_ids_are_known_to_a_worker_that_replays_the_case(idle: Workplace) -> None:
    async with working(idle):
        live = await opened(idle, JUNE)
        first = await live.update("add_evidence", evidence("a"))
    async with working(idle):
        await conflict(live.update("withdraw", TAKEN_BACK))
        assert await live.update("add_evidence", evidence("a")) == first


async def test_ids_hold_for_what_comes_while_no_worker_is_there(idle: Workplace) -> None:
    async with working(idle):
        live = await opened(idle, JUNE)
    first = await sending(live, lambda live: live.update("add_evidence", evidence("a")))
    again = await sending(live, lambda live: live.update("add_evidence", evidence("a")))
    other = await sending(live, lambda live: live.update("withdraw", TAKEN_BACK))
    async with working(idle):
        assert await first == await again
        await conflict(other)
        assert (await live.status()).state is State.AWAITING_MERCHANT_REVIEW


async def test_a_refusal_that_was_waited_for_is_an_answer_too_and_takes_its_id(idle: Workplace) -> None:
    by = {"actor": {"party": "merchant", "id": "M-7"}}
    no = {**by, "reason_code": "used", "request_id": "no"}
    async with working(idle):
        live = await opened(idle, JUNE)
    approving = await sending(live, lambda live: live.update("approve", by))
    refusing = await sending(live, lambda live: live.update("reject", no))
    async with working(idle):
        assert (await approving).state is State.AWAITING_BUYER_RETURN
        first = await refusal(refusing)
        await live.act("ship_back", *BUYER, carrier="sf", tracking_no="SF1")
        again = await refusal(live.update("reject", no))
        assert (again.code, str(again)) == (first.code, str(first)), "it tells of the state in which it was refused"
        await conflict(live.update("reject", {**no, "reason_code": "worn"}))


# Through our own client, which leaves the case nothing to do with most repeats


def added(name: str) -> AddEvidence:
    """The buyer's evidence of that name."""
    return AddEvidence(actor=Actor(party=Party.BUYER, id="B-5"), evidence=(Evidence(uri=f"oss://{name}"),))


async def test_a_back_end_that_lost_its_stamp_repeats_and_one_that_confuses_ids_is_told(server: Workplace) -> None:
    """On the server, since how it treats ids is its own."""
    live = await opened(server, JUNE)
    stamps = cycle([at(JUNE), at(JUNE) + SECOND])
    cases = Cases(server.client, now=lambda: next(stamps))
    case_id = live.handle.id.removeprefix("case/")
    withdrawal = Withdraw(actor=Actor(party=Party.BUYER, id="B-5"))
    first = await cases.act(case_id, added("a"), request_id="request-1")
    assert await cases.act(case_id, added("a"), request_id="request-1") == first
    await conflict(cases.act(case_id, added("b"), request_id="request-1"))
    await conflict(cases.act(case_id, withdrawal, request_id="request-1"))
    over = await cases.act(case_id, withdrawal, request_id="request-2")
    assert (await ended(live)).is_final
    assert await cases.act(case_id, added("a"), request_id="request-1") == first, "the case is over meanwhile"
    assert await cases.act(case_id, withdrawal, request_id="request-2") == over

"""Commands from any SDK: what cannot be read is refused at the door, naming field and remedy; the case goes on."""

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import RawValue

from aftersale.vocabulary import State
from tests.support.cases import BUYER, MERCHANT, PLATFORM, opened, refusal
from trial.environment import Workplace

JUNE = "2024-06-03 10:00:00"
ACTOR = {"party": "merchant", "id": "M-7"}
BUYER_S = {"actor": {"party": "buyer", "id": "B-5"}}
OBJECT = "payload: must be a JSON object with actor"

MALFORMED: dict[str, tuple[str, Any, str]] = {
    "nothing": ("approve", None, OBJECT),
    "a list": ("approve", [], OBJECT),
    "a text": ("approve", "yes", OBJECT),
    "a number": ("reject", 1, "payload: must be a JSON object with actor, reason_code"),
    "nobody": ("approve", {}, "actor: is required; add it"),
    "somebody without a name": ("approve", {"actor": {"party": "merchant"}}, "actor.id: is required; add it"),
    "an actor as text": ("approve", {"actor": "M-7"}, "actor: "),
    "an unknown party": ("approve", {"actor": {"party": "seller", "id": "M-7"}}, "actor.party: "),
    "a nameless name": ("approve", {"actor": {"party": "merchant", "id": ""}}, "actor.id: must be 1 to 64 of the"),
    "a name in Chinese": ("approve", {"actor": {"party": "merchant", "id": "商家"}}, "actor.id: must be 1 to 64 of"),
    "a spelling mistake": ("approve", {"actor": ACTOR, "ocurred_at": JUNE}, "ocurred_at: is not a known field; remove"),
    "an instant without a time": ("approve", {"actor": ACTOR, "occurred_at": "2024-06-03"}, "occurred_at: write an"),
    "a refusal without a reason": ("reject", {"actor": ACTOR}, "reason_code: is required; add it"),
    "a reason of 65 characters": (
        "reject",
        {"actor": ACTOR, "reason_code": "x" * 65},
        "reason_code: should have at most 64 characters",
    ),
    "an empty reason": ("reject", {"actor": ACTOR, "reason_code": ""}, "reason_code: "),
    "a note as a number": (
        "reject",
        {"actor": ACTOR, "reason_code": "used", "note": 5},
        "note: write a text, in quotes",
    ),
    "a parcel without a carrier": ("ship_back", {**BUYER_S, "tracking_no": "SF1"}, "carrier: is required; add it"),
    "a tracking number with a space": (
        "ship_back",
        {**BUYER_S, "carrier": "sf", "tracking_no": "SF 1"},
        "tracking_no: must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; shorten or replace it",
    ),
    "a receipt of no items": ("confirm_receipt", {"actor": ACTOR, "items": []}, "items: "),
    "a receipt of a negative quantity": (
        "confirm_receipt",
        {"actor": ACTOR, "items": [{"order_line_id": "L1", "quantity": -1}]},
        "items.0.quantity: ",
    ),
    "evidence as text": ("add_evidence", {**BUYER_S, "evidence": "a.jpg"}, "evidence: write a list, in [ ]"),
    "no evidence": ("add_evidence", {**BUYER_S, "evidence": []}, "evidence: "),
    "evidence without an address": (
        "add_evidence",
        {**BUYER_S, "evidence": [{}]},
        "evidence.0.uri: is required; add it",
    ),
    "a withdrawal with a reason code": (
        "withdraw",
        {**BUYER_S, "reason_code": "x"},
        "reason_code: is not a known field",
    ),
    "a tender as an object": (
        "retry_refund",
        {"actor": {"party": "platform", "id": "o"}, "tender": {}},
        "tender: write a text, in quotes; given {}",
    ),
}


@pytest.mark.parametrize(("command", "payload", "words"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_command_that_cannot_be_read_is_refused_and_leaves_no_trace(
    place: Workplace, command: str, payload: Any, words: str
) -> None:
    live = await opened(place, JUNE)
    before = await live.status()
    refused = await refusal(live.update(command, payload))
    assert refused.code == "bad_input"
    assert words in str(refused)
    assert await live.status() == before
    accepted = [
        event
        async for event in live.handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    ]
    assert len(accepted) == 1, "the opening alone: a refusal at the door writes nothing to history"


@pytest.mark.parametrize("data", [b"\x00\xff", b'{"actor": '])
async def test_a_command_that_cannot_be_decoded_is_refused(place: Workplace, data: bytes) -> None:
    live = await opened(place, JUNE)
    with pytest.raises(WorkflowUpdateFailedError):
        await live.handle.execute_update("approve", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=data)))
    assert (await live.act("approve", *MERCHANT)).state is State.AWAITING_BUYER_RETURN


async def test_a_command_that_is_none_is_refused(place: Workplace) -> None:
    live = await opened(place, JUNE)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await live.handle.execute_update("teleport", {"actor": ACTOR})
    assert "teleport" in str(caught.value.cause)


@pytest.mark.parametrize(
    ("command", "who", "given"),
    [
        ("ship_back", ("buyer", "B-5"), {"carrier": "sf", "tracking_no": "SF1"}),
        ("confirm_receipt", MERCHANT, {}),
        ("refuse_receipt", MERCHANT, {"reason_code": "empty"}),
        ("extend", MERCHANT, {}),
        ("resume", PLATFORM, {}),
        ("retry_refund", PLATFORM, {}),
    ],
)
async def test_an_illegal_move_is_refused_with_the_state_and_what_is_legal(
    place: Workplace, command: str, who: tuple[str, str], given: dict[str, Any]
) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act(command, *who, **given))
    assert refused.code == "illegal_move"
    assert str(refused).endswith(
        f"{command} is not legal in state awaiting_merchant_review (awaiting merchant review 待商家处理); "
        "legal now: approve, reject, offer, withdraw, add_evidence, agree_limit, hold"
    )


async def test_a_command_with_thousands_of_problems_is_refused_with_the_first(place: Workplace) -> None:
    live = await opened(place, JUNE)
    wrong = {"actor": ACTOR, **{f"field-{number}": 0 for number in range(20_000)}}
    refused = await refusal(live.update("approve", wrong))
    assert "payload: has 19950 problems more; mend these first" in str(refused)
    assert len(str(refused)) < 10_000


async def test_a_command_that_is_not_served_is_refused_with_those_that_are(place: Workplace) -> None:
    live = await opened(place, JUNE)
    refused = await refusal(live.act("dance", *BUYER))
    assert refused.code == "illegal_move"
    assert "dance is no command here; use one of approve, reject, offer, " in str(refused)

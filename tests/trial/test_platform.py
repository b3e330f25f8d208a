"""The stand-in platform keeps its word on money and messages, and misbehaves only when asked."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.services import SERVICES
from tests.support.platform_fixtures import StandIn, client, instruction, running, until
from trial.platform import TRIAL_SECRET, create_app, serve
from trial.platform.services import STAND_INS

KEY = "case/C-1/refund/1"
OTHER_SECRET = "whsec_c29tZWJvZHkgZWxzZSB3aG8gaGFzIGEgc2VjcmV0"


# Payments


async def test_an_instruction_is_paid_and_answered_with_its_settlement(platform: StandIn) -> None:
    answer = await platform.refund(instruction())
    assert answer.status_code == 200
    assert answer.json() == {"key": KEY, "status": "succeeded", "provider_ref": "transfer-1", "reason": None}
    assert (await platform.http.get("/payments")).json() == [
        {
            "key": KEY,
            "amount_minor": 12900,
            "currency": "CNY",
            "status": "succeeded",
            "reason": None,
            "provider_ref": "transfer-1",
            "times_moved": 1,
        }
    ]


async def test_the_same_instruction_again_gets_the_same_answer_and_moves_no_money(platform: StandIn) -> None:
    first = await platform.refund(instruction())
    again = await platform.refund(instruction())
    assert again.status_code == 200
    assert again.json() == first.json()
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_twenty_posts_of_one_key_at_once_pay_once(platform: StandIn) -> None:
    answers = await asyncio.gather(*(platform.refund(instruction()) for _ in range(20)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["status"] == "succeeded"
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_two_instructions_are_two_payments(platform: StandIn) -> None:
    await platform.refund(instruction(n=1))
    await platform.refund(instruction(n=2))
    assert await platform.payments() == {KEY: ("succeeded", 1), "case/C-1/refund/2": ("succeeded", 1)}


async def test_a_key_used_for_another_amount_is_refused_and_not_paid(platform: StandIn) -> None:
    await platform.refund(instruction())
    answer = await platform.refund(instruction(amount_minor=1))
    assert answer.status_code == 409
    assert answer.json() == {"error": "this key is held by another instruction; look it up"}
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_payments_outlive_the_platform(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path / "platform.db") as platform:
            answer = await platform.refund(instruction())
            assert answer.json()["provider_ref"] == "transfer-1"
            assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_payment_is_found_by_its_key(platform: StandIn) -> None:
    await platform.refund(instruction())
    found = (await platform.look_up(KEY)).json()
    assert found == {
        **instruction().model_dump(mode="json"),
        "status": "succeeded",
        "provider_ref": "transfer-1",
        "reason": None,
    }


async def test_an_unknown_key_is_not_found(platform: StandIn) -> None:
    answer = await platform.look_up(KEY)
    assert answer.status_code == 404
    assert "nothing is held under this key" in answer.json()["error"]


def test_every_service_outside_is_played_where_it_is_asked() -> None:
    assert {service.path for service in SERVICES} == set(STAND_INS)


# Signatures and bad requests


@pytest.mark.parametrize(
    "forged",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "garbled"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": "soon"},
    ],
    ids=lambda forged: "=".join(*forged.items()),
)
async def test_a_forged_instruction_is_not_paid(platform: StandIn, forged: dict[str, str]) -> None:
    answer = await platform.refund(instruction(), **forged)
    assert answer.status_code == 401
    assert "sign with the shared secret" in answer.json()["error"]
    assert await platform.payments() == {}


async def test_an_instruction_signed_with_another_secret_is_not_paid(platform: StandIn) -> None:
    answer = await platform.refund(instruction(), secret=OTHER_SECRET)
    assert answer.status_code == 401
    assert await platform.payments() == {}


async def test_an_idempotency_key_that_is_not_the_instructions_is_refused(platform: StandIn) -> None:
    answer = await platform.refund(instruction(), **{"Idempotency-Key": "case/C-1/refund/2"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Idempotency-Key: must be the instruction's key; send it along"}
    assert await platform.payments() == {}


@pytest.mark.parametrize(
    ("path", "given", "complaint"),
    [
        ("/inbox", {"title": "no text"}, "message: is required; add it"),
        (
            "/faults",
            {"path": "/refund", "fault": "hold"},
            "path: should be '/refunds', '/refunds/', '/clawbacks', '/clawbacks/', ",
        ),
        ("/faults", {"path": "/refunds", "fault": "explode"}, "fault: should be 'hold'"),
        ("/faults", {"path": "/refunds", "fault": "hold", "tines": 2}, "tines: is not a known field; remove it"),
        ("/faults", {"path": "/refunds", "fault": "hold", "times": 0}, "times: should be greater than or equal"),
        (
            "/faults",
            {"path": "/inbox", "fault": "decline"},
            "this cannot be declined; write the path of one of refunds, clawbacks, freight claims, pickups",
        ),
    ],
)
async def test_a_bad_request_is_refused_with_field_and_remedy(
    platform: StandIn, path: str, given: dict[str, Any], complaint: str
) -> None:
    answer = await platform.http.post(path, json=given)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert await platform.armed() == []
    assert await platform.inbox() == []


# Faults


async def test_a_held_answer_is_sent_when_released_and_the_payment_was_made_before(platform: StandIn) -> None:
    await platform.arm("hold")
    post = asyncio.create_task(platform.refund(instruction()))
    await until(platform.holding, [KEY])
    assert await platform.payments() == {KEY: ("succeeded", 1)}
    assert not post.done()
    assert (await platform.http.post("/faults/release")).json() == {"released": [KEY]}
    assert (await post).json()["status"] == "succeeded"
    await until(platform.holding, [])


async def test_a_held_answer_is_let_go_when_the_client_goes_away(platform: StandIn) -> None:
    await platform.arm("hold")
    post = asyncio.create_task(platform.refund(instruction()))
    await until(platform.holding, [KEY])
    post.cancel()
    await until(platform.holding, [])
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_platform_that_stops_sends_what_it_holds(tmp_path: Path) -> None:
    async with client() as http:
        async with serve(create_app(tmp_path / "platform.db", TRIAL_SECRET)) as url:
            http.base_url = httpx.URL(url)
            platform = StandIn(url, http)
            await platform.arm("hold")
            post = asyncio.create_task(platform.refund(instruction()))
            await until(platform.holding, [KEY])
        assert (await post).json()["status"] == "succeeded"


async def test_a_lost_answer_is_paid_and_cut_off(platform: StandIn) -> None:
    await platform.arm("lose_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        await platform.refund(instruction())
    assert await platform.payments() == {KEY: ("succeeded", 1)}


async def test_a_reset_is_cut_off_before_anything_is_done(platform: StandIn) -> None:
    await platform.arm("reset")
    with pytest.raises(httpx.RemoteProtocolError):
        await platform.refund(instruction())
    assert await platform.payments() == {}


async def test_a_requested_decline_is_remembered_and_moves_no_money(platform: StandIn) -> None:
    await platform.arm("decline", reason="account closed")
    declined = {"key": KEY, "status": "declined", "provider_ref": None, "reason": "account closed"}
    assert (await platform.refund(instruction())).json() == declined
    assert (await platform.refund(instruction())).json() == declined
    assert await platform.payments() == {KEY: ("declined", 0)}


async def test_a_requested_status_does_nothing_else(platform: StandIn) -> None:
    await platform.arm("status", status=503, body='{"error": "later"}')
    answer = await platform.refund(instruction())
    assert (answer.status_code, answer.text) == (503, '{"error": "later"}')
    assert await platform.payments() == {}


async def test_a_slow_platform_pays_even_when_the_client_gave_up(platform: StandIn) -> None:
    await platform.arm("slow", seconds=30)
    post = asyncio.create_task(platform.refund(instruction()))
    await until(platform.armed, [])
    post.cancel()
    assert await platform.payments() == {}
    await platform.http.post("/faults/release")
    await until(platform.payments, {KEY: ("succeeded", 1)})


async def test_a_slow_platform_answers_in_the_end(platform: StandIn) -> None:
    await platform.arm("slow", seconds=0.05)
    assert (await platform.refund(instruction())).json()["status"] == "succeeded"


async def test_a_fault_happens_as_often_as_asked_and_only_to_the_key_meant(platform: StandIn) -> None:
    await platform.arm("status", times=2, key="case/C-2/")
    statuses = [(await platform.refund(instruction(case_id))).status_code for case_id in ("C-1", "C-2", "C-2", "C-2")]
    assert statuses == [200, 500, 500, 200]
    assert await platform.armed() == []


async def test_a_fault_of_the_look_up_leaves_instructions_alone(platform: StandIn) -> None:
    await platform.arm("status", path="/refunds/")
    assert (await platform.refund(instruction())).status_code == 200
    assert (await platform.look_up(KEY)).status_code == 500
    assert (await platform.look_up(KEY)).status_code == 200


async def test_a_cleared_fault_does_not_happen_and_a_held_answer_is_sent(platform: StandIn) -> None:
    await platform.arm("hold", times=2)
    post = asyncio.create_task(platform.refund(instruction()))
    await until(platform.holding, [KEY])
    assert (await platform.http.delete("/faults")).status_code == 204
    assert (await post).status_code == 200
    assert await platform.armed() == []


# The inbox, and the process


async def test_a_message_that_comes_again_is_counted_and_not_shown_twice(platform: StandIn) -> None:
    note = {"version": "1.0", "title": "Refunded", "message": "129.00", "attachments": [], "type": "info"}
    for message_id in ("m/1", "m/2", "m/1"):
        assert (await platform.http.post("/inbox", json={**note, "message_id": message_id})).status_code == 204
    shown = [(kept["message_id"], kept["title"], kept["deliveries"]) for kept in await platform.inbox()]
    assert shown == [("m/1", "Refunded", 2), ("m/2", "Refunded", 1)]


async def test_messages_without_an_id_are_all_kept(platform: StandIn) -> None:
    for text in ("one", "one"):
        await platform.http.post("/inbox", json={"message": text})
    assert [kept["message"] for kept in await platform.inbox()] == ["one", "one"]


async def test_it_runs_as_a_process_that_says_where_and_stops_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trial.platform", "--db", str(tmp_path / "deep" / "p.db")]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line.startswith("ready: stand-in platform on http://127.0.0.1:")
        url = line.split()[4].rstrip(",")
        async with client(url) as http:
            assert (await StandIn(url, http).refund(instruction())).json()["status"] == "succeeded"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

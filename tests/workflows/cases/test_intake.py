"""Requests from any SDK: what cannot be taken becomes a refused record that ends at once and says what to mend."""

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from aftersale.client import WORKFLOW_TYPES
from aftersale.contract.status import Status
from aftersale.temporal.plugin import TASK_QUEUE
from aftersale.vocabulary import CaseKind, CloseReason
from tests.support.cases import MERCHANT, at, ended, item, line, refusal, refused, request, working, yuan
from tests.support.places import Watched
from tests.support.posting import sending
from trial import virtual_time
from trial.environment import Live, Workplace

JUNE = "2024-06-03 10:00:00"
REMOVE = "is not a known field; remove it or correct its spelling"
ID = "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; shorten or replace it"
MOST = 10**15

MALFORMED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown field": ({"colour": "red"}, "colour", REMOVE),
    "an unknown field of the order": ({"order": {"payed_at": JUNE}}, "order.payed_at", REMOVE),
    "a text for a list": ({"items": "all"}, "items", "write a list, in [ ]; given 'all'"),
    "no items": ({"items": []}, "items", "should have at least 1 item"),
    "a hundred and one items": ({"items": [item()] * 101}, "items", "should have at most 100 items"),
    "a number as text": ({"items": [item(quantity="2")]}, "items.0.quantity", "write a whole number; given '2'"),
    "a fraction": ({"items": [item(quantity=1.5)]}, "items.0.quantity", "write a whole number; given 1.5"),
    "a truth for a number": ({"items": [item(quantity=True)]}, "items.0.quantity", "write a whole number; given True"),
    "nothing of a line": ({"items": [item(quantity=0)]}, "items.0.quantity", "greater than or equal to 1; given 0"),
    "a negative amount": (
        {"items": [item(requested=yuan(-1))]},
        "items.0.requested.amount_minor",
        "greater than or equal to 0; given -1",
    ),
    "an amount with decimals": (
        {"items": [item(requested=yuan(129.5))]},
        "items.0.requested.amount_minor",
        "write a whole number; given 129.5",
    ),
    "a currency in lower case": (
        {"items": [item(requested=yuan(1, "cny"))]},
        "items.0.requested.currency",
        "given 'cny'",
    ),
    "no merchant": ({"merchant_id": None}, "merchant_id", "write a text, in quotes; given None"),
    "a space in a reference": ({"merchant_id": "M 7"}, "merchant_id", ID),
    "a slash in a reference": ({"order_id": "O/88"}, "order_id", ID),
    "a Chinese reference": ({"buyer_ref": "买家"}, "buyer_ref", ID),
    "an empty reference": ({"buyer_ref": ""}, "buyer_ref", ID),
    "a line break in a reference": ({"order_id": "O-88\n"}, "order_id", ID),
    "a reference of 65 characters": ({"order_id": "O" * 65}, "order_id", ID),
    "a note of a novel": ({"note": "x" * 2001}, "note", "at most 2000 characters"),
    "a date for an instant": ({"order": {"paid_at": "2024-01-20"}}, "order.paid_at", "write an instant as 2024-02-01T"),
    "a day that never was": (
        {"order": {"paid_at": "2024-02-30T00:00:00"}},
        "order.paid_at",
        "no such instant in the calendar",
    ),
    "a service that nobody sells": ({"order": {"services": ["massage"]}}, "order.services.0", "'authenticity'"),
    "an evidence without its address": ({"evidence": [{"sha256": "0" * 64}]}, "evidence.0.uri", "is required; add it"),
    "a digest that is none": (
        {"evidence": [{"uri": "oss://a", "sha256": "abc"}]},
        "evidence.0.sha256",
        "given 'abc'",
    ),
    "metadata that is no text": ({"metadata": {"channel": 3}}, "metadata.channel", "write a text, in quotes; given 3"),
    "a claim type on a return": ({"claim_type": "fresh_damage"}, "claim_type", "belongs to claims; leave it out of a"),
    "a request from the future": ({"requested_at": "2024-06-03T10:05:00"}, "requested_at", "lies in the future; the"),
    "a request from before the payment": (
        {
            "requested_at": "2024-06-03T08:00:00",
            "order": {"paid_at": "2024-06-03T09:00:00", "dispatched_at": None, "signed_for_at": None},
        },
        "requested_at",
        "lies before order.paid_at; correct one of the two",
    ),
    "a request from before yesterday": (
        {"requested_at": "2024-06-02T09:59:59"},
        "requested_at",
        "lies more than PT24H back; file with the instant of the request",
    ),
    "a payment in the future": (
        {"order": {"paid_at": "2024-06-04T00:00:00", "dispatched_at": None, "signed_for_at": None}},
        "order.paid_at",
        "lies in the future; the service is at 2024-06-03T10:00:00+08:00",
    ),
    "a dispatch before the payment": (
        {"order": {"dispatched_at": "2024-01-20T08:59:59"}},
        "order.dispatched_at",
        "lies before order.paid_at; correct one of the two",
    ),
    "a line that was not bought": (
        {"items": [item("L9")]},
        "items.0.order_line_id",
        "is no line of the order; its lines are L1",
    ),
    "a line named twice": ({"items": [item(quantity=1)] * 2}, "items.1.order_line_id", "is named twice; put the line"),
    "an order line given twice": ({"order": {"lines": [line(), line()]}}, "order.lines", "give each line once"),
    "more than was bought": ({"items": [item(quantity=3)]}, "items.0.quantity", "is more than the 2 that were bought"),
    "more money than was paid": (
        {"items": [item(requested=yuan(12901))]},
        "items.0.requested.amount_minor",
        "is more than the 12900 that was paid",
    ),
    "another currency than was paid": (
        {"items": [item(requested=yuan(1, "USD"))]},
        "items.0.requested.currency",
        "must be CNY, as paid",
    ),
    "no money at all": ({"items": [item(requested=yuan(0))]}, "items", "ask for no money at all; say what each line"),
    "two currencies": (
        {
            "order": {"lines": [line(), line("L2", paid=yuan(5, "USD"))]},
            "items": [item(), item("L2", requested=yuan(5, "USD"))],
        },
        "items",
        "mix currencies; open one case per currency",
    ),
    "more money than can be counted": (
        {
            "order": {"lines": [line(paid=yuan(MOST)), line("L2", paid=yuan(1))]},
            "items": [item(requested=yuan(MOST)), item("L2", requested=yuan(1))],
        },
        "items",
        f"ask for more than {MOST} in all; open several cases",
    ),
}


@pytest.mark.parametrize(("changes", "field", "remedy"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_request_that_cannot_be_taken_ends_at_once_and_says_why(
    place: Workplace, changes: dict[str, Any], field: str, remedy: str
) -> None:
    status = await refused(await place.start(CaseKind.RETURN, request(**changes), at(JUNE)))
    messages = [problem.message for problem in status.problems if problem.field == field]
    assert messages, f"{field} is not among {[problem.field for problem in status.problems]}"
    assert any(remedy in message for message in messages), messages


async def test_all_that_is_wrong_is_said_at_once(place: Workplace) -> None:
    wrong = request(colour="red", reason_code="", items=[item(quantity=0)], order={"sale_mode": "barter"})
    status = await refused(await place.start(CaseKind.RETURN, wrong, at(JUNE)))
    fields = {problem.field for problem in status.problems}
    assert fields >= {"colour", "reason_code", "items.0.quantity", "order.sale_mode"}


async def test_of_thousands_of_problems_the_first_are_told(place: Workplace) -> None:
    wrong = {f"field-{number}": 0 for number in range(20_000)}
    live = await place.start(CaseKind.RETURN, {**request(case_id="C-flood"), **wrong}, at(JUNE))
    status = await refused(live)
    assert len(status.problems) == 51
    assert status.problems[-1].message == "has 19950 problems more; mend these first"


# Inputs that are no request at all


async def begun(place: Workplace, name: str, *inputs: Any) -> Live:
    """A case started with whatever inputs an SDK may send."""
    assert isinstance(place, Watched)
    handle = await place.client.start_workflow(
        WORKFLOW_TYPES[CaseKind.RETURN],
        args=inputs,
        id=f"case/{name}",
        task_queue=TASK_QUEUE,
        memo=virtual_time.memo(at(JUNE)),
        result_type=Status,
    )
    live = Live(place.env, handle)
    place.cases.append(live)
    return live


NO_REQUESTS: dict[str, tuple[Any, ...]] = {
    "a-list": ([1, 2],),
    "a-text": ("please refund",),
    "a-number": (7,),
    "null": (None,),
    "nothing": (),
    "two-inputs": ({"case_id": "two-inputs"}, {"case_id": "two-inputs"}),
    "bytes": (RawValue(Payload(metadata={"encoding": b"binary/plain"}, data=b"\x00\xff\xfe")),),
    "broken-json": (RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"case_id": ')),),
    "no-utf-8": (RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'"\xc3\x28"')),),
    "unknown-encoding": (RawValue(Payload(metadata={"encoding": b"binary/encrypted"}, data=b"??")),),
    "no-encoding": (RawValue(Payload(data=b"{}")),),
}


@pytest.mark.parametrize(("name", "inputs"), NO_REQUESTS.items(), ids=NO_REQUESTS.keys())
async def test_an_input_that_is_no_request_ends_at_once(place: Workplace, name: str, inputs: tuple[Any, ...]) -> None:
    status = await refused(await begun(place, name, *inputs))
    assert status.case_id == name
    (problem,) = status.problems
    assert problem.field == "request"
    assert problem.message.startswith("must be a JSON object with case_id, order_id, merchant_id, buyer_ref")


async def test_a_case_id_of_three_thousand_characters_ends_at_once(place: Workplace) -> None:
    live = await place.start(CaseKind.RETURN, request(case_id="C" * 3000), at(JUNE), workflow_id="case/long")
    status = await refused(live)
    assert [(problem.field, problem.message) for problem in status.problems] == [("case_id", ID)]
    assert status.case_id == "long"


async def test_a_workflow_id_that_is_not_the_case_s_ends_at_once(place: Workplace) -> None:
    live = await place.start(CaseKind.RETURN, request(case_id="C-right"), at(JUNE), workflow_id="case/C-wrong")
    (problem,) = (await refused(live)).problems
    assert (problem.field, problem.message) == (
        "case_id",
        "does not fit the workflow id; start the workflow as case/C-right",
    )


async def test_commands_to_a_refused_request_say_why_it_was_refused(place: Workplace) -> None:
    live = await begun(place, "refused-asked", {"case_id": "refused-asked"})
    status = await ended(live)
    assert len(status.problems) == 6
    assert (await live.status()).problems == status.problems


async def test_a_command_that_comes_with_a_refused_request_is_refused_with_it(idle: Workplace) -> None:
    live = await idle.start(CaseKind.RETURN, request(items=[item("L9")]), at(JUNE))
    approval = await sending(live, lambda live: live.act("approve", *MERCHANT))
    async with working(idle):
        error = await refusal(approval)
        assert error.code == "refused"
        assert "the request opened no case: items.0.order_line_id: is no line of the order" in str(error)
        assert (await ended(live)).close_reason is CloseReason.REFUSED

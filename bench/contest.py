"""The contestants: each lives one case from its start to its end, as a back end would drive it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy

from aftersale.client import Cases
from aftersale.contract.commands import Actor, Approve, ConfirmReceipt, ParcelEvent, ShipBack
from aftersale.vocabulary import CaseKind, Party
from bench.skeleton import QUEUE, Bare, Skeleton

MERCHANT = Actor(party=Party.MERCHANT, id="M-7")
BUYER = Actor(party=Party.BUYER, id="B-5")


@dataclass(frozen=True)
class Contestant:
    """Something to measure: `live` takes one case of that id to its end, in the workflow `workflow_id` names."""

    name: str
    live: Callable[[Client, str], Awaitable[Any]]
    workflow_id: str = "{}"


async def bare(client: Client, case_id: str) -> None:
    """A workflow that does nothing."""
    await client.execute_workflow(Bare.run, case_id, id=case_id, task_queue=QUEUE)


async def skeleton(client: Client, case_id: str) -> None:
    """The messages of a happy return, to a workflow that only hears them."""
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        Skeleton.run,
        case_id,
        id=case_id,
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    given = {"actor": "merchant"}
    await client.execute_update_with_start_workflow(Skeleton.open, given, start_workflow_operation=start)
    handle = client.get_workflow_handle(case_id)
    await handle.execute_update(Skeleton.approve, given)
    await handle.execute_update(Skeleton.ship_back, given)
    await handle.signal(Skeleton.parcel_event, given)
    await handle.execute_update(Skeleton.confirm_receipt, given)
    await handle.result()


async def happy_return(client: Client, case_id: str) -> None:
    """A return that is approved, sent back, signed off, taken in and paid; each turn is written and told."""
    cases = Cases(client)
    opened = await cases.open(CaseKind.RETURN, _request(case_id))
    await cases.act(case_id, Approve(actor=MERCHANT))
    await cases.act(case_id, ShipBack(actor=BUYER, carrier="sf", tracking_no="SF1"))
    sign_off = {"event_id": "s", "leg": "return", "tracking_no": "SF1", "event": "signed_for"}
    happened = opened.timeline[0].at
    await cases.scan(case_id, ParcelEvent.model_validate({**sign_off, "occurred_at": happened}))
    await cases.act(case_id, ConfirmReceipt(actor=MERCHANT))
    await client.get_workflow_handle(f"case/{case_id}").result()


CONTESTANTS = (
    Contestant("bare workflow", bare),
    Contestant("skeleton of the same messages", skeleton),
    Contestant("happy return", happy_return, "case/{}"),
)


def _request(case_id: str) -> dict[str, Any]:
    price = {"amount_minor": 12900, "currency": "CNY"}
    return {
        "case_id": case_id,
        "order_id": f"O-{case_id}",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "reason_code": "quality",
        "items": [{"order_line_id": "L1", "quantity": 1, "requested": price}],
        "order": {
            "paid_at": "2024-01-20T09:00:00+08:00",
            "dispatched_at": "2024-01-22T10:00:00+08:00",
            "signed_for_at": "2024-01-24T18:00:00+08:00",
            "lines": [{"order_line_id": "L1", "quantity": 1, "paid": price}],
        },
    }

"""Requests and dates that tests speak of: one plain return, and how to vary it."""

from datetime import datetime
from itertools import count
from typing import Any

from aftersale.kinds import CaseKind
from aftersale.times import parse_instant
from trial.workplace import Live, Workplace

MERCHANT = ("merchant", "M-7")
BUYER = ("buyer", "B-5")
PLATFORM = ("platform", "officer-3")

_numbers = count(1)


def at(text: str) -> datetime:
    """An instant in the policy's zone: at("2024-02-04 00:00:00")."""
    return parse_instant(text)


def request(**changes: Any) -> dict[str, Any]:
    """A return of one line, bought untagged on 2024-01-20, delivered on 01-26; `order` changes go into the order."""
    order = {
        "paid_at": "2024-01-20T09:00:00+08:00",
        "dispatched_at": "2024-01-22T10:00:00+08:00",
        "signed_for_at": "2024-01-26T18:00:00+08:00",
        "lines": [{"order_line_id": "L1", "quantity": 2, "paid": {"amount_minor": 12900, "currency": "CNY"}}],
    }
    plain = {
        "case_id": f"C-{next(_numbers)}",
        "order_id": "O-88",
        "merchant_id": "M-7",
        "buyer_ref": "B-5",
        "reason_code": "quality",
        "items": [{"order_line_id": "L1", "quantity": 2, "requested": {"amount_minor": 12900, "currency": "CNY"}}],
    }
    return {**plain, "order": {**order, **changes.pop("order", {})}, **changes}


async def opened(place: Workplace, when: str, **changes: Any) -> Live:
    """A return opened at that instant."""
    return await place.open(CaseKind.RETURN, request(**changes), at(when))


async def approved(place: Workplace, when: str, **changes: Any) -> Live:
    """A return that the merchant approved in the second it was opened."""
    live = await opened(place, when, **changes)
    await live.act("approve", *MERCHANT, occurred_at=when.replace(" ", "T"))
    return live


async def sent_back(place: Workplace, when: str, tracking_no: str = "SF1", **changes: Any) -> Live:
    """A return approved and sent back in the second it was opened."""
    live = await approved(place, when, **changes)
    occurred_at = when.replace(" ", "T")
    await live.act("ship_back", *BUYER, carrier="sf-express", tracking_no=tracking_no, occurred_at=occurred_at)
    return live

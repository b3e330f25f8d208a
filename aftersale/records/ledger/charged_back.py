"""Refunds of an order that is charged back: the buyer may have that money twice, and who can contest it hears so."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, bindparam, select

from aftersale.contract.message import Message
from aftersale.ledger.reservation import Chargeback
from aftersale.records.ledger.tables import instructions, orders, reservations
from aftersale.records.outbox_enqueue import enqueue_once
from aftersale.records.tables import Found, cases
from aftersale.times import local
from aftersale.vocabulary import MessageEvent, Party, RefundState, State

# Kept, since putting a statement together takes longer than executing it.
_SETTLED = (
    select(instructions, reservations.c.kind, orders.c.merchant_id, cases.c.state.label("stands"))
    .join(reservations, reservations.c.case_id == instructions.c.case_id)
    .join(orders, orders.c.order_id == instructions.c.order_id)
    .outerjoin(cases, cases.c.case_id == instructions.c.case_id)
    .where(instructions.c.order_id == bindparam("order_id"), instructions.c.state == RefundState.SUCCEEDED)
    .order_by(instructions.c.case_id, instructions.c.instructed_at, instructions.c.key)
)


def tell_of_refunds(connection: Connection, order_id: str, notices: Sequence[Chargeback], now: datetime) -> None:
    """Have platform and merchant told what each case of an order refunded, beside each notice that freezes it.

    Once for each amount: a notice that comes again tells nothing new, a payment that was settled since does.
    """
    settled = connection.execute(_SETTLED, {"order_id": order_id}).all() if notices else []
    for _, found in groupby(settled, key=lambda row: str(row.case_id)):
        rows = list(found)
        for notice in notices:
            for place, message in enumerate(_messages(rows, notice)):
                enqueue_once(connection, message, place, now)


def _messages(rows: Sequence[Found], notice: Chargeback) -> Iterator[Message]:
    """Return what is owed about the instructions of one case that succeeded; nothing where all was taken back."""
    case, refunds = rows[-1], [row for row in rows if row.purpose == "refund"]
    amount = sum(row.amount_minor if row.purpose == "refund" else -row.amount_minor for row in rows)
    if amount <= 0:
        return
    paid = ", ".join(f"{row.amount_minor} by {row.key} as {row.provider_ref}" for row in refunds)
    says = (
        f"chargeback {notice.reference} of {local(notice.frozen_at)} ({notice.reason}), and {amount} {case.currency} "
        f"minor refunded that the buyer has ({paid}): contest the chargeback with that"
    )
    for party in (Party.PLATFORM, Party.MERCHANT):
        yield Message(
            message_id=f"{case.case_id}/chargeback/{notice.reference}/{amount}/{party}",
            case_id=case.case_id,
            order_id=case.order_id,
            to=party,
            recipient=case.merchant_id if party is Party.MERCHANT else None,
            event=MessageEvent.CHARGED_BACK,
            kind=case.kind,
            state=case.stands or State.REFUNDING,
            says=says,
        )

"""Judge an act on a dispatch watch: may this party do this now, and does it fit the shipment? Pure."""

from datetime import datetime

from aftersale import bounds
from aftersale.contract.quotas import Quotas
from aftersale.errors import refusal
from aftersale.policy.running import CLOCK_SKEW
from aftersale.times import local
from aftersale.vocabulary import Party, WatchCommand
from aftersale.watch.commands import GIVEN_BY, CancelDelay, CancelOrder, Click, SetDelay, WatchAct
from aftersale.watch.shipment import Shipment, given_pieces


def validate(
    shipment: Shipment, quotas: Quotas, command: WatchCommand, act: WatchAct, at: datetime, now: datetime
) -> None:
    """Make sure that an act which happened at `at` may be taken. Raises CommandRefused, with what to send instead."""
    _own_party(shipment, command, act)
    _not_ahead("occurred_at", at, now)
    if reason := quotas.used_up(act.actor.party, command):
        raise refusal("illegal_move", "", f"{command} is refused: {reason}; parcels, scans and clocks go on")
    match act:
        case SetDelay(set_at=set_at):
            _not_ahead("set_at", set_at or at, now)
        case CancelDelay(cancelled_at=cancelled_at):
            _not_ahead("cancelled_at", cancelled_at or at, now)
        case Click():
            _not_before_the_payment(shipment, at)
            _clickable(shipment, act)
        case CancelOrder():
            _not_before_the_payment(shipment, at)
            _cancellable(shipment)


def _own_party(shipment: Shipment, command: WatchCommand, act: WatchAct) -> None:
    party, parties = act.actor.party, GIVEN_BY[command]
    if party not in parties:
        raise refusal("wrong_party", "actor.party", f"{command} is given by {' or '.join(parties)}, not by {party}")
    request = shipment.request
    own = {Party.MERCHANT: request.merchant_id, Party.BUYER: request.buyer_ref}.get(party)
    if own is not None and act.actor.id != own:
        raise refusal("wrong_party", "actor.id", f"is not this order's {party}; send the {party}'s own reference")


def _not_ahead(field: str, at: datetime, now: datetime) -> None:
    if at > now + CLOCK_SKEW:
        said = f"lies in the future of the watch, which is at {local(now)}; send the instant of the act"
        raise refusal("bad_input", field, said)


def _not_before_the_payment(shipment: Shipment, at: datetime) -> None:
    paid_at = shipment.request.order.paid_at
    if at < paid_at:
        said = f"lies before the payment at {local(paid_at)}; send the instant of the act"
        raise refusal("bad_input", "occurred_at", said)


def _clickable(shipment: Shipment, click: Click) -> None:
    known = shipment.parcels.get(click.tracking_no)
    if known is not None:
        said = f"{click.tracking_no} was clicked at {local(known.clicked_at)} already; name another parcel"
        raise refusal("illegal_move", "tracking_no", said)
    if shipment.cancelled_at is not None:
        said = f"the order was cancelled at {local(shipment.cancelled_at)}; nothing more is to leave"
        raise refusal("illegal_move", "", said)
    if len(shipment.parcels) >= bounds.PARCELS:
        raise refusal(
            "illegal_move", "", f"a watch follows at most {bounds.PARCELS} parcels; open one for each shipment"
        )
    for name, quantity in given_pieces(click).items():
        left = shipment.left[name]
        if quantity > left:
            said = f"names {quantity} pieces of {name}, of which {left} are left; correct it, or leave lines out"
            raise refusal("bad_input", "lines", said)


def _cancellable(shipment: Shipment) -> None:
    if shipment.dispatched_at is not None:
        said = f"the goods left at {local(shipment.dispatched_at)}; a refund after that is a case: open one"
        raise refusal("illegal_move", "", said)
    if shipment.cancelled_at is not None:
        said = f"the order was cancelled at {local(shipment.cancelled_at)} already; send it once"
        raise refusal("illegal_move", "", said)

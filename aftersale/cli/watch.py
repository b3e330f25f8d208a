"""`aftersale watch`: shipments under watch, opened, told what happened, looked at; and the violations on file."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aftersale.cli.cases import timeline_of
from aftersale.cli.connections import on_cases, on_records
from aftersale.cli.errors import REFUSED, Answering, AsJson, report_errors
from aftersale.cli.inputs import json_of, options, with_actor
from aftersale.cli.output import draw, say, say_json, table
from aftersale.contract.commands import ParcelEvent, read
from aftersale.errors import bad_input
from aftersale.inert import inert
from aftersale.schema import Id, Instant, Schema
from aftersale.times import local
from aftersale.vocabulary import Clock, WatchCommand
from aftersale.watch.commands import WatchAct, parse
from aftersale.watch.request import WatchRequest
from aftersale.watch.status import Violation, WatchStatus

watch = typer.Typer(name="watch", help="Dispatch watches: late dispatch, false tracking.", no_args_is_help=True)

ShipmentId = Annotated[str, typer.Argument(metavar="ID", help="The shipment's id.")]
Source = Annotated[str, typer.Argument(metavar="FILE|-", help="A JSON file; - is standard input.")]
Actor = Annotated[str | None, typer.Option("--as", metavar="PARTY:ID", help="Who acts: merchant:M-7.")]
At = Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="When it happened; now unless given.")]
RequestId = Annotated[str | None, typer.Option(help="A repeat under it is taken once, and other content refused.")]


@watch.command("open", cls=Answering)
def open_(file: Source, as_json: AsJson = False) -> None:
    """Watch a shipment from its order, or find the watch that the same request opened."""
    with report_errors(as_json):
        request = read(WatchRequest, json_of(file), "request")
        status = on_cases(lambda cases: cases.watch(request))
    _show(status, as_json)
    if status.problems:
        raise typer.Exit(REFUSED)


@watch.command(cls=Answering)
def show(shipment_id: ShipmentId, as_json: AsJson = False) -> None:
    """Show what a watch waits for until when, its parcels, its violations, and how it came here."""
    with report_errors(as_json):
        status = on_cases(lambda cases: cases.watches.status(shipment_id))
    _show(status, as_json)


@watch.command(cls=Answering)
def click(
    shipment_id: ShipmentId,
    carrier: Annotated[str, typer.Option(help="Who carries the parcel.")],
    tracking_no: Annotated[str, typer.Option(help="Its tracking number.")],
    line: Annotated[
        list[str] | None, typer.Option(metavar="LINE:PIECES", help="What it holds; all that is left unless given.")
    ] = None,
    actor: Actor = None,
    at: At = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Click dispatch for one parcel, for the merchant."""
    with report_errors(as_json):
        held = {"lines": [_pieces(each) for each in line]} if line else {}
        given = {"carrier": carrier, "tracking_no": tracking_no, **held}
        status = _told(shipment_id, WatchCommand.CLICK, given, actor, at, request_id)
    _show(status, as_json)


@watch.command(cls=Answering)
def delay(
    shipment_id: ShipmentId,
    limit: Annotated[str | None, typer.Option(metavar="DURATION", help="As a limit from the payment: P3D.")] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="As a fixed instant.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Cancel the delay, or the automatic extension.")] = False,
    since: Annotated[str | None, typer.Option(metavar="INSTANT", help="When the shop was set so.")] = None,
    actor: Actor = None,
    at: At = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Set the merchant's own dispatch delay, or cancel it (S17); it binds orders paid after that."""
    with report_errors(as_json):
        if off and (limit or until):
            raise bad_input("--off", "has no meaning beside a delay; leave one of them out")
        command = WatchCommand.CANCEL_DELAY if off else WatchCommand.SET_DELAY
        given = {"limit": limit, "until": until, "cancelled_at" if off else "set_at": since}
        status = _told(shipment_id, command, given, actor, at, request_id)
    _show(status, as_json)


@watch.command(cls=Answering)
def cancel(
    shipment_id: ShipmentId,
    note: Annotated[str | None, typer.Option(help="Why, in words.")] = None,
    actor: Actor = None,
    at: At = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Tell that the order was cancelled before its goods left."""
    with report_errors(as_json):
        status = _told(shipment_id, WatchCommand.CANCEL_ORDER, {"note": note}, actor, at, request_id)
    _show(status, as_json)


@watch.command(cls=Answering)
def scan(shipment_id: ShipmentId, file: Source, as_json: AsJson = False) -> None:
    """Report a carrier's scan, written as the signal `parcel_event`; what became of it, `show` tells."""
    with report_errors(as_json):
        event = read(ParcelEvent, json_of(file), "scan")
        on_cases(lambda cases: cases.watches.scan(shipment_id, event))
    if as_json:
        say_json({"shipment_id": shipment_id, "event_id": event.event_id, "sent": True})
    else:
        say(f"{event.event_id} is sent")


class ViolationQuery(Schema):
    """The options of the list of violations."""

    merchant: Id | None = None
    order: Id | None = None
    clock: Clock | None = None
    since: Instant | None = None


@watch.command(cls=Answering)
def violations(
    merchant: Annotated[str | None, typer.Option(metavar="ID", help="Only this merchant's.")] = None,
    order: Annotated[str | None, typer.Option(metavar="ID", help="Only this order's.")] = None,
    clock: Annotated[str | None, typer.Option(help="Only of this clock: dispatch, false_dispatch_pickup, …")] = None,
    since: Annotated[str | None, typer.Option(metavar="INSTANT", help="Only what took effect after it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List violations on file in the order in which they took effect; those that turned out to be none say so."""
    with report_errors(as_json):
        wanted = options(ViolationQuery, merchant=merchant, order=order, clock=clock, since=since)
        with on_records() as kept:
            found = kept.violations.find(
                merchant=wanted.merchant, order=wanted.order, clock=wanted.clock, since=wanted.since, limit=limit
            )
    if as_json:
        say_json({"violations": [each.model_dump(mode="json") for each in found]})
    elif found:
        draw(_violations(found))
    else:
        say("no violations")


def _told(
    shipment_id: str,
    command: WatchCommand,
    given: dict[str, Any],
    actor: str | None,
    at: str | None,
    request_id: str | None,
) -> WatchStatus:
    """Tell a watch what happened; its status after that."""
    told = {name: value for name, value in {**given, "occurred_at": at}.items() if value is not None}
    act: WatchAct = parse(command, with_actor(told, actor))
    return on_cases(lambda cases: cases.watches.act(shipment_id, act, request_id=request_id))


def _pieces(text: str) -> dict[str, Any]:
    name, separator, count = text.rpartition(":")
    if not separator or not count.isascii() or not count.isdecimal():
        raise bad_input("--line", "names a line and its pieces; write L1:2")
    return {"order_line_id": name, "quantity": int(count)}


def _show(status: WatchStatus, as_json: bool) -> None:
    if as_json:
        say_json(status)
        return
    tables = (_deadlines(status), _violations(status.violations), timeline_of(status.timeline))
    draw(_head(status), *(each for each in tables if each.row_count))


def _head(status: WatchStatus) -> Text:
    lines = [f"{status.shipment_id}  {status.order_id or ''}  {status.state.words}"]
    lines += [f"refused: {problem}" for problem in status.problems]
    if status.end is not None:
        lines.append(f"ended: {status.end.words}")
    for parcel in status.parcels:
        seen = [("picked up", parcel.picked_up_at), ("hub", parcel.hub_at), ("signed for", parcel.signed_for_at)]
        told = "".join(f", {name} {local(at)}" for name, at in seen if isinstance(at, datetime))
        lines.append(f"parcel {parcel.tracking_no} ({parcel.carrier}): clicked {local(parcel.clicked_at)}{told}")
    return Text(inert("\n".join(lines)))


def _deadlines(status: WatchStatus) -> Table:
    views = status.deadlines
    rows = ((view.clock.words, view.tracking_no or "", *view.figures, "\n".join(view.because)) for view in views)
    return table("Deadlines", ("clock", "parcel", "due", "limit", "rules", "why"), rows)


def _violations(found: Sequence[Violation]) -> Table:
    columns = ("shipment", "merchant", "what", "due", "took effect", "rules", "counts", "claim")
    return table("Violations", columns, map(_cells, found))


def _cells(each: Violation) -> tuple[str, ...]:
    counts = "cleared" if each.cleared_at else "yes" if each.counts_for_score else "no"
    rules, claim = " ".join(each.rules) or "ordinary", each.claim_case_id or ""
    cells = (each.shipment_id, each.merchant_id, each.check.words, local(each.due_at), local(each.breached_at))
    return (*cells, rules, counts, claim)

"""Orders of the festival and how they left: paid, clicked as dispatched, scanned, often on a deadline's own second.

A `Verdict` is what a dispatch watch must come to for its order; `judged` asks the policy book, `by_hand` the clauses.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from aftersale.policy.book import Book
from aftersale.policy.facts import Question
from aftersale.times import SECOND, local
from aftersale.vocabulary import Clock
from tests.model.population import DAY, HOUR, NONSTOP, instant
from tests.support.cases import at

PAID_EDGES = tuple(
    map(
        at,
        (
            *("2024-01-28 23:59:59", "2024-01-29 00:00:00", "2024-02-01 23:59:59", "2024-02-02 00:00:00"),
            *("2024-02-17 23:59:59", "2024-02-18 00:00:00", "2024-02-20 23:59:59", "2024-02-21 00:00:00"),
        ),
    )
)
"""Purchases at an edge of the tagged regime (S11) or of the automatic extension (S16), or a second beside it."""

CLICK_EDGES = tuple(
    map(at, ("2024-02-01 23:59:59", "2024-02-02 00:00:00", "2024-02-22 23:59:59", "2024-02-23 00:00:00"))
)
"""Clicks at an edge of the window of S29 to S33, or a second beside it."""

CANCELLED = at("2024-02-10 12:00:00")
"""When merchants that cancel the extension do so (S17)."""

PICKUP = {Clock.FALSE_DISPATCH_PICKUP: (24, 48), Clock.FALSE_TRACKING_PICKUP: (48, 72)}
HUB = {Clock.FALSE_DISPATCH_HUB: (24, 96), Clock.FALSE_TRACKING_HUB: (48, 120)}
"""Hours from the click, and from the first pickup scan: ordinary, and within the notice."""


@dataclass(frozen=True)
class Shipment:
    """One order's way to its buyer; an instant is None where the thing never happened."""

    order: dict[str, Any]
    paid_at: datetime
    clicked_at: datetime | None
    picked_up_at: datetime | None
    hub_at: datetime | None


@dataclass(frozen=True)
class Verdict:
    """When the order had to be dispatched, whether it was late, and when each violation took effect."""

    dispatch_by: datetime
    late: bool
    violations: dict[Clock, datetime]


def shipments(size: int, seed: int, book: Book) -> list[Shipment]:
    """So many orders; the same for the same seed. What happens near a deadline is drawn by the book's own answer."""
    chance = Random(seed)
    return [_shipment(chance, book) for _ in range(size)]


# By the policy book


def judged(book: Book, shipment: Shipment) -> Verdict:
    """What the policy book says of the order."""
    dispatch_by = _due(book, shipment.order, Clock.DISPATCH, shipment.paid_at, None)
    assert dispatch_by is not None
    clicked, picked_up = shipment.clicked_at, shipment.picked_up_at
    checks = [
        *((clock, clicked, picked_up) for clock in PICKUP if clicked),
        *((clock, picked_up, shipment.hub_at) for clock in HUB if picked_up),
    ]
    violations = dict[Clock, datetime]()
    for clock, since, cleared_at in checks:
        assert since is not None
        due_at = _due(book, shipment.order, clock, since, clicked)
        if due_at is not None and (cleared_at is None or cleared_at > due_at):
            violations[clock] = due_at + SECOND
    return Verdict(dispatch_by, clicked is None or clicked > dispatch_by, violations)


def _due(
    book: Book, order: dict[str, Any], clock: Clock, since: datetime, clicked_at: datetime | None
) -> datetime | None:
    asked = {"clock": clock, "started_at": since, "dispatch_clicked_at": clicked_at, "order": order}
    return book.ask(Question.model_validate(asked)).due_at


# By hand


def by_hand(shipment: Shipment) -> Verdict:
    """What the clauses say of the order, computed without the policy book."""
    dispatch_by = _dispatch_by(shipment)
    clicked, picked_up = shipment.clicked_at, shipment.picked_up_at
    late = clicked is None or clicked > dispatch_by
    violations = dict[Clock, datetime]()
    if clicked is None:
        return Verdict(dispatch_by, late, violations)
    festive = int(_festive(shipment.order, clicked))
    for clock, hours in PICKUP.items():
        due_at = clicked + hours[festive] * HOUR
        if picked_up is None or picked_up > due_at:
            violations[clock] = due_at + SECOND
    for clock, hours in HUB.items():
        waived = clock is Clock.FALSE_TRACKING_HUB and festive and "remote_area_logistics" in shipment.order["services"]
        if picked_up is None or waived:
            continue
        due_at = picked_up + hours[festive] * HOUR
        if shipment.hub_at is None or shipment.hub_at > due_at:
            violations[clock] = due_at + SECOND
    return Verdict(dispatch_by, late, violations)


def _dispatch_by(shipment: Shipment) -> datetime:
    order, paid_at = shipment.order, shipment.paid_at
    promised = {None: 48, "PT24H": 24, "PT72H": 72, "P5D": 120}[order["dispatch_promise"]] * HOUR
    if order["sale_mode"] == "pre_sale":
        return paid_at + promised
    ordinary = paid_at + (min(promised, 24 * HOUR) if "dispatch_in_24h" in order["services"] else promised)
    if order["labels"] or not at("2024-02-02 00:00:00") <= paid_at <= at("2024-02-20 23:59:59"):
        return ordinary  # S12, and goods that carry the label without the regime
    if order["delay_cancelled_at"] and paid_at > CANCELLED:
        return ordinary  # S17: a cancel binds orders paid after it
    return paid_at + 5 * DAY if order["merchant_delay"] else max(ordinary, at("2024-02-22 23:59:59"))  # S17, S16


def _festive(order: dict[str, Any], clicked_at: datetime) -> bool:
    bound = order["merchant_class"] == "shop" and order["shop_type"] != "special"
    return bound and at("2024-02-02 00:00:00") <= clicked_at <= at("2024-02-22 23:59:59")


# Drawn

SPAN = at("2024-01-20 00:00:00"), at("2024-02-25 23:59:59")


def _shipment(chance: Random, book: Book) -> Shipment:
    paid_at = chance.choice(PAID_EDGES) if chance.randrange(3) == 0 else instant(chance, *SPAN)
    order = _order(chance, paid_at)
    clicked_at = _around(chance, paid_at, [_due(book, order, Clock.DISPATCH, paid_at, None)])
    edges = [edge for edge in CLICK_EDGES if edge > paid_at]
    if edges and chance.randrange(4) == 0:
        clicked_at = chance.choice(edges)
    picked_up_at = clicked_at and _scan(chance, book, order, PICKUP, clicked_at, clicked_at)
    hub_at = picked_up_at and _scan(chance, book, order, HUB, picked_up_at, clicked_at)
    return Shipment(order, paid_at, clicked_at, picked_up_at, hub_at)


def _order(chance: Random, paid_at: datetime) -> dict[str, Any]:
    pre_sale = chance.randrange(6) == 0
    own_delay = {"set_at": "2024-01-25T00:00:00+08:00", "limit": "P5D"}
    return {
        "paid_at": local(paid_at),
        "labels": [NONSTOP] if chance.randrange(3) == 0 else [],
        "sale_mode": "pre_sale" if pre_sale else "in_stock",
        "merchant_class": chance.choice(["shop", "shop", "global"]),
        "shop_type": chance.choice([None, None, "special"]),
        "services": [name for name in ("dispatch_in_24h", "remote_area_logistics") if chance.randrange(4) == 0],
        "dispatch_promise": chance.choice(["PT72H", "P5D"] if pre_sale else [None, None, "PT24H", "PT72H"]),
        "merchant_delay": own_delay if chance.randrange(8) == 0 else None,
        "delay_cancelled_at": local(CANCELLED) if chance.randrange(5) == 0 else None,
    }


def _scan(
    chance: Random,
    book: Book,
    order: dict[str, Any],
    clocks: Iterable[Clock],
    since: datetime,
    clicked: datetime | None,
) -> datetime | None:
    return _around(chance, since, [_due(book, order, clock, since, clicked) for clock in clocks])


def _around(chance: Random, earliest: datetime, deadlines: list[datetime | None]) -> datetime | None:
    """Never; or at a deadline, a second beside it, any time before it, or within four days after it."""
    due_at = chance.choice([each for each in deadlines if each is not None])
    match chance.randrange(8):
        case 0:
            return None
        case 1 | 2 | 3:
            return due_at + chance.choice([-1, 0, 1]) * SECOND
        case 4:
            return instant(chance, due_at, due_at + 4 * DAY)
        case _:
            return instant(chance, earliest, due_at)

"""The request that opens a case, with the order as it was bought: opaque references only, no personal data."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from aftersale import bounds
from aftersale.money import Money, TenderShare
from aftersale.policy.facts import Facts, OrderFacts
from aftersale.schema import Code, Id, Instant, Note, Schema
from aftersale.vocabulary import CaseKind, ClaimType, Service

Value = Annotated[StrictStr, Field(max_length=bounds.METADATA)]
"""What a caller keeps with a request, under a name of its own."""

CASH = "cash"
"""The tender of a line that does not say what it was paid with."""

Quantity = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Evidence(Schema):
    """A pointer to something that proves a point; the bytes stay elsewhere, and `sha256` says which they are."""

    uri: Annotated[StrictStr, Field(min_length=1, max_length=bounds.URI)]
    media_type: Annotated[StrictStr, Field(max_length=bounds.MEDIA_TYPE)] | None = None
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Item(Schema):
    """What is claimed back of one order line: pieces, and the money for them, in minor units of one currency."""

    order_line_id: Id
    quantity: Quantity
    requested: Money


class OrderLine(Schema):
    """One line of the order as it was bought; labels and services add to the order's.

    `paid` is what all its pieces cost, in minor units: the ceiling of every case on the line. `tenders` say what it was
    paid with, and add up to `paid`; left out, all of it was `CASH`.
    """

    order_line_id: Id
    quantity: Quantity
    paid: Money
    category: Code | None = None
    labels: Annotated[tuple[Code, ...], Field(max_length=bounds.LABELS)] = ()
    services: Annotated[tuple[Service, ...], Field(max_length=bounds.LABELS)] = ()
    tenders: Annotated[tuple[TenderShare, ...], Field(max_length=bounds.TENDERS)] = ()

    @model_validator(mode="after")
    def _paid_in_full(self) -> Self:
        names = [share.tender for share in self.tenders]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"tenders name {', '.join(twice)} twice; give each tender once, with all it paid")
        told = sum(share.amount_minor for share in self.tenders)
        if names and told != self.paid.amount_minor:
            raise ValueError(
                f"tenders add up to {told}, but {self.paid.amount_minor} was paid; correct one of them, or leave out "
                f"tenders where all was {CASH}"
            )
        return self

    @property
    def paid_with(self) -> tuple[TenderShare, ...]:
        """The tenders of the line, in minor units; all of it is `CASH` where none was said."""
        return self.tenders or (TenderShare(tender=CASH, amount_minor=self.paid.amount_minor),)


class Order(OrderFacts):
    """The order as it was bought, with what had happened to it at application (R6); an absent instant had not come."""

    paid_at: Instant
    dispatched_at: Instant | None = None
    signed_for_at: Instant | None = None
    confirmed_at: Instant | None = None
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1, max_length=bounds.ITEMS)]

    @model_validator(mode="after")
    def _within_what_rules_look_at(self) -> Self:
        for name, told in self._facts_of(self.lines).items():
            if len(told) > bounds.FACTS:
                said = f"{name} of the order and its lines are {len(told)} different ones; give at most {bounds.FACTS}"
                raise ValueError(f"{said}, those that a rule names")
        return self

    def bought(self, line_ids: Collection[str]) -> OrderFacts:
        """Return what a rule may read of the order over these lines.

        Their labels, services and categories add to its own.
        """
        facts: dict[str, Any] = {
            name: getattr(self, name) for name in OrderFacts.model_fields if name in self.model_fields_set
        }
        facts |= self._facts_of([line for line in self.lines if line.order_line_id in line_ids])
        return OrderFacts(**facts)

    def _facts_of(self, lines: Iterable[OrderLine]) -> dict[str, tuple[str, ...]]:
        """Return what is true of the order with these lines of it."""
        lines = list(lines)
        return {
            "labels": _union(self.labels, *(line.labels for line in lines)),
            "services": _union(self.services, *(line.services for line in lines)),
            "categories": _union(self.categories, *((line.category,) for line in lines if line.category)),
        }


class PickupWish(Schema):
    """Where the goods can be fetched for a return (S1), and from when on: a reference, no address."""

    address_ref: Id
    earliest: Instant | None = None


WORKFLOW_TYPES: Mapping[CaseKind, str] = {kind: kind.value.capitalize() for kind in CaseKind}
"""The workflow type that begins each kind of case."""


class CaseRequest(Schema):
    """What opens a case: the whole input of its workflow. References are opaque; no personal data.

    `requested_at` is when the buyer asked, if that was before the case is opened (R15); `metadata` is the caller's own.
    """

    most_bytes: ClassVar[int] = bounds.REQUEST_BYTES

    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    reason_code: Code
    note: Note | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=bounds.ITEMS)]
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=bounds.EVIDENCE)] = ()
    claim_type: ClaimType | None = None
    requested_at: Instant | None = None
    pickup: PickupWish | None = None
    metadata: Annotated[dict[Code, Value], Field(max_length=bounds.METADATA_ENTRIES)] = {}
    order: Order

    @property
    def workflow_id(self) -> str:
        """Return the id under which the case runs once."""
        return f"case/{self.case_id}"

    def facts(self, kind: CaseKind, applied_at: datetime) -> Facts:
        """Return what a rule may read of the case as it stood at application, over all its lines (R6)."""
        order, lines = self.order, {item.order_line_id for item in self.items}
        dispatched = order.dispatched_at is not None and order.dispatched_at <= applied_at
        return Facts(kind=kind, dispatched=dispatched, applied_at=applied_at, order=order.bought(lines))


def _union(*sets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for given in sets for each in given))

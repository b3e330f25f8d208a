"""What may be sent to a case: the request that opens it, the commands that move it, the facts that carriers report.

`actor` is the caller's word for who acts; only back ends may reach the service. `occurred_at` is when the calling back
end received the act (R15): absent, the instant at which the case handles it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, StrictInt, StrictStr, ValidationError, model_validator

from aftersale.errors import BadInput, Problem, problems_of
from aftersale.facts import Facts, OrderFacts
from aftersale.kinds import CaseKind, ClaimType, Clock, Command, Party, Service
from aftersale.money import Money, TenderShare
from aftersale.schema import Code, Id, Instant, Limit, Note, Schema

S = TypeVar("S", bound=Schema)

MOST_ITEMS = 100
MOST_PROBLEMS = 50
MOST_TENDERS = 20

CASH = "cash"
"""The tender of a line that does not say what it was paid with."""

Quantity = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Actor(Schema):
    """Who acts, and under which reference."""

    party: Party
    id: Id


class Evidence(Schema):
    """A pointer to something that proves a point; the bytes stay elsewhere."""

    uri: Annotated[StrictStr, Field(min_length=1, max_length=1000)]
    media_type: Annotated[StrictStr, Field(max_length=100)] | None = None
    sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Item(Schema):
    """What is claimed back of one order line."""

    order_line_id: Id
    quantity: Quantity
    requested: Money


class OrderLine(Schema):
    """One line of the order as it was bought; labels and services add to the order's.

    `tenders` say what it was paid with, and add up to `paid`; left out, all of it was `CASH`.
    """

    order_line_id: Id
    quantity: Quantity
    paid: Money
    category: Code | None = None
    labels: tuple[Code, ...] = ()
    services: tuple[Service, ...] = ()
    tenders: Annotated[tuple[TenderShare, ...], Field(max_length=MOST_TENDERS)] = ()

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
        """What it was paid with, said or not."""
        return self.tenders or (TenderShare(tender=CASH, amount_minor=self.paid.amount_minor),)


class Order(OrderFacts):
    """The order as it was bought, with what had happened to it at application (R6)."""

    paid_at: Instant
    dispatched_at: Instant | None = None
    signed_for_at: Instant | None = None
    confirmed_at: Instant | None = None
    lines: Annotated[tuple[OrderLine, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class CaseRequest(Schema):
    """What opens a case: the whole input of its workflow. References are opaque; no personal data."""

    case_id: Id
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    reason_code: Code
    note: Note | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=50)] = ()
    claim_type: ClaimType | None = None
    requested_at: Instant | None = None
    metadata: Annotated[dict[Code, Annotated[StrictStr, Field(max_length=500)]], Field(max_length=20)] = {}
    order: Order

    def facts(self, kind: CaseKind, applied_at: datetime, line_ids: Collection[str] | None = None) -> Facts:
        """What a rule may read of the case as it stood at application, over all its lines or only those named (R6)."""
        order = self.order
        wanted = line_ids if line_ids is not None else {item.order_line_id for item in self.items}
        lines = [line for line in order.lines if line.order_line_id in wanted]
        bought: dict[str, Any] = {
            name: getattr(order, name) for name in OrderFacts.model_fields if name in order.model_fields_set
        }
        bought["labels"] = _union(order.labels, *(line.labels for line in lines))
        bought["services"] = _union(order.services, *(line.services for line in lines))
        bought["categories"] = _union(order.categories, *((line.category,) for line in lines if line.category))
        dispatched = order.dispatched_at is not None and order.dispatched_at <= applied_at
        return Facts(kind=kind, dispatched=dispatched, order=OrderFacts(**bought))


def _union(*sets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for given in sets for each in given))


class Act(Schema):
    """What every command carries."""

    actor: Actor
    occurred_at: Instant | None = None


class Approve(Act):
    """The merchant agrees to the request (S24)."""


class Reject(Act):
    """The merchant refuses the request."""

    reason_code: Code
    note: Note | None = None


class ShipBack(Act):
    """The buyer sent the goods back; the tracking number is what starts the merchant's clock (S25)."""

    carrier: Code
    tracking_no: Id
    handover_method: Code | None = None


class ReceivedItem(Schema):
    """What arrived of one order line."""

    order_line_id: Id
    quantity: Annotated[StrictInt, Field(ge=0, le=1_000_000)]
    condition: Code | None = None
    disposition: Code | None = None


class ConfirmReceipt(Act):
    """The merchant has the goods; without items, all that was claimed arrived."""

    items: Annotated[tuple[ReceivedItem, ...], Field(min_length=1, max_length=MOST_ITEMS)] | None = None


class RefuseReceipt(Act):
    """The merchant refuses what arrived, with its reason and evidence."""

    reason_code: Code
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=50)] = ()


class AddEvidence(Act):
    """A party adds evidence."""

    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1, max_length=50)]


class Withdraw(Act):
    """The buyer takes the request back, any time before the refund starts."""

    note: Note | None = None


class Extend(Act):
    """The merchant takes the one extension of its receipt clock."""


class AgreeLimit(Act):
    """A party puts its name to a limit; it counts when both have, or when the platform attests it (R17)."""

    clock: Clock
    limit: Limit


class Hold(Act):
    """The platform stops the clocks of the parties (R16)."""

    note: Note | None = None


class Resume(Act):
    """The platform lets the clocks run on; the time held is added to them (R16)."""


class RetryRefund(Act):
    """The platform sends a declined refund again, to another tender where one is named."""

    tender: Code | None = None


PAYLOADS: Mapping[Command, type[Act]] = {
    Command.APPROVE: Approve,
    Command.REJECT: Reject,
    Command.SHIP_BACK: ShipBack,
    Command.CONFIRM_RECEIPT: ConfirmReceipt,
    Command.REFUSE_RECEIPT: RefuseReceipt,
    Command.ADD_EVIDENCE: AddEvidence,
    Command.WITHDRAW: Withdraw,
    Command.EXTEND: Extend,
    Command.AGREE_LIMIT: AgreeLimit,
    Command.HOLD: Hold,
    Command.RESUME: Resume,
    Command.RETRY_REFUND: RetryRefund,
}


class ParcelEvent(Schema):
    """A carrier's scan, deduplicated by `event_id`; judged by when it happened (R15)."""

    event_id: Id
    leg: Literal["return", "outbound"]
    tracking_no: Id
    event: Literal["picked_up", "hub", "signed_for", "failed"]
    occurred_at: Instant
    text: Note | None = None


class PolicyPublished(Schema):
    """The policy book reached this revision; running clocks ask again (R9)."""

    revision: Annotated[StrictInt, Field(ge=0)]


class OpenCase(Schema):
    """The `open` update: the request again, and its kind, so that a caller who differs learns of it."""

    kind: CaseKind | None = None
    request: dict[str, Any] | None = None


def parse(command: Command, given: object) -> Act:
    """The payload of a command. Raises BadInput naming every field that is wrong, and the remedy."""
    return read(PAYLOADS[command], given, "payload")


def read(shape: type[S], given: object, name: str) -> S:
    """What was given, as `shape`. Raises BadInput naming every field that is wrong, and the remedy."""
    if not isinstance(given, Mapping):
        fields = ", ".join(field for field, info in shape.model_fields.items() if info.is_required())
        raise BadInput([Problem(field=name, message=f"must be a JSON object with {fields or 'its fields'}")])
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        raise BadInput(_first(problems_of(error), name)) from None


def _first(problems: list[Problem], name: str) -> list[Problem]:
    """As many problems as a reader takes in; what is said of a payload must stay smaller than the payload may be."""
    left = len(problems) - MOST_PROBLEMS
    if left <= 0:
        return problems
    return [*problems[:MOST_PROBLEMS], Problem(field=name, message=f"has {left} problems more; mend these first")]

"""Commands that an open case takes, and the facts that carriers report of it.

`actor` is the caller's word for who acts; only back ends may reach the service. `occurred_at` is when the calling back
end received the act (R15): absent, the instant at which the case handles it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, ValidationError, model_validator

from aftersale import bounds
from aftersale.contract.decision import Decided
from aftersale.contract.request import Evidence, Item
from aftersale.errors import BadInput, bad_input, first_problems, problems_of
from aftersale.money import Money, Sum
from aftersale.schema import Code, Id, Instant, Limit, Note, RequestId, Schema
from aftersale.vocabulary import CaseKind, Clock, Command, Party, Ruling

S = TypeVar("S", bound=Schema)


class Actor(Schema):
    """Who acts: a party under its reference. It is the caller's word; a case compares it with its own parties."""

    party: Party
    id: Id


class Act(Schema):
    """What every command carries: its actor, and when the calling back end received it (R15); absent: now.

    Under a `request_id` one content is taken, once: a repeat gets the first answer, another content is refused.
    """

    actor: Actor
    occurred_at: Instant | None = None
    request_id: RequestId | None = None


class Approve(Act):
    """The merchant agrees to the request (S24)."""


class Reject(Act):
    """The merchant refuses the request; the buyer may amend it, or take the refusal to the platform."""

    reason_code: Code
    note: Note | None = None


class Offer(Act, Sum):
    """The merchant answers with something else: another kind of service, other money, or both."""

    kind: CaseKind | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.kind is None and self.amount is None and self.lines is None:
            raise ValueError("offers nothing; give kind, or amount or lines, or both")
        return self


class AcceptOffer(Act):
    """The buyer takes what the merchant offered."""


class DeclineOffer(Act):
    """The buyer does not take it; the refusal that remains can be taken to the platform."""


class ShipBack(Act):
    """The buyer sent the goods back, for `freight`; the tracking number is what starts the merchant's clock (S25)."""

    carrier: Code
    tracking_no: Id
    handover_method: Code | None = None
    freight: Money | None = None


MISSING = "missing"
"""The condition of pieces that did not arrive; every other one is of pieces that did."""


class ReceivedItem(Schema):
    """The pieces of one order line that arrived in one condition; a line that is not named did not arrive."""

    order_line_id: Id
    quantity: Annotated[StrictInt, Field(ge=0, le=1_000_000)]
    condition: Code | None = None
    disposition: Code | None = None

    @property
    def arrived(self) -> int:
        """How many of the pieces the merchant has: none of those that are missing."""
        return 0 if self.condition == MISSING else self.quantity


class ConfirmReceipt(Act):
    """The merchant has the goods; without items, all that was claimed arrived."""

    items: Annotated[tuple[ReceivedItem, ...], Field(min_length=1, max_length=bounds.ITEMS)] | None = None


class RefuseReceipt(Act):
    """The merchant refuses what arrived, with its reason and evidence."""

    reason_code: Code
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=bounds.EVIDENCE)] = ()


class Dispatch(Act):
    """The merchant sent the replacement, the missing goods or the repaired item (S27, S28).

    `replaced` says of a repair that another item was sent in the place of the one to be repaired.
    """

    carrier: Code
    tracking_no: Id
    replaced: StrictBool = False


class ConfirmDelivery(Act):
    """The buyer has what the merchant sent: the case completes."""


class ReportIrreparable(Act):
    """The merchant cannot repair what it has received, and offers the money."""

    note: Note | None = None


class Amend(Act):
    """The buyer asks for something else after a refusal; after a breach, for the money (kind refund)."""

    kind: CaseKind | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=bounds.ITEMS)] | None = None
    reason_code: Code | None = None
    dispatched_at: Instant | None = None
    signed_for_at: Instant | None = None


class Escalate(Act):
    """The buyer takes a refusal to the platform."""

    reason_code: Code
    note: Note | None = None


class Rule(Act, Sum):
    """An officer's ruling: what is done, whose fault it was, and how much where it is less than was asked."""

    outcome: Ruling
    liability: Literal[Party.BUYER, Party.MERCHANT, Party.PLATFORM, Party.CARRIER]
    note: Note | None = None


class DecideClaim(Act, Decided):
    """A reviewer decides on a claim; the amount must be stated where the policy sets none (S6)."""

    decision: Literal["approve", "decline"]
    note: Note | None = None


class AddEvidence(Act):
    """A party adds evidence: pointers, no bytes. A case takes a limited number of such commands."""

    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1, max_length=bounds.EVIDENCE)]


class Withdraw(Act):
    """The buyer takes the request back, any time before the refund starts."""

    note: Note | None = None


class Extend(Act):
    """The merchant takes the extension that the limit of its clock allows: how often and when, the policy says."""


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
    Command.OFFER: Offer,
    Command.ACCEPT_OFFER: AcceptOffer,
    Command.DECLINE_OFFER: DeclineOffer,
    Command.SHIP_BACK: ShipBack,
    Command.CONFIRM_RECEIPT: ConfirmReceipt,
    Command.REFUSE_RECEIPT: RefuseReceipt,
    Command.DISPATCH: Dispatch,
    Command.CONFIRM_DELIVERY: ConfirmDelivery,
    Command.REPORT_IRREPARABLE: ReportIrreparable,
    Command.AMEND: Amend,
    Command.ESCALATE: Escalate,
    Command.RULE: Rule,
    Command.DECIDE_CLAIM: DecideClaim,
    Command.ADD_EVIDENCE: AddEvidence,
    Command.WITHDRAW: Withdraw,
    Command.EXTEND: Extend,
    Command.AGREE_LIMIT: AgreeLimit,
    Command.HOLD: Hold,
    Command.RESUME: Resume,
    Command.RETRY_REFUND: RetryRefund,
}


ScanEvent = Literal["picked_up", "hub", "signed_for", "failed"]
Leg = Literal["return", "outbound"]
"""Which way a parcel goes: back to the merchant, or out to the buyer."""


def _cut_scan(text: object) -> object:
    return bounds.cut(text, bounds.SCAN) if isinstance(text, str) else text


class ParcelEvent(Schema):
    """A carrier's scan, deduplicated by `event_id`; judged by when it happened (R15). A long `text` is cut."""

    event_id: Id
    leg: Leg
    tracking_no: Id
    event: ScanEvent
    occurred_at: Instant
    text: Annotated[Note, BeforeValidator(_cut_scan)] | None = None


class OpenCase(Schema):
    """The `open` update: the request again, and its kind, so that a caller who differs learns of it."""

    kind: CaseKind | None = None
    request: dict[str, Any] | None = None


def parse(command: Command, given: object) -> Act:
    """Return the payload of a command. Raises BadInput naming every field that is wrong, and the remedy."""
    return read(PAYLOADS[command], given, "payload")


def read(shape: type[S], given: object, name: str) -> S:
    """Return what was given, as `shape`. Raises BadInput naming every field that is wrong, and the remedy."""
    if not isinstance(given, Mapping):
        fields = ", ".join(field for field, info in shape.model_fields.items() if info.is_required())
        raise bad_input(name, f"must be a JSON object with {fields or 'its fields'}")
    try:
        found = shape.model_validate(given)
    except ValidationError as error:
        raise BadInput(first_problems(problems_of(error), name)) from None
    most = shape.most_bytes
    if most is not None and (size := len(found.model_dump_json(exclude_unset=True).encode())) > most:
        raise bad_input(name, f"has {size} bytes as JSON; send at most {most}: fewer lines, tenders or words")
    return found

"""Messages of cases, watches and reconciliations: facts alone, which templates put into words as they are sent."""

from typing import Self

from pydantic import model_validator

from aftersale.schema import Id, Instant, Schema
from aftersale.vocabulary import CaseKind, Command, MessageEvent, OnTimeout, Party, State


class Message(Schema):
    """One message that a turn of a case, the watch of a shipment, or a reconciliation owes to a party.

    `message_id` is stable over retries, so that a receiver can tell a repeat. `recipient` is the party's own reference,
    None for the platform. `kind` and `state` are those of a case: what it is, and where it stood. `respond_by` is the
    last instant in time for one of `commands`, and `on_timeout` what a silence until then will mean; all three only
    where the party has to act. `says` is what happened, as the timeline has it. `corrects` is the id of an earlier
    message that does not hold. `discrepancy_id` is of what a reconciliation found; its case, if it is about one, has
    neither kind nor state there.
    """

    message_id: str
    case_id: Id | None = None
    shipment_id: Id | None = None
    order_id: Id | None = None
    to: Party
    recipient: Id | None = None
    event: MessageEvent
    kind: CaseKind | None = None
    state: State | None = None
    says: str = ""
    commands: tuple[Command, ...] = ()
    respond_by: Instant | None = None
    on_timeout: OnTimeout | None = None
    corrects: str | None = None
    discrepancy_id: str | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        of_a_case = self.case_id is not None and self.kind is not None and self.state is not None
        if [of_a_case, self.shipment_id is not None, self.discrepancy_id is not None].count(True) != 1:
            told = "of a case, with kind and state, of a watched shipment, or of a discrepancy"
            raise ValueError(f"a message is {told}; give one of them")
        return self

    @property
    def source(self) -> str:
        """What it is about: the case's id, or what no case can have: a watch's, or a discrepancy's of no case."""
        of_no_case = f"watch/{self.shipment_id}" if self.shipment_id else f"reconciliation/{self.discrepancy_id}"
        return self.case_id or of_no_case

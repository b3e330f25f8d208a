"""What a case says to the outside: messages to parties. Facts alone; templates put them into words as they are sent."""

from aftersale.kinds import CaseKind, Command, MessageEvent, OnTimeout, Party, State
from aftersale.schema import Id, Instant, Schema


class Message(Schema):
    """One message that a turn of a case owes to a party.

    `message_id` is stable over retries, so that a receiver can tell a repeat. `recipient` is the party's own reference,
    None for the platform. `state` is where the case stood. `respond_by` is the last instant in time for one of
    `commands`, and `on_timeout` what a silence until then will mean; all three only where the party has to act. `says`
    is what happened, as the timeline has it. `corrects` is the id of an earlier message that does not hold.
    """

    message_id: str
    case_id: Id
    order_id: Id | None = None
    to: Party
    recipient: Id | None = None
    event: MessageEvent
    kind: CaseKind
    state: State
    says: str = ""
    commands: tuple[Command, ...] = ()
    respond_by: Instant | None = None
    on_timeout: OnTimeout | None = None
    corrects: str | None = None

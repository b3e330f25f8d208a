"""What a case says to the outside: messages to parties."""

from aftersale.kinds import Party
from aftersale.schema import Id, Instant, Schema


class Message(Schema):
    """One message that a turn of a case owes to a party.

    `message_id` is stable over retries, so that a receiver can tell a repeat. `respond_by` is the last instant in
    time for what the party is asked to do, if anything.
    """

    message_id: str
    case_id: Id
    to: Party
    event: str
    title: str
    body: str
    respond_by: Instant | None = None

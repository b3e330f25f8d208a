"""How a case ends, and how a stage ends by silence."""

from dataclasses import dataclass
from datetime import datetime

from aftersale.schema import Schema
from aftersale.vocabulary import CloseReason, Outcome, State


class Completed(Schema):
    """A case that came to its end."""

    outcome: Outcome


class Closed(Schema):
    """A case that closed without completing."""

    reason: CloseReason


Ending = Completed | Closed


@dataclass(frozen=True)
class LapsedStage:
    """A stage that ended by silence; a fact from its time that arrives later is a correction (R15)."""

    state: State
    since: datetime
    respond_by: datetime

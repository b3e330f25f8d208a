"""What can go wrong between a back end and a case, as the client tells it."""

from typing import Self

from aftersale.contract.commands import Act
from aftersale.errors import AftersaleError
from aftersale.times import local


class Refusal(AftersaleError):
    """A case did not take what was sent. `code` tells programs why, the message people."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the words."""
        self.code = code
        super().__init__(message)


class ServiceFault(AftersaleError):
    """The Temporal server cannot be reached as set, or does not serve this caller; the message says what to look at."""


class CaseNotFound(AftersaleError):
    """No case of this id is known to the service."""


class NoAnswer(AftersaleError):
    """The service did not answer in time; what was sent may still be applied.

    After a command, `act` and `request_id` are what to repeat it with: it is then applied once, and as of the instant
    at which it was first received.
    """

    def __init__(self, message: str, act: Act | None = None, request_id: str | None = None) -> None:
        """Keep what was sent beside the words."""
        self.act, self.request_id = act, request_id
        super().__init__(message)

    def after(self, act: Act, request_id: str) -> Self:
        """The same, once it is known which command it was."""
        at = f" and occurred_at {local(act.occurred_at)}" if act.occurred_at else ""
        return type(self)(f"{self}; repeat the command with request id {request_id}{at}", act, request_id)

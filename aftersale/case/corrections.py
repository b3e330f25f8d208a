"""Facts that arrive after a case has ended: nothing is undone, and nothing is lost; the platform hears of them. Pure.

What comes after the executed lapse of a case that still runs is told in `aftersale.case.validator`.
"""

from datetime import datetime
from typing import Any, Literal

from aftersale import bounds
from aftersale.case.turn import CaseSubject, Turn
from aftersale.contract.commands import Act, ParcelEvent, parse, read
from aftersale.contract.idempotency import conflict, fingerprint
from aftersale.contract.status import Entry, Status
from aftersale.errors import Problem, bad_input
from aftersale.guarantees.freight_insurance import InsurerAnswer
from aftersale.schema import Id, RequestId, Schema
from aftersale.times import local
from aftersale.vocabulary import CloseReason, Command, MessageEvent, Party

CORRECTION = "Correction"
"""The workflow type that takes a late fact."""


class LateFact(Schema):
    """The input of a `Correction`: what would have been sent to a case that is over, as it would have been sent.

    `event_id` is the carrier's, or the caller's request id; the workflow's id is `correction/<case_id>/<event_id>`.
    """

    case_id: Id
    event_id: RequestId
    fact: Command | Literal["parcel_event"]
    given: dict[str, Any]

    @property
    def workflow_id(self) -> str:
        """The id under which the same fact is taken once."""
        return f"correction/{self.case_id}/{self.event_id}"

    @property
    def message_id(self) -> str:
        """The id of the message to the platform."""
        return f"{self.case_id}/correction/{self.event_id}"

    @property
    def said(self) -> Act | ParcelEvent:
        """What would have been sent to the case. Raises BadInput for what no case could read."""
        command = self.fact if isinstance(self.fact, Command) else None
        return parse(command, self.given) if command else read(ParcelEvent, self.given, "given")

    @property
    def fingerprint(self) -> str:
        """What tells it from every other fact. Raises BadInput as `said`."""
        return fingerprint(self.fact, self.said)

    @property
    def conflict(self) -> Problem:
        """Why it is refused where its id was used for something else."""
        field = "request_id" if isinstance(self.fact, Command) else "event_id"
        return conflict(field, f"{self.event_id} (of case {self.case_id})")

    def entry_in(self, turn: Turn) -> Entry | None:
        """Return the line by which a turn on file has told of this id: the case's own, or a correction's."""
        lines = turn.entries if isinstance(self.fact, Command) else ()
        own = next((entry for entry in lines if entry.request_id == self.event_id), None)
        return own or turn.entry_owing(self.message_id)


class CorrectionTaken(Schema):
    """What became of a late fact: the line that the case's record has of it, or why it was not taken.

    `fingerprint` is that of the fact, so that whoever finds its workflow under an id knows what it was about.
    """

    entry: Entry | None = None
    fingerprint: str | None = None
    problems: tuple[Problem, ...] = ()


def is_late(over: Status, said: Act | ParcelEvent) -> bool:
    """Tell whether something belongs to the time of a case that is over: it happened before the end.

    Goods that come back to the merchant concern a case however long it is over.
    """
    opened, ended = bool(over.timeline), over.timeline[-1].recorded_at if over.timeline else None
    back = isinstance(said, ParcelEvent) and (said.leg, said.event) == ("return", "signed_for")
    return opened and (back or (said.occurred_at is not None and ended is not None and said.occurred_at < ended))


def correction_turn(fact: LateFact, last: Turn, over: Status, now: datetime, run_id: str) -> Turn:
    """Return the turn that a late fact adds to the record of its case, with the message to the platform.

    `last` is the last turn on file, `over` the record so far. Raises BadInput where the case takes no correction.
    """
    said = fact.said
    by = said.actor.party if isinstance(said, Act) else Party.CARRIER
    _require_over(over)
    _require_room(over, by)
    _require_own(last.subject, said)
    if not is_late(over, said):
        raise bad_input(
            "given.occurred_at", "lies after the end of the case, which takes nothing more; open a new case"
        )
    at = said.occurred_at or now
    name = fact.fact.words if isinstance(fact.fact, Command) else f"{fact.given['leg']} parcel: {fact.given['event']}"
    says = f"{name} at {local(at)} was reported after the case had ended"
    entry = Entry(
        at=at,
        recorded_at=now,
        by=by,
        event="CorrectionRequested",
        says=says,
        late_report=True,
        request_id=fact.event_id,
        fingerprint=fact.fingerprint,
    )
    return last.with_entry(entry, fact.message_id, Party.PLATFORM, MessageEvent.CORRECTION_REQUESTED, run_id)


def freight_turn(answer: InsurerAnswer, last: Turn, now: datetime, run_id: str) -> Turn:
    """Return the turn that the end of a freight claim adds to the record of its case, with a message to the buyer."""
    entry = Entry(at=now, recorded_at=now, by=Party.INSURER, event="FreightInsured", says=answer.words)
    return last.with_entry(entry, f"{last.case_id}/insurance", Party.BUYER, MessageEvent.INSURANCE_SETTLED, run_id)


def _require_over(over: Status) -> None:
    if not over.is_final:
        raise bad_input("case_id", "is of a case that is still open; send it to the case itself")
    if over.close_reason is CloseReason.REFUSED:
        raise bad_input("case_id", "is of a request that opened no case; open one")


def _require_room(over: Status, by: Party) -> None:
    most = bounds.SCANS if by is Party.CARRIER else bounds.CORRECTIONS
    if sum((entry.event, entry.by) == ("CorrectionRequested", by) for entry in over.timeline) >= most:
        raise bad_input("case_id", f"is of a case whose record has {most} late facts of the {by}'s; tell the platform")


def _require_own(subject: CaseSubject | None, said: Act | ParcelEvent) -> None:
    if not isinstance(said, Act):
        return
    party = said.actor.party
    own = {Party.MERCHANT: subject and subject.merchant_id, Party.BUYER: subject and subject.buyer_ref}
    if party in own and own[party] != said.actor.id:
        raise bad_input("given.actor.id", f"is not this case's {party}; send the {party}'s own reference")

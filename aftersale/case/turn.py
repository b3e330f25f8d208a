"""A turn: what one step of a case adds to its written copy. Pure, so that workflow code can draw it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StrictInt, model_validator

from aftersale.contract.message import Message
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Entry, Status
from aftersale.policy.facts import Question
from aftersale.policy.running import RunningClock
from aftersale.schema import Id, Instant, Schema
from aftersale.vocabulary import MessageEvent, Party


class CaseSubject(Schema):
    """What a case is about, the same in all its turns: by this it is looked for."""

    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    opened_at: Instant

    @classmethod
    def of(cls, request: CaseRequest, applied_at: datetime) -> Self:
        """Return the subject of a request that was made at `applied_at`."""
        return cls(
            order_id=request.order_id,
            merchant_id=request.merchant_id,
            buyer_ref=request.buyer_ref,
            opened_at=applied_at,
        )


class Asked(Schema):
    """What the policy book was asked about one running clock, and the grace that the clock was left, if any (R13).

    With the deadline that the status shows for the same clock, it says what another book would make of that clock.
    """

    question: Question
    grace_until: Instant | None = None

    @classmethod
    def of(cls, running: RunningClock) -> Self:
        """Return what was asked about a clock."""
        return cls(question=running.question, grace_until=running.grace_until)


class Turn(Schema):
    """One turn of a case: how the case stands after it, what it added to the timeline, and whom it owes a message.

    `seq` counts a case's turns from 1 without a gap. `status` leaves its timeline empty: all turns' entries, one after
    the other, are the timeline. `subject` is None where no readable request tells it. `asked` says what lies behind the
    status's deadlines, each in its place; turns that were written before it was kept have none.

    `run_id` and `history_length` (as `workflow.info()` has them at the time) say which attempt at a workflow task drew
    the turn. An attempt that was abandoned has a shorter history, or an earlier `at`, than the one that took its place;
    so the records know which of two differing turns history has.
    """

    case_id: Id
    seq: Annotated[StrictInt, Field(ge=1)]
    at: Instant
    run_id: str
    history_length: Annotated[StrictInt, Field(ge=0)]
    subject: CaseSubject | None = None
    status: Status
    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()
    asked: tuple[Asked, ...] = ()

    @model_validator(mode="after")
    def _of_one_case(self) -> Self:
        if self.status.case_id != self.case_id or any(message.case_id != self.case_id for message in self.messages):
            raise ValueError(f"status and messages must be those of case {self.case_id}; draw one turn per case")
        if self.status.timeline:
            raise ValueError("status must leave its timeline empty; put what the turn added into entries")
        strangers = [each.message_id for each in self.messages if not each.message_id.startswith(f"{self.case_id}/")]
        if strangers:
            raise ValueError(f"message ids must begin with {self.case_id}/; rename {', '.join(strangers)}")
        return self

    @classmethod
    def of(
        cls,
        status: Status,
        *,
        told: int,
        seq: int,
        at: datetime,
        run_id: str,
        history_length: int,
        subject: CaseSubject | None = None,
        messages: Sequence[Message] = (),
        clocks: Sequence[RunningClock] = (),
    ) -> Self:
        """Return the turn after which a case stands so.

        The first `told` entries of its timeline stand in earlier turns.
        """
        return cls(
            case_id=status.case_id,
            seq=seq,
            at=at,
            run_id=run_id,
            history_length=history_length,
            subject=subject,
            status=status.model_copy(update={"timeline": ()}),
            entries=status.timeline[told:],
            messages=tuple(messages),
            asked=tuple(Asked.of(running) for running in clocks),
        )

    def entry_owing(self, message_id: str) -> Entry | None:
        """Return the line of a turn that owes this message; None where it owes no such message."""
        return self.entries[0] if any(message.message_id == message_id for message in self.messages) else None

    def with_entry(self, entry: Entry, message_id: str, to: Party, event: MessageEvent, run_id: str) -> Self:
        """Return what another workflow adds to the record of a case that is over: a line and a message that says so."""
        subject = self.subject
        message = Message(
            message_id=message_id,
            case_id=self.case_id,
            order_id=subject.order_id if subject else None,
            to=to,
            recipient=subject.buyer_ref if subject and to is Party.BUYER else None,
            event=event,
            kind=self.status.kind,
            state=self.status.state,
            says=entry.says,
        )
        added = {"seq": self.seq + 1, "at": entry.recorded_at, "run_id": run_id, "history_length": 0}
        return self.model_copy(update={**added, "entries": (entry,), "messages": (message,)})


def within(turns: Sequence[Turn], most_bytes: int) -> Iterator[Turn]:
    """Give the first of these turns, as many as have that size together; at least one."""
    size = 0
    for number, turn in enumerate(turns):
        size += len(turn.model_dump_json(exclude_unset=True).encode()) if len(turns) > 1 else 0
        if number and size > most_bytes:
            return
        yield turn


def digest(turn: Turn) -> str:
    """Return the SHA-256 of what a turn says, in hexadecimal.

    Who drew it does not count, nor what was asked about its clocks: an answer that differs shows in the status, and a
    turn that an older version wrote without it stays the same turn. Fields at their defaults are left out, so that a
    later version, which may know more optional fields, finds the same digest.
    """
    said = turn.model_dump(mode="json", exclude={"run_id", "history_length", "asked"}, exclude_defaults=True)
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def reassemble(turns: Sequence[Turn]) -> Status | None:
    """Return the whole status that a case's turns tell, the timeline included; None where there are none."""
    if not turns:
        return None
    timeline = tuple(entry for turn in turns for entry in turn.entries)
    return turns[-1].status.model_copy(update={"timeline": timeline})

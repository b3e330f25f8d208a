"""A case on its way: what is sent to it, what it answers, and what must hold of both by the table of moves."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from aftersale.case import Status
from aftersale.client import Refusal
from aftersale.kinds import CaseKind, Command, Party, State
from tests.cases import quiet
from tests.sendings import Sender, Sending
from tests.walks import moved, offered, sane
from trial.workplace import Live

REASONS = ("the goods are with the merchant",)
"""Why the table's own commands may be refused for what they say: only the case knows what it took in."""

MACHINES = {"timer", "policy", Party.SYSTEM}

CALLING_OUT = {State.AWAITING_CLAIM_REVIEW, State.AWAITING_BUYER_RETURN}
"""Where somebody outside is asked as the stage begins, whose answer moves the case or is told of."""

_COMMANDS = {command.value: command for command in Command}


@dataclass
class Trail:
    """One case, and the log of what happened to it."""

    live: Live
    kind: CaseKind
    case: dict[str, Any]
    log: list[str] = field(default_factory=list)
    taken: list[tuple[Sending, str, Status]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """What is sent is made by the chance of the step at hand."""
        self.sender = Sender(self.case, Random(0))

    async def status(self) -> Status:
        """The case as it stands, once whoever is asked outside has answered; it must be sane."""
        status = await self.live.status()
        if status.state in CALLING_OUT:
            await quiet(self.live)
            status = await self.live.status()
        sane(self.kind, status)
        return status

    def say(self, what: str) -> None:
        """Log what happens."""
        self.log.append(what)

    async def give(self, before: Status, sending: Sending) -> None:
        """Give what the table allows: it is taken, unless the case moved meanwhile or has its reasons."""
        self.say(f"{sending} in {before.kind} {before.state}")
        request_id = f"request-{len(self.log)}"
        try:
            after = await self.live.update(sending.command, sending.payload, id=request_id)
        except Refusal as refusal:
            self.say(f"  refused: {refusal}")
            now = await self.status()
            self.unmoved(before, now, sending)
            theirs = sending.command not in offered(before) or any(reason in str(refusal) for reason in REASONS)
            assert theirs or moved(before, now), f"{sending} was refused in {before.state}: {refusal}"
            return
        sane(self.kind, after)
        own = sending.command in offered(before) | {Command.EXTEND}
        assert own or moved(before, after), f"{sending} was taken in {before.state}"
        self.taken.append((sending, request_id, after))
        if sending.command is Command.AMEND and after.timeline[-1].event != "AmendmentRefused":
            self.case["items"] = sending.payload.get("items", self.case["items"])

    # Commands that must be refused

    async def refused(self, before: Status, sending: Sending) -> None:
        """Send what must be refused: the case stands as it stood, and the refusal says what is legal."""
        self.say(f"{sending} in {before.kind} {before.state}")
        try:
            after = await self.live.update(sending.command, sending.payload)
        except Refusal as refusal:
            now = await self.status()
            self.unmoved(before, now, sending)
            assert refusal.code == sending.refused_as or moved(before, now), f"{sending}: {refusal.code}, {refusal}"
            if refusal.code == "illegal_move":
                named = _named(refusal)
                allowed = [offered(before), offered(now)]
                assert named - {Command.EXTEND} in allowed, f"{refusal} names {named}, not one of {allowed}"
        else:
            assert moved(before, after), f"{sending} was taken in {before.state}"

    def unmoved(self, before: Status, after: Status, sending: Sending) -> None:
        """What was refused left no trace; a clock may have run out meanwhile, or a refund come back."""
        assert after.timeline[: len(before.timeline)] == before.timeline
        new = after.timeline[len(before.timeline) :]
        assert {entry.by for entry in new} <= MACHINES, f"{sending} was refused, and left {new}"
        if not new:
            assert after.model_copy(update={"next": before.next}) == before
            assert {*after.next.commands} - {Command.EXTEND} == {*before.next.commands} - {Command.EXTEND}


def _named(refusal: Refusal) -> set[Command]:
    assert "legal now: " in str(refusal), refusal
    named = str(refusal).rpartition("legal now: ")[2]
    return set() if named.startswith("nothing") else {_COMMANDS[name] for name in named.split(", ")}

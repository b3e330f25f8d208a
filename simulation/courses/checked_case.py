"""A case that is spoken to: every answer, taken or refused, is held against the rules."""

from itertools import zip_longest
from random import Random
from typing import Any

from aftersale.contract.commands import parse
from aftersale.contract.idempotency import fingerprint
from aftersale.contract.status import Status
from aftersale.errors import Refusal
from aftersale.vocabulary import CaseKind, Command, Party
from simulation.courses import checks
from simulation.courses.course import SteppedCourse
from simulation.courses.sendings import Sender, Sending
from simulation.courses.statuses import moved, offered

REASONS = ("the goods are with the merchant",)
"""Why the table's own commands may be refused for what they say: only the case knows what it took in."""

MACHINES = {"timer", "policy", Party.SYSTEM, Party.CARRIER}

_COMMANDS = {command.value: command for command in Command}


class CheckedCase(SteppedCourse[Status]):
    """One case; `asked` is its request, as it stands after amendments."""

    def __init__(self, *given: Any, kind: CaseKind, asked: dict[str, Any]) -> None:
        """Nothing has been sent yet."""
        super().__init__(*given)
        self.kind, self.asked, self._first_asked = kind, dict(asked), dict(asked)
        self.sender = Sender(self.asked, Random(0))
        self.taken: list[tuple[Sending, str]] = []
        self.answers: dict[str, Status] = {}
        self._amendments: dict[str, dict[str, Any]] = {}
        self._known: tuple[int, Status] | None = None

    def draw_by(self, random: Random) -> None:
        """Draw by this chance from now on."""
        self.sender.chance = random

    # What is seen

    async def status(self) -> Status:
        """Return the case as it stands, held against the rules."""
        status = await self.ask(Status)
        while self.run.midway:
            await self.world.loop.next_event()
            status = await self.ask(Status)
        if status.timeline:
            self._require_sane(status)
        checks.of_the_money(self.world)
        self._known = self.run.history.length, status
        return status

    async def when_settled(self) -> Status:
        """Return the case once nothing is in hand, and now and then the records beside it."""
        await self.settle()
        unchanged = self._known is not None and self._known[0] == self.run.history.length
        status = self._known[1] if self._known is not None and unchanged else await self.status()
        if self.run.settled:
            checks.of_a_hold(self.world, status)
        if self.run.settled and (status.is_final or self.sender.chance.randrange(3) == 0):
            checks.of_the_records(self.world, status)
        return status

    # What is given, and what must be refused

    async def send(self, sending: Sending, request_id: str) -> Status:
        """Send a command; return the whole status at the answer, held against the rules. Raises Refusal, Over."""
        if sending.command is Command.AMEND:
            act = parse(Command.AMEND, sending.payload)
            self._amendments[fingerprint(Command.AMEND, act)] = sending.payload
        answer = self.answers[request_id] = await self.update(sending.command, sending.payload, request_id, Status)
        return await self.whole(answer, self._require_sane)

    def _require_sane(self, status: Status) -> None:
        """Hold a whole status against the rules, and against the request as its timeline says that it was amended."""
        told = [each for each in status.timeline if each.event in ("Amended", "AmendmentRefused")]
        asked = dict(self._first_asked)
        for each, then in zip_longest(told, told[1:]):
            given = self._amendments.get(each.fingerprint or "")
            if given is not None and (then is None or then.event != "AmendmentRefused"):
                times = {name: given[name] for name in ("dispatched_at", "signed_for_at") if name in given}
                asked |= {"items": given.get("items", asked["items"]), "order": {**asked["order"], **times}}
        self.asked.update(asked)
        checks.of_a_status(self.world, asked, self.kind, status)

    async def give(self, before: Status, sending: Sending) -> None:
        """Give what the table allows: it is taken, unless the case moved meanwhile or has its reasons."""
        self.say(f"{sending} in {before.kind} {before.state}")
        request_id = self.fresh_id()
        try:
            after = await self.send(sending, request_id)
        except Refusal as refusal:
            self.say(f"  refused: {refusal}")
            now = await self.status()
            self.unmoved(before, now, sending)
            with checks.holding("every offered command is accepted"):
                theirs = sending.command not in offered(before) or any(reason in str(refusal) for reason in REASONS)
                assert theirs or moved(before, now), f"{sending} was refused in {before.state}: {refusal}"
            return
        with checks.holding("every command that is not offered is refused"):
            own = sending.command in offered(before) | {Command.EXTEND}
            assert own or moved(before, after), f"{sending} was taken in {before.state}"
        self.taken.append((sending, request_id))

    async def refused(self, before: Status, sending: Sending) -> None:
        """Send what must be refused: the case stands as it stood, and the refusal says what is legal."""
        self.say(f"{sending} in {before.kind} {before.state}, spoiled")
        try:
            after = await self.update(sending.command, sending.payload, self.fresh_id(), Status)
        except Refusal as refusal:
            now = await self.status()
            self.unmoved(before, now, sending)
            with checks.holding("a refusal names the legal commands"):
                assert refusal.code == sending.refused_as or moved(before, now), f"{refusal.code}, {refusal}"
                if refusal.code == "illegal_move":
                    named = _named(refusal) - {Command.EXTEND}
                    assert named in [offered(before), offered(now)], f"{refusal} names {named}"
        else:
            with checks.holding("every command that is not offered is refused"):
                assert moved(before, after), f"{sending} was taken in {before.state}"

    def unmoved(self, before: Status, after: Status, sending: Sending) -> None:
        """Make sure that what was refused left no trace; a clock may have run out meanwhile, or a refund come back."""
        with checks.holding("what is refused changes nothing"):
            assert after.timeline[: len(before.timeline)] == before.timeline
            new = after.timeline[len(before.timeline) :]
            assert {entry.by for entry in new} <= MACHINES, f"{sending} was refused, and left {new}"


def _named(refusal: Refusal) -> set[Command]:
    assert "legal now: " in str(refusal), refusal
    named = str(refusal).rpartition("legal now: ")[2]
    return set() if named.startswith("nothing") else {_COMMANDS[name] for name in named.split(", ")}

"""Sendings to a case: every command as somebody could mean it, and commands that are spoiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from aftersale.case.moves import PARTIES, legal
from aftersale.contract.status import Status
from aftersale.times import local
from aftersale.vocabulary import CaseKind, Clock, Command, Party, State
from simulation.courses.decisions import DECLINED, decision, forbidden
from simulation.courses.people import ACTORS, yuan
from simulation.courses.statuses import awaited, givers, offered
from simulation.courses.walks import KINDS

T = TypeVar("T")

EVIDENCE = [{"uri": "https://evidence.example/1"}]
DELIVERED = {"dispatched_at": "2024-01-22T10:00:00+08:00", "signed_for_at": "2024-01-24T18:00:00+08:00"}


@dataclass(frozen=True)
class Sending:
    """A command as it is sent, and the code of the refusal that it must meet; None where it is meant well."""

    command: Command
    payload: Any
    refused_as: str | None = None

    def __str__(self) -> str:
        return f"{self.command} {self.payload}{f', {self.refused_as}' if self.refused_as else ''}"


@dataclass
class Sender:
    """Makes what is sent to one case, by chance."""

    case: Mapping[str, Any]
    chance: Random

    def pick(self, among: Sequence[T]) -> T:
        """Return one of several, by chance."""
        return self.chance.choice(among)

    def by(self, party: Party, **fields: Any) -> dict[str, Any]:
        """Return a payload with the party's own reference, or any where no party of the case is meant."""
        return {"actor": {"party": party, "id": ACTORS.get(party, ("", "x-1"))[1]}, **fields}

    def maybe(self, **fields: Any) -> dict[str, Any]:
        """These fields, in one case of two."""
        return fields if self.chance.random() < 0.5 else {}

    # Meant well

    def meant(self, status: Status, command: Command, party: Party) -> Sending:
        """Return the command as the party would give it there."""
        return Sending(command, self.by(party, **self.fields(status, command)))

    def fields(self, status: Status, command: Command) -> dict[str, Any]:
        """Return the fields of a command, as somebody could mean them where the case stands."""
        match command:
            case Command.REJECT | Command.ESCALATE:
                return {"reason_code": "because", **self.maybe(note="so it is")}
            case Command.REFUSE_RECEIPT:
                return {"reason_code": "empty", **self.maybe(evidence=EVIDENCE)}
            case Command.OFFER:
                return self.pick([{"kind": self.pick(KINDS).value}, {}]) | self.money(status) or {"kind": "refund"}
            case Command.SHIP_BACK:
                return {"carrier": "sf", "tracking_no": "BACK"}
            case Command.DISPATCH:
                return {"carrier": "sf", "tracking_no": "OUT"} | (
                    self.maybe(replaced=True) if status.kind is CaseKind.REPAIR else {}
                )
            case Command.CONFIRM_RECEIPT:
                return self.maybe(items=self.arrived())
            case Command.AMEND:
                return self.amended(status)
            case Command.RULE:
                outcome = self.pick(["refund", "refund", "return", "replacement", "dismissal"])
                liable = self.pick(["buyer", "merchant", "platform", "carrier"])
                return {"outcome": outcome, "liability": liable} | self.money(status)
            case Command.ADD_EVIDENCE:
                return {"evidence": EVIDENCE * self.pick([1, 2])}
            case Command.AGREE_LIMIT:
                clock = status.deadlines[0].clock if status.deadlines else Clock.BUYER_RETURN
                return {"clock": self.pick([clock, Clock.BUYER_RETURN]).value, "limit": self.pick(["P3D", "P20D"])}
            case Command.RETRY_REFUND:
                return self.maybe(tender="bank")
            case Command.DECIDE_CLAIM:
                return decision(self.case, self.chance)
            case _:
                return {}

    def money(self, status: Status) -> dict[str, Any]:
        """Nothing, some of what is owed, or some of what is owed for one line where no line was settled otherwise."""
        owed = status.refund.amount_minor
        line = self.pick(self.case["items"])
        asked = line["requested"]["amount_minor"]
        ways: list[dict[str, Any]] = [{}]
        if status.refund.instructions:
            return {}  # what was paid ahead is shown, and no more what is owed
        if owed:
            ways.append({"amount": yuan(self.chance.randint(1, owed))})
        if owed == sum(each["requested"]["amount_minor"] for each in self.case["items"]):
            part = {"order_line_id": line["order_line_id"], "amount_minor": self.chance.randint(1, asked)}
            ways.append({"lines": [part]})
        return self.pick(ways)

    def arrived(self) -> list[dict[str, Any]]:
        """Return what may have arrived, by condition; at least one piece of the first line."""
        pieces = [{name: each[name] for name in ("order_line_id", "quantity")} for each in self.case["items"]]
        fewer = [{**piece, "quantity": self.chance.randint(1, piece["quantity"])} for piece in pieces]
        broken = [{**piece, "quantity": 1, "condition": "damaged"} for piece in pieces]
        lost = [{**piece, "condition": "missing"} for piece in pieces[1:]]
        return self.pick([pieces, fewer, broken, fewer[:1], [*fewer[:1], *lost]])

    def amended(self, status: Status) -> dict[str, Any]:
        """Another request; after a breach, the money."""
        if status.state is State.AWAITING_MERCHANT_DISPATCH:
            return {"kind": CaseKind.REFUND.value}
        fewer = [{**each, "quantity": self.chance.randint(1, each["quantity"])} for each in self.case["items"]]
        left = self.maybe(**DELIVERED)
        return (
            self.maybe(kind=self.pick(KINDS).value) | self.maybe(items=fewer[:1]) | self.maybe(reason_code="x") | left
        )

    # To be refused

    def spoiled(self, status: Status, now: datetime) -> Sending:
        """Return a command that the case must refuse where it stands."""
        ways = [self.out_of_place, self.wrong_party, self.stranger, self.malformed, self.beyond]
        if self.case.get("claim_type"):
            ways += [self.beyond_the_award] * 2
        if status.state is State.AWAITING_CLAIM_REVIEW:
            ways += [self.wrong_tier] * 2
        return self.pick(ways)(status) if self.chance.randrange(4) else self.out_of_time(status, now)

    def out_of_place(self, status: Status) -> Sending:
        """Return a command that the table does not allow here, or not now."""
        command = self.pick(sorted(set(Command) - offered(status) - {Command.EXTEND}))
        party = self.pick(sorted(PARTIES[command] & ACTORS.keys()))
        harmless: dict[Command, dict[str, Any]] = {
            Command.AMEND: {"kind": "refund"},
            Command.OFFER: {"kind": "refund"},
            Command.RULE: {"outcome": "refund", "liability": "merchant"},
            Command.CONFIRM_RECEIPT: {},
            Command.DISPATCH: {"carrier": "sf", "tracking_no": "OUT"},
            Command.DECIDE_CLAIM: DECLINED,
        }
        fields = harmless[command] if command in harmless else self.fields(status, command)
        return Sending(command, self.by(party, **fields), "illegal_move")

    def wrong_party(self, status: Status) -> Sending:
        """Return a command by a party that never gives it."""
        command = self.pick(sorted(Command))
        given = DECLINED if command is Command.DECIDE_CLAIM else self.fields(status, command)
        return Sending(command, self.by(self.pick(sorted(set(Party) - PARTIES[command])), **given), "wrong_party")

    def stranger(self, status: Status) -> Sending:
        """Return a command of another merchant, or another buyer."""
        theirs = [command for command in sorted(Command) if PARTIES[command] & {Party.MERCHANT, Party.BUYER}]
        command = self.pick(theirs)
        party = self.pick(sorted(PARTIES[command] & {Party.MERCHANT, Party.BUYER}))
        given = DECLINED if command is Command.DECIDE_CLAIM else self.fields(status, command)
        payload = {**self.by(party, **given), "actor": {"party": party, "id": "somebody-else"}}
        return Sending(command, payload, "wrong_party")

    def malformed(self, status: Status) -> Sending:
        """Return a payload that is none."""
        command = self.pick(sorted(Command))
        good = self.by(self.pick(sorted(PARTIES[command])))
        no_party, no_zone = {"actor": {"party": "neighbour", "id": "N-1"}}, {**good, "occurred_at": "yesterday"}
        return Sending(
            command, self.pick([None, [], "now", {}, {**good, "surprise": 1}, no_party, no_zone]), "bad_input"
        )

    def beyond(self, status: Status) -> Sending:
        """More money than was paid, or more goods than were claimed; wherever the case stands."""
        paid = sum(each["paid"]["amount_minor"] for each in self.case["order"]["lines"])
        line, quantity = (self.case["items"][0][name] for name in ("order_line_id", "quantity"))
        much, ruling = yuan(paid + 1), {"outcome": "refund", "liability": "merchant"}
        return self.pick(
            [
                Sending(Command.OFFER, self.by(Party.MERCHANT, amount=much), "bad_input"),
                Sending(Command.OFFER, self.by(Party.MERCHANT, amount=yuan(0)), "bad_input"),
                Sending(Command.OFFER, self.by(Party.MERCHANT, amount=yuan(1, "EUR")), "bad_input"),
                Sending(Command.RULE, self.by(Party.PLATFORM, amount=much, **ruling), "bad_input"),
                *(
                    Sending(Command.CONFIRM_RECEIPT, self.by(Party.MERCHANT, items=[items]), "bad_input")
                    for items in (
                        {"order_line_id": line, "quantity": quantity + 100},
                        {"order_line_id": "L9", "quantity": 1},
                        {"order_line_id": line, "quantity": 1, "condition": "missing"},
                    )
                ),
            ]
        )

    def wrong_tier(self, status: Status) -> Sending:
        """Return a decision on a claim by the reviewer who is not awaited."""
        (theirs,) = {Party.MERCHANT, Party.PLATFORM} - {awaited(status)} if status.held_since is None else {Party.BUYER}
        code = "wrong_party" if theirs is Party.BUYER else "illegal_move"
        return Sending(Command.DECIDE_CLAIM, self.by(theirs, **DECLINED), code)

    def beyond_the_award(self, status: Status) -> Sending:
        """Return a decision on a claim that the policy does not allow."""
        party = self.pick([Party.MERCHANT, Party.PLATFORM])
        given = self.pick(forbidden(self.case))
        return Sending(Command.DECIDE_CLAIM, self.by(party, decision="approve", **given), "bad_input")

    def out_of_time(self, status: Status, now: datetime) -> Sending:
        """Return what is legal here, at an instant to come or from before the case."""
        moves = legal(status.state, status.kind, held=status.held_since is not None)
        if not moves:
            return self.malformed(status)
        command = self.pick(sorted(moves))
        sending = self.meant(status, command, self.pick(givers(status, command)))
        when = self.pick([now + timedelta(days=2), status.timeline[0].at - timedelta(hours=1)])
        return Sending(command, {**sending.payload, "occurred_at": local(when)}, "bad_input")

"""The rules played on paper: what becomes of a case by what each timeout does, and by the policy book.

It shares no line with the workflows, so that where both agree neither copied the other's mistake.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from aftersale.policy.book import Book
from aftersale.policy.deadline import Deadline
from aftersale.policy.facts import Question
from aftersale.times import SECOND
from aftersale.vocabulary import CaseKind, ClaimType, Clock, CloseReason, Outcome, Tier
from tests.model.population import DAY, Person, instant

TOO_LATE = {"approve", "reject", "ship_back", "confirm_receipt", "refuse_receipt", "escalate", "grant", "decline"}
"""What nobody can do any more once silence has taken effect; other acts are as good then as ever."""


@dataclass(frozen=True)
class Ran:
    """A clock that ran, and whether it ran out."""

    clock: Clock
    tier: Tier
    started_at: datetime
    due_at: datetime
    rules: tuple[str, ...]
    lapsed: bool


@dataclass(frozen=True)
class Happened:
    """Something that somebody does; `vain` where it comes a second too late."""

    at: datetime
    what: str
    vain: bool = False


@dataclass
class Played:
    """What became of a case."""

    ran: list[Ran] = field(default_factory=list)
    happened: list[Happened] = field(default_factory=list)
    ends: Outcome | CloseReason | None = None

    @property
    def lapses(self) -> list[tuple[Clock, datetime]]:
        """The silences that took effect, and when: one second after the last instant in time (R4)."""
        return [(ran.clock, ran.due_at + SECOND) for ran in self.ran if ran.lapsed]


@dataclass(frozen=True)
class Heard:
    """How a wait ended: by what, or by silence where that is None."""

    what: str | None
    at: datetime


End = Outcome | CloseReason

WITHDRAWN = CloseReason.WITHDRAWN


class Simulation:
    """One case on paper."""

    def __init__(self, book: Book, person: Person) -> None:
        """What is left to chance is drawn by the person's own."""
        self._book, self._person = book, person
        self._chance = Random(person.chance)
        self._played = Played()

    def play(self) -> Played:
        """Play the case to its end."""
        self._played.ends = self._claim() if self._person.kind is CaseKind.CLAIM else self._asked()
        return self._played

    # Kinds of case

    def _asked(self) -> End:
        heard = self._wait(Clock.MERCHANT_REVIEW, self._person.applied_at, "approve", "approve", "reject", "withdraw")
        match heard.what:
            case "reject":
                return self._dispute(heard.at)
            case "withdraw":
                return WITHDRAWN
            case _:
                return self._agreed(heard.at)

    def _agreed(self, agreed_at: datetime) -> End:
        match self._person.kind:
            case CaseKind.REFUND:
                return Outcome.REFUNDED
            case CaseKind.RESHIP:
                return self._goods_out(Clock.RESHIP_DISPATCH, agreed_at, Outcome.RESHIPPED)
            case _:
                return self._goods_back(agreed_at)

    def _claim(self) -> End:
        goods = ("grant_for_goods",) if self._person.claim_type is ClaimType.COSMETIC_ALLERGY else ()
        wanted = "grant", "decline", "withdraw", *goods
        heard = self._wait(Clock.CLAIM_REVIEW, self._person.applied_at, *wanted)
        match heard.what:
            case "grant":
                return Outcome.COMPENSATED
            case "grant_for_goods":
                return self._goods_back(heard.at)
            case "withdraw":
                return WITHDRAWN
            case _:
                return self._for_the_platform(heard.at)

    def _for_the_platform(self, passed_on_at: datetime) -> End:
        heard = self._wait(Clock.CLAIM_REVIEW, passed_on_at, "overrule", "uphold", tier=Tier.PLATFORM)
        if heard.what is None:
            heard = self._at_last(heard.at, "overrule", "uphold")
        return Outcome.COMPENSATED if heard.what == "overrule" else CloseReason.CLAIM_DECLINED

    # What several kinds share

    def _dispute(self, refused_at: datetime) -> End:
        heard = self._wait(Clock.ESCALATION, refused_at, "escalate", "escalate", "withdraw")
        if heard.what is None:
            return CloseReason.NOT_ESCALATED
        if heard.what == "withdraw":
            return WITHDRAWN
        ruled = self._wait(Clock.ARBITRATION_EVIDENCE, heard.at, "award", "dismiss")
        if ruled.what is None:
            ruled = self._wait(Clock.ARBITRATION_RULING, ruled.at, "award", "dismiss")
        if ruled.what is None:
            ruled = self._at_last(ruled.at, "award", "dismiss")
        return Outcome.REFUNDED if ruled.what == "award" else CloseReason.DISMISSED

    def _goods_back(self, agreed_at: datetime) -> End:
        sent = self._wait(Clock.BUYER_RETURN, agreed_at, "ship_back", "ship_back", "withdraw")
        if sent.what is None:
            return CloseReason.NOT_SENT_BACK
        if sent.what == "withdraw":
            return WITHDRAWN
        heard = self._wait(Clock.MERCHANT_RECEIPT, sent.at, "sign_off", "sign_off", "confirm_receipt", "refuse_receipt")
        if heard.what == "sign_off":
            return self._inspected(heard.at)
        return self._dispute(heard.at) if heard.what == "refuse_receipt" else self._received(heard.at)

    def _inspected(self, signed_off_at: datetime) -> End:
        exchange = self._person.kind is CaseKind.EXCHANGE
        clock = Clock.REPLACEMENT_DISPATCH if exchange else Clock.MERCHANT_INSPECTION
        heard = self._wait(clock, signed_off_at, "confirm_receipt", "confirm_receipt", "refuse_receipt")
        if heard.what == "refuse_receipt":
            return self._dispute(heard.at)
        if not exchange:
            return self._received(heard.at)
        if heard.what is None:
            return self._breached(heard.at, Outcome.EXCHANGED)
        running = self._played.ran.pop()  # it keeps running into the next state
        return self._goods_out(clock, running.started_at, Outcome.EXCHANGED, since=heard.at)

    def _received(self, received_at: datetime) -> End:
        match self._person.kind:
            case CaseKind.EXCHANGE:
                return self._goods_out(Clock.REPLACEMENT_DISPATCH, received_at, Outcome.EXCHANGED)
            case CaseKind.REPAIR:
                return self._goods_out(Clock.REPAIR_DISPATCH, received_at, Outcome.REPAIRED)
            case CaseKind.CLAIM:
                return Outcome.COMPENSATED
            case _:
                return Outcome.REFUNDED

    def _goods_out(self, clock: Clock, started_at: datetime, outcome: Outcome, since: datetime | None = None) -> End:
        heard = self._wait(clock, started_at, "dispatch", "dispatch", "withdraw", since=since)
        if heard.what is None:
            return self._breached(heard.at, outcome)
        return WITHDRAWN if heard.what == "withdraw" else self._received_by_buyer(heard.at, outcome)

    def _breached(self, lapsed_at: datetime, outcome: Outcome) -> End:
        heard = self._wait(Clock.STALLED, lapsed_at, "dispatch", "money_instead")
        if heard.what is None:
            heard = self._at_last(heard.at, "dispatch", "money_instead")
        return Outcome.REFUNDED if heard.what == "money_instead" else self._received_by_buyer(heard.at, outcome)

    def _received_by_buyer(self, sent_at: datetime, outcome: Outcome) -> End:
        heard = self._wait(Clock.STALLED, sent_at, "delivered", "delivered", "confirm_delivery")
        if heard.what is None:
            heard = self._at_last(heard.at, "delivered", "confirm_delivery")
        if heard.what == "delivered":
            self._wait(Clock.BUYER_RECEIPT, heard.at, "confirm_delivery")
        return outcome

    # Time

    def _wait(
        self, clock: Clock, started_at: datetime, *acts: str, tier: Tier = Tier.MERCHANT, since: datetime | None = None
    ) -> Heard:
        """One of the acts in time, at its last second or the one before often; or silence, maybe with one too late."""
        deadline = self._deadline(clock, started_at, tier)
        due_at = deadline.due_at
        assert due_at is not None
        what, when = self._drawn(acts, (since or started_at) + timedelta(minutes=1), due_at)
        self._played.ran.append(Ran(clock, tier, started_at, due_at, deadline.rules, when is None))
        if when is not None:
            return self._happens(what, when)
        lapsed_at = due_at + SECOND
        if what in TOO_LATE and self._chance.randrange(2):
            self._played.happened.append(Happened(lapsed_at, what, vain=True))
        return Heard(None, lapsed_at)

    def _drawn(self, acts: tuple[str, ...], earliest: datetime, due_at: datetime) -> tuple[str, datetime | None]:
        what = self._chance.choice(acts)
        match self._chance.randrange(6):
            case 0 | 1:
                return what, None
            case 2:
                return what, due_at
            case 3 if due_at - SECOND > earliest:
                return what, due_at - SECOND
            case _:
                return what, instant(self._chance, min(earliest, due_at), due_at)

    def _at_last(self, since: datetime, *acts: str) -> Heard:
        """What happens where no silence ends a stage, within three days."""
        return self._happens(
            self._chance.choice(acts), instant(self._chance, since + timedelta(minutes=1), since + 3 * DAY)
        )

    def _happens(self, what: str, when: datetime) -> Heard:
        self._played.happened.append(Happened(when, what))
        return Heard(what, when)

    def _deadline(self, clock: Clock, started_at: datetime, tier: Tier) -> Deadline:
        person = self._person
        return self._book.ask(
            Question.model_validate(
                {
                    "clock": clock,
                    "kind": person.kind,
                    "dispatched": person.dispatched_at is not None,
                    "started_at": started_at,
                    "as_of": started_at,
                    "tier": tier,
                    "order": person.order,
                }
            )
        )


def played(book: Book, people: list[Person]) -> Iterator[tuple[Person, Played]]:
    """What becomes of all of them."""
    return ((person, Simulation(book, person).play()) for person in people)

"""The arithmetic of one deadline: the ordinary point first, then what a rule makes of it (R8).

Pure: no clock, no I/O. Every step leaves a line in `because`, and the lines re-add to the answer.
"""

from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from pydantic import Field, StrictBool

from aftersale.errors import PolicyGap, bad_input
from aftersale.policy.clauses import DayEnd, Effect, FactInstant, FactLimit, InstantPath, LimitPath
from aftersale.policy.facts import Facts
from aftersale.policy.rules import Extension, OrdinaryLimit
from aftersale.schema import Duration, Instant, Schema
from aftersale.times import SECOND, duration, local, next_midnight, span
from aftersale.vocabulary import Clock, OnTimeout


class ExplainedDeadline(Schema):
    """When a clock runs out, and why: what callers see of it, and `policy explain` answers.

    `due_at` is the last instant in time or, with `exclusive`, the midnight at which a right ends; None when waived.
    `ordinary_due_at` is the point without any rule. `limit` is None where a fixed instant decides. `rules` names what
    applied, selector first; empty means ordinary.
    """

    clock: Clock
    started_at: Instant
    due_at: Instant | None
    exclusive: StrictBool
    ordinary_due_at: Instant
    limit: Duration | None
    waived: StrictBool
    rules: tuple[str, ...]
    policy_version: str
    on_timeout: OnTimeout
    counts_for_score: StrictBool
    because: tuple[str, ...]


class Deadline(ExplainedDeadline):
    """A deadline with what its case needs beside.

    `statutory` clocks are never held (R16). `extension` is what a party may still ask for, `grace` the time that a late
    fact leaves to everyone (R13). `reminders` are how long before the last instant in time the party that is awaited is
    reminded.
    """

    statutory: bool = False
    extension: Extension | None = None
    grace: Duration = Field(default="PT0S")
    reminders: tuple[Duration, ...] = ()


@dataclass(frozen=True)
class Applied:
    """The one rule that a clock follows: its effect in the zone of its file, and why it was chosen."""

    rules: tuple[str, ...]
    effect: Effect
    says: str
    zone: ZoneInfo
    reasons: tuple[str, ...] = ()


@dataclass
class Computation:
    """One clock being computed, step by step."""

    clock: Clock
    facts: Facts
    ordinary: OrdinaryLimit
    started_at: datetime
    zone: ZoneInfo
    cut_off: time | None = None
    because: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Compute the ordinary point: what notices select on, and what no rule undercuts."""
        self.start = self._aligned()
        self.limit: str | None = self._ordinary_limit()
        self.ordinary_text: str | None = self.limit
        self.ordinary_due_at = self._add("ordinary", self.start, self.limit, self._cited())
        rule = self.ordinary.day_end
        if rule is not None and rule.service in self.facts.order.services:
            self._end_with_the_day(rule)
        self.due_at = self.ordinary_due_at

    def apply(self, applied: Applied) -> None:
        """Carry out the effect of the winning rule; it shortens only where it says so."""
        self.because.extend(applied.reasons)
        name, effect = applied.rules[-1], applied.effect
        if effect.unchanged:
            self.because.append(f"{name} leaves the ordinary limit as it is: {applied.says}")
            return
        asked, limit = self._asked(name, effect, applied)
        if asked < self.ordinary_due_at and not effect.may_shorten:
            stands = f"the ordinary point {self._show(self.due_at)} is later and stands"
            self.because.append(f"{name} never shortens: {stands}")
            return
        if effect.cap is not None and asked >= self.ordinary_due_at:
            self.because.append(f"{name} caps later points only: {self._show(self.due_at)} stands")
            return
        self.due_at, self.limit = asked, limit

    def guard(self) -> bool:
        """Keep the buyer's statutory right whole (R10): a floor is never cut, a ceiling never lengthened.

        Returns whether the law overruled what was asked.
        """
        floor_cut = self.ordinary.statutory == "floor" and self.due_at < self.ordinary_due_at
        ceiling_passed = self.ordinary.statutory == "ceiling" and self.due_at > self.ordinary_due_at
        if not floor_cut and not ceiling_passed:
            return False
        self.due_at, self.limit = self.ordinary_due_at, self.ordinary_text
        self.because.append(f"statutory: the law's point {self._show(self.due_at)} stands (R10)")
        return True

    def lengthen(self) -> None:
        """Add granted extensions (R10; not to a ceiling of the law) and the time held (R16; to no clock of the law)."""
        if self.ordinary.statutory != "ceiling":
            for granted in self.facts.extensions:
                self.due_at = self._add("extension", self.due_at, granted, "granted on this clock (R10)")
        if self.facts.held and not self.ordinary.statutory:
            self.due_at = self._add("hold", self.due_at, self.facts.held, "held by the platform (R16)")

    def _aligned(self) -> datetime:
        if self.ordinary.align == "instant":
            return self.started_at
        start = next_midnight(self.started_at, self.zone)
        self.because.append(f"counts from the next local midnight after {self._show(self.started_at)} (R5)")
        return start

    def _end_with_the_day(self, rule: DayEnd) -> None:
        """Let the ordinary point be no later than the day's last second, or the next day's from the cut-off on (S2)."""
        if self.cut_off is None:
            raise PolicyGap(f"{self.clock}: {rule.unset}")
        midnight = next_midnight(self.start, self.zone)
        before = self.start.astimezone(self.zone).time() < self.cut_off
        ends = (midnight if before else next_midnight(midnight, self.zone)) - SECOND
        when = (
            f"{self._show(self.start)} is {'before' if before else 'not before'} the cut-off hour {self.cut_off:%H:%M}"
        )
        self.because.append(f"{rule.service}: {when}, so until {self._show(ends)} (assumed: {rule.assumed})")
        if ends < self.ordinary_due_at:
            self.ordinary_due_at, self.limit, self.ordinary_text = ends, None, None
        else:
            self.because.append(f"the ordinary point {self._show(self.ordinary_due_at)} is not later and stands")

    def _ordinary_limit(self) -> str:
        if self.ordinary.unset is not None:
            raise PolicyGap(f"{self.clock}: {self.ordinary.unset}")
        if not isinstance(self.ordinary.limit, FactLimit):
            assert self.ordinary.limit is not None
            return self.ordinary.limit
        return self._fact_limit(self.ordinary.limit)

    def _fact_limit(self, wanted: FactLimit) -> str:
        given = given_limit(wanted.fact, self.clock, self.facts) or wanted.otherwise or wanted.at_most
        if given is None:
            raise bad_input(wanted.fact, f"is required for the {self.clock} clock; add it")
        if wanted.at_most is not None and span(wanted.at_most) < span(given):
            return wanted.at_most
        return given

    def _asked(self, name: str, effect: Effect, applied: Applied) -> tuple[datetime, str | None]:
        if effect.add is not None:
            limit = duration(span(self.ordinary_text) + span(effect.add)) if self.ordinary_text else None
            return self._add(name, self.ordinary_due_at, effect.add, applied.says), limit
        until = effect.until
        if isinstance(until, FactInstant):
            until = given_instant(until.fact, self.facts)
        elif until is not None:
            until = until.replace(tzinfo=applied.zone)
        if until is not None:
            self.because.append(f"{name}: until {self._show(until)} ({applied.says})")
            return until, None
        wanted = effect.cap or effect.set
        limit = self._fact_limit(wanted) if isinstance(wanted, FactLimit) else wanted
        assert limit is not None
        return self._add(name, self.start, limit, applied.says), limit

    def _add(self, name: str, base: datetime, limit: str, why: str) -> datetime:
        try:
            result = base + span(limit)
            self.because.append(f"{name}: {self._show(base)} + {limit} = {self._show(result)} ({why})")
        except OverflowError:
            raise bad_input("started_at", f"{name} runs past the calendar's end") from None
        return result

    def _cited(self) -> str:
        cited = self.ordinary.source if self.ordinary.basis != "assumed" else self.ordinary.reason
        return f"{self.ordinary.basis}: {cited}"

    def _show(self, instant: datetime) -> str:
        return local(instant, self.zone)


def given_limit(path: LimitPath, clock: Clock, facts: Facts) -> str | None:
    """Return the limit that a rule names by path, or None where the case does not have it."""
    match path:
        case "order.dispatch_promise":
            return facts.order.dispatch_promise
        case "order.merchant_delay.limit":
            return facts.order.merchant_delay.limit if facts.order.merchant_delay else None
        case "agreed_limit":
            return facts.agreed_limits.get(clock)


def given_instant(path: InstantPath, facts: Facts) -> datetime | None:
    """Return the instant that a rule names by path, or None where the case does not have it."""
    match path:
        case "order.merchant_delay.until":
            return facts.order.merchant_delay.until if facts.order.merchant_delay else None

"""Select the rules that hold: filters over snapshots, windows over instants, and the winner among them (R10)."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from aftersale.errors import PolicyFault, bad_input
from aftersale.policy.clauses import STRENGTH, Clause, Effect, FactInstant, FactLimit, Key, PolicyRule, When
from aftersale.policy.deadline import Applied, Computation, given_instant, given_limit
from aftersale.policy.facts import Facts
from aftersale.policy.rules import PolicyFile, PresaleCap
from aftersale.policy.validity import is_known, stretch, when_known
from aftersale.times import Stretch, local
from aftersale.vocabulary import Clock

Filter = Callable[[Facts], bool]

CLICK_STARTED = frozenset({Clock.FALSE_DISPATCH_PICKUP, Clock.FALSE_TRACKING_PICKUP})
_KEY_WORDS: dict[Key, str] = {
    "timeout_point": "the ordinary timeout point",
    "started": "the start of the clock",
    "applied": "the application",
    "paid": "the payment",
    "dispatch_clicked": "the dispatch click",
}


def filters(when: When) -> tuple[Filter, ...]:
    """Return the filters that a `when` asks for, ready to be put to facts; all must hold."""
    return tuple(
        partial(_READERS[name], wanted)
        for name in sorted(when.model_fields_set)
        if (wanted := getattr(when, name)) is not None
    )


def _shares(wanted: Collection[str], given: Collection[str]) -> bool:
    return any(each in wanted for each in given)


_READERS: dict[str, Callable[..., bool]] = {
    "kind": lambda wanted, facts: facts.kind in wanted,
    "tier": lambda wanted, facts: facts.tier == wanted,
    "dispatched": lambda wanted, facts: facts.dispatched is wanted,
    "sale_mode": lambda wanted, facts: facts.order.sale_mode == wanted,
    "merchant_class": lambda wanted, facts: facts.order.merchant_class in wanted,
    "shop_type_any": lambda wanted, facts: facts.order.shop_type in wanted,
    "shop_type_none": lambda wanted, facts: facts.order.shop_type not in wanted,
    "labels_any": lambda wanted, facts: _shares(wanted, facts.order.labels),
    "labels_none": lambda wanted, facts: not _shares(wanted, facts.order.labels),
    "services_any": lambda wanted, facts: _shares(wanted, facts.order.services),
    "services_none": lambda wanted, facts: not _shares(wanted, facts.order.services),
    "categories_any": lambda wanted, facts: _shares(wanted, facts.order.categories),
    "categories_none": lambda wanted, facts: not _shares(wanted, facts.order.categories),
    "regions_any": lambda wanted, facts: facts.order.region in wanted,
    "regions_none": lambda wanted, facts: facts.order.region not in wanted,
    "carriers_any": lambda wanted, facts: facts.order.carrier in wanted,
}


@dataclass(frozen=True)
class WindowTest:
    """An instant that must lie in a window."""

    key: Key
    id: str
    window: Stretch
    zone: ZoneInfo

    def reason(self, instant: datetime) -> str:
        """Say why the test let the instant through, for an explanation."""
        ends = (self.window.start, self.window.end)
        bounds = " ~ ".join(local(end, self.zone) if end else "…" for end in ends)
        return f"{self.id}: {_KEY_WORDS[self.key]} {local(instant, self.zone)} lies in {bounds}"


@dataclass(frozen=True)
class Bound:
    """A rule with what its file and selector add to it, ready to be judged for a clock."""

    file: str
    rule: PolicyRule
    ids: tuple[str, ...]
    strength: int
    known: Stretch
    zone: ZoneInfo
    whens: tuple[When, ...]
    filters: tuple[Filter, ...]
    window_tests: tuple[WindowTest, ...]
    supersedes: frozenset[str]

    def concerns(self, facts: Facts, clock: Clock) -> bool:
        """Tell whether the snapshots, apart from any instant, put the rule in question for this clock."""
        return all(holds(facts) for holds in self.filters) and _has_facts(self.rule.effect, clock, facts)

    def applies(self, computation: Computation) -> Applied | None:
        """Return the rule as it applies to the clock being computed, or None."""
        clock, facts = computation.clock, computation.facts
        if not self.concerns(facts, clock):
            return None
        reasons = []
        for test in self.window_tests:
            instant = self.instant(test, computation)
            if instant is None or instant not in test.window:
                return None
            reasons.append(test.reason(instant))
        if not self._switched_on(computation):
            return None
        ours = f"; assumed: {self.rule.assumed}" if self.rule.assumed else ""
        return Applied(self.ids, self.rule.effect, self.rule.says + ours, self.zone, tuple(reasons))

    def within_reach(self, facts: Facts, since: datetime) -> bool:
        """Tell whether a clock that starts at or after `since` can still come under the rule."""
        given: dict[Key, datetime | None] = {
            "applied": facts.applied_at,
            "paid": facts.order.paid_at,
            "dispatch_clicked": facts.dispatch_clicked_at,
        }
        return self.known.meets(Stretch(since)) and all(
            instant in test.window if (instant := given.get(test.key)) else test.window.meets(Stretch(since))
            for test in self.window_tests
        )

    def displaces(self, other: "Bound") -> bool:
        """Tell whether this rule goes before the other where both hold at equal strength."""
        return other.file in self.supersedes or (other.file == self.file and other.rule.id in self.rule.overrides)

    def instant(self, test: WindowTest, computation: Computation) -> datetime | None:
        """Return the instant that the test judges, or None where the case does not have it.

        Raises BadInput where it is the payment and nobody said when that was.
        """
        match test.key:
            case "timeout_point":
                return computation.ordinary_due_at
            case "started":
                return computation.started_at
            case "applied":
                return self._applied(computation)
            case "paid":
                return self._paid(computation)
            case "dispatch_clicked":
                return self._clicked(computation)

    def _paid(self, computation: Computation) -> datetime:
        paid = computation.started_at if computation.clock is Clock.DISPATCH else computation.facts.order.paid_at
        if paid is None:
            wanted = f"is required: {self.ids[0]} selects on it; add the instant of payment"
            raise bad_input("order.paid_at", wanted)
        return paid

    def _applied(self, computation: Computation) -> datetime | None:
        applied_at = computation.facts.applied_at
        if applied_at is None and computation.clock is Clock.MERCHANT_REVIEW:
            return computation.started_at
        if applied_at is None:
            computation.because.append(f"{self.ids[0]} is passed over: applied_at is not given")
        return applied_at

    def _clicked(self, computation: Computation) -> datetime | None:
        if computation.clock in CLICK_STARTED:
            return computation.started_at
        if computation.facts.dispatch_clicked_at is None:
            computation.because.append(f"{self.ids[0]} is passed over: dispatch_clicked_at is not given")
        return computation.facts.dispatch_clicked_at

    def _switched_on(self, computation: Computation) -> bool:
        """Tell whether the merchant's own switches leave the rule bound to this order (S17)."""
        order, rule = computation.facts.order, self.rule
        set_at = order.merchant_delay.set_at if rule.opt_in and order.merchant_delay else None
        if rule.opt_in and (set_at is None or set_at > self._paid(computation)):
            return False
        cancelled_at = order.delay_cancelled_at if rule.opt_out else None
        if cancelled_at is None or cancelled_at >= self._paid(computation) or (set_at and set_at >= cancelled_at):
            return True
        computation.because.append(f"{self.ids[-1]} is passed over: the merchant cancelled it at {local(cancelled_at)}")
        return False


def bind(file: PolicyFile) -> Iterator[Bound]:
    """Return every rule of a file with its selector, windows and filters resolved."""
    windows = {window.id: stretch(window, file.tz) for window in file.window}
    selectors = {selector.id: selector for selector in file.selector}
    scope = (When(merchant_class=file.scope),) if file.scope else ()
    for rule in file.rule:
        parents = [selectors[rule.under]] if rule.under is not None else []
        sources: list[Clause] = [*parents, rule]
        tier = next((source.tier for source in reversed(sources) if source.tier), file.tier)
        assert tier is not None
        whens = (*scope, *(source.when for source in sources))
        yield Bound(
            file=file.id,
            rule=rule,
            ids=(*(parent.id for parent in parents if parent.cited), rule.id),
            strength=STRENGTH[tier],
            known=when_known(file),
            zone=file.tz,
            whens=whens,
            filters=tuple(each for when in whens for each in filters(when)),
            window_tests=tuple(_window_tests(sources, windows, file.tz)),
            supersedes=frozenset(file.supersedes),
        )


@dataclass(frozen=True)
class BoundCap:
    """A pre-sale cap with its window resolved."""

    file: PolicyFile
    row: PresaleCap
    known: Stretch
    window: Stretch

    def holds(self, at: datetime, as_of: datetime | None) -> bool:
        """Tell whether the cap decides on a pre-sale set at this instant, by what was known at `as_of`."""
        return at in self.window and is_known(self.known, as_of)

    def displaces(self, other: "BoundCap") -> bool:
        """Tell whether this cap goes before the other where both hold.

        A row that gives the matter back to the category (S21) says what is ordinary: any later cap goes before it.
        """
        back_to_category = other.row.cap == "category" != self.row.cap
        return other.file.id in self.file.supersedes or (other.file.id != self.file.id and back_to_category)


def caps(file: PolicyFile) -> Iterator[BoundCap]:
    """Return every pre-sale cap of a file, ready to be judged."""
    windows = {window.id: stretch(window, file.tz) for window in file.window}
    for row in file.presale:
        yield BoundCap(file, row, when_known(file), windows[row.window])


def strongest(found: list[tuple[Bound, Applied]], clock: Clock) -> Applied | None:
    """Return the one rule that wins (R10), or None for ordinary. Raises PolicyFault where two are equally strong."""
    if not found:
        return None
    top = max(bound.strength for bound, _ in found)
    rivals = [(bound, applied) for bound, applied in found if bound.strength == top]
    left = [(bound, applied) for bound, applied in rivals if not any(other.displaces(bound) for other, _ in rivals)]
    if len(left) != 1:
        names = " and ".join(sorted(f"{bound.file} {bound.rule.id}" for bound, _ in left or rivals))
        raise PolicyFault(f"{clock}: {names} hold at equal precedence; say which overrides or supersedes the other")
    return left[0][1]


def _window_tests(sources: list[Clause], windows: dict[str, Stretch], zone: ZoneInfo) -> list[WindowTest]:
    tests = [
        WindowTest(source.key, source.id, windows[source.window], zone)
        for source in sources
        if source.key is not None and source.window is not None
    ]
    # The payment is judged last: asking for it is an error where nobody gave it, so only once all else holds.
    return sorted(tests, key=lambda test: test.key == "paid")


def _has_facts(effect: Effect, clock: Clock, facts: Facts) -> bool:
    """Tell whether the case has a fact that the effect builds on, if it builds on one."""
    found: list[str | datetime | None] = []
    if isinstance(effect.set, FactLimit):
        found.append(given_limit(effect.set.fact, clock, facts) or effect.set.otherwise)
    if isinstance(effect.until, FactInstant):
        found.append(given_instant(effect.until.fact, facts))
    return not found or any(each is not None for each in found)

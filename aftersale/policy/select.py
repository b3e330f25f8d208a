"""Which rules hold: filters over snapshots, windows over instants, and who wins among those that hold (R10)."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from aftersale.errors import BadInput, PolicyFault, Problem
from aftersale.facts import Facts
from aftersale.kinds import Clock, MerchantClass
from aftersale.policy.deadline import Applied, Reckoning, fact
from aftersale.policy.rules import (
    STRENGTH,
    Clause,
    Effect,
    FactInstant,
    FactLimit,
    FactPath,
    Key,
    PolicyFile,
    Rule,
    When,
    Window,
)
from aftersale.times import local

Filter = Callable[[Facts], bool]

_CLICK_STARTED = frozenset({Clock.FALSE_DISPATCH_PICKUP, Clock.FALSE_TRACKING_PICKUP})
_KEY_WORDS: dict[Key, str] = {
    "timeout_point": "the ordinary timeout point",
    "started": "the start of the clock",
    "paid": "the payment",
    "dispatch_clicked": "the dispatch click",
}


def filters(when: When) -> tuple[Filter, ...]:
    """The filters that a `when` asks for, ready to be put to facts; all must hold."""
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
class Gate:
    """An instant that must lie in a window; closed at second resolution (R2), open where an end is absent."""

    key: Key
    id: str
    start: datetime | None
    end: datetime | None
    zone: ZoneInfo

    def admits(self, instant: datetime) -> bool:
        """Whether the instant, floored to the second, lies in the window."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant <= self.end)

    def reason(self, instant: datetime) -> str:
        """Why the gate let the instant through, for an explanation."""
        bounds = " ~ ".join(local(end, self.zone) if end else "…" for end in (self.start, self.end))
        return f"{self.id}: {_KEY_WORDS[self.key]} {local(instant, self.zone)} lies in {bounds}"


@dataclass(frozen=True)
class Bound:
    """A rule with what its file and selector add to it, ready to be judged for a clock."""

    file: str
    rule: Rule
    ids: tuple[str, ...]
    strength: int
    known_from: datetime | None
    zone: ZoneInfo
    filters: tuple[Filter, ...]
    gates: tuple[Gate, ...]
    displaces: frozenset[str]

    def concerns(self, facts: Facts, clock: Clock) -> bool:
        """Whether the snapshots, apart from any instant, put the rule in question for this clock."""
        return all(holds(facts) for holds in self.filters) and _has_facts(self.rule.effect, clock, facts)

    def applies(self, reckoning: Reckoning) -> Applied | None:
        """The rule as it applies to the clock being reckoned, or None."""
        clock, facts = reckoning.clock, reckoning.facts
        if not self.concerns(facts, clock):
            return None
        reasons = []
        for gate in self.gates:
            instant = self._instant(gate, reckoning)
            if instant is None or not gate.admits(instant):
                return None
            reasons.append(gate.reason(instant))
        if not self._switched_on(reckoning):
            return None
        return Applied(self.ids, self.rule.effect, self.rule.says, self.zone, tuple(reasons))

    def within_reach(self, facts: Facts, since: datetime) -> bool:
        """Whether a clock that starts at or after `since` can still come under the rule."""
        return all(
            gate.admits(facts.order.paid_at) if gate.key == "paid" and facts.order.paid_at else not _over(gate, since)
            for gate in self.gates
        )

    def _instant(self, gate: Gate, reckoning: Reckoning) -> datetime | None:
        match gate.key:
            case "timeout_point":
                return reckoning.ordinary_due_at
            case "started":
                return reckoning.started_at
            case "paid":
                return self._paid(reckoning)
            case "dispatch_clicked":
                return self._clicked(reckoning)

    def _paid(self, reckoning: Reckoning) -> datetime:
        paid = reckoning.started_at if reckoning.clock is Clock.DISPATCH else reckoning.facts.order.paid_at
        if paid is None:
            wanted = f"is required: {self.ids[0]} selects on it; add the instant of payment"
            raise BadInput([Problem(field="order.paid_at", message=wanted)])
        return paid

    def _clicked(self, reckoning: Reckoning) -> datetime | None:
        if reckoning.clock in _CLICK_STARTED:
            return reckoning.started_at
        if reckoning.facts.dispatch_clicked_at is None:
            reckoning.because.append(f"{self.ids[0]} is passed over: dispatch_clicked_at is not given")
        return reckoning.facts.dispatch_clicked_at

    def _switched_on(self, reckoning: Reckoning) -> bool:
        """Whether the merchant's own switches leave the rule bound to this order (S17)."""
        order, rule = reckoning.facts.order, self.rule
        set_at = order.merchant_delay.set_at if rule.opt_in and order.merchant_delay else None
        if rule.opt_in and (set_at is None or set_at > self._paid(reckoning)):
            return False
        cancelled_at = order.delay_cancelled_at if rule.opt_out else None
        if cancelled_at is None or cancelled_at >= self._paid(reckoning) or (set_at and set_at >= cancelled_at):
            return True
        reckoning.because.append(f"{self.ids[-1]} is passed over: the merchant cancelled it at {local(cancelled_at)}")
        return False


def bind(file: PolicyFile) -> Iterator[Bound]:
    """Every rule of a file with its selector, windows and filters resolved.

    Raises PolicyFault, naming file and rule, where one names a selector or window that the file does not have.
    """
    windows = {window.id: window for window in file.window}
    selectors = {selector.id: selector for selector in file.selector}
    announced = file.announced and datetime(
        file.announced.year, file.announced.month, file.announced.day, tzinfo=file.tz
    ).astimezone(UTC)
    scope: tuple[Filter, ...] = (partial(_in_scope, file.scope),) if file.scope else ()
    for rule in file.rule:
        if rule.under is not None and rule.under not in selectors:
            raise PolicyFault(f"{file.id}: rule {rule.id}: under = {rule.under!r} names no selector of this file")
        parents = [selectors[rule.under]] if rule.under is not None else []
        sources: list[Clause] = [*parents, rule]
        tier = next((source.tier for source in reversed(sources) if source.tier), file.tier)
        assert tier is not None
        yield Bound(
            file=file.id,
            rule=rule,
            ids=(*(parent.id for parent in parents if parent.cited), rule.id),
            strength=STRENGTH[tier],
            known_from=announced,
            zone=file.tz,
            filters=scope + tuple(each for source in sources for each in filters(source.when)),
            gates=tuple(_gate(file, source, windows) for source in sources if source.key is not None),
            displaces=frozenset([*rule.overrides, *file.supersedes]),
        )


def strongest(found: list[tuple[Bound, Applied]], clock: Clock) -> Applied | None:
    """The one rule that wins (R10), or None for ordinary. Raises PolicyFault where two are equally strong."""
    if not found:
        return None
    top = max(bound.strength for bound, _ in found)
    rivals = [(bound, applied) for bound, applied in found if bound.strength == top]
    displaced = frozenset().union(*(bound.displaces for bound, _ in rivals))
    left = [applied for bound, applied in rivals if bound.rule.id not in displaced and bound.file not in displaced]
    if len(left) != 1:
        names = " and ".join(sorted(applied.rules[-1] for _, applied in rivals))
        raise PolicyFault(f"{clock}: {names} hold at equal precedence; say which overrides the other")
    return left[0]


def _gate(file: PolicyFile, source: Clause, windows: dict[str, Window]) -> Gate:
    assert source.key is not None
    window = windows.get(source.window or "")
    if window is None:
        raise PolicyFault(f"{file.id}: {source.id}: window = {source.window!r} names no window of this file")
    start, end = (at and at.replace(tzinfo=file.tz).astimezone(UTC) for at in (window.start, window.end))
    return Gate(source.key, source.id, start, end, file.tz)


def _in_scope(scope: tuple[MerchantClass, ...], facts: Facts) -> bool:
    return facts.order.merchant_class in scope


def _over(gate: Gate, since: datetime) -> bool:
    return gate.end is not None and gate.end < since


def _has_facts(effect: Effect, clock: Clock, facts: Facts) -> bool:
    paths: list[FactPath] = [each.fact for each in (effect.set, effect.until) if isinstance(each, FactLimit | FactInstant)]
    return not paths or any(fact(path, clock, facts) is not None for path in paths)

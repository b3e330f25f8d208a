"""The policy files as they may be written: limits, notices and pre-sale caps; no arithmetic.

Every clause keeps the number that rules.md gives it, and every datum its source: a file that cites nothing is refused.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StrictBool, StrictStr, model_validator

from aftersale.policy.clauses import (
    Clause,
    Day,
    DayEnd,
    GivenLimit,
    PolicyRule,
    Precedence,
    RuleId,
    Selector,
    Text,
    WallClock,
    When,
    Window,
    as_printed,
)
from aftersale.policy.settings import Ceiling, Keywords, Setting, Sourced
from aftersale.schema import Limit, Schema
from aftersale.times import span
from aftersale.vocabulary import Clock, MerchantClass, OnTimeout, Party


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("name an IANA time zone such as Asia/Shanghai")
    return name


def _cap(given: str) -> str:
    if given not in ("forbidden", "category") and not span(given):
        raise ValueError("must be longer than nothing; write P10D, forbidden or category")
    return given


def _no_offsets(given: Any) -> Any:
    """Return what was given, unless an instant in it is not as printed; `given` may hold tables within tables."""
    within = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    for each in within:
        if isinstance(each, datetime):
            as_printed(each)
        _no_offsets(each)
    return given


Status = Literal["draft", "consultation", "announced", "in_force", "repealed"]
"""How far a text has come. Drafts and consultations bind nobody; what follows is `PolicyFile.published`."""

Zone = Annotated[str, Field(strict=True), AfterValidator(_known_zone)]
Cap = Annotated[str, Field(strict=True, max_length=40), AfterValidator(_cap)]
"""The longest promise: a duration, `forbidden`, or `category` where the category's own cap holds."""


class Extension(Schema):
    """A lengthening that a party may ask for itself: how much, how often, and from how little that remains."""

    by: Party
    add: Limit
    times: Annotated[int, Field(strict=True, ge=1)]
    when_remaining: Limit


class OrdinaryLimit(Sourced):
    """The limit of a clock that holds outside any rule (rules.md, section 4).

    Of several rows for one clock, the one whose `when` holds goes before the one without. `rules` names the clauses of
    a text that set this very limit; most ordinary limits have none. `unset` marks a figure that the source leaves open:
    asking for it is an error with that remedy, never an invented number. Where `day_end` concerns the order, the
    earlier of it and the limit holds. `statutory` is the floor of a buyer's right (R10): never cut ("floor"), or never
    lengthened ("ceiling"). `reminders` say how long before the last instant in time the party that is awaited is
    reminded; they are ours to set, and cite nothing. A row holds for clocks that start on `effective_from` or later,
    and before `effective_until`.
    """

    id: RuleId
    clock: Clock
    when: When = When()
    limit: GivenLimit | None = None
    unset: Text | None = None
    day_end: DayEnd | None = None
    align: Literal["instant", "next_midnight"] = "instant"
    exclusive: StrictBool = False
    on_timeout: OnTimeout
    counts_for_score: StrictBool = False
    statutory: Literal["floor", "ceiling"] | None = None
    extension: Extension | None = None
    reminders: tuple[Limit, ...] = ()
    rules: tuple[RuleId, ...] = ()
    effective_from: Day | None = None
    effective_until: Day | None = None

    @model_validator(mode="after")
    def _limit_or_unset(self) -> Self:
        if (self.limit is None) == (self.unset is None):
            raise ValueError("give a limit, or unset with the remedy where the source leaves the figure open")
        return self

    @model_validator(mode="after")
    def _reminds_within_the_limit(self) -> Self:
        if isinstance(self.limit, str):
            for early in (offset for offset in self.reminders if span(offset) >= span(self.limit)):
                raise ValueError(f"reminders: {early} before the end of {self.limit} is never; write a shorter one")
        return self


class PresaleCap(Schema):
    """The longest dispatch promise that a pre-sale may make while the window holds: a cap, not a deadline (S18-S21)."""

    id: RuleId
    says: Text
    window: RuleId
    cap: Cap


class Subject(Schema):
    """A matter that the notice declares without giving figures (S34)."""

    id: RuleId
    says: Text
    subjects: tuple[Text, ...]


class PresaleQuestion(Schema):
    """Whether a pre-sale may be set at this instant with this promise, by what was known then."""

    at: WallClock
    promise: Limit
    as_of: WallClock | None = None


class Example(Schema):
    """A worked example: `given` is exactly a question of `policy explain`, with zone-less instants in the file's zone.

    It ends in `due`, or waived, or an error that contains `error`; or asks `presale` and ends in `cap`. Where they are
    given, `exclusive` is compared too, and the explanation must contain the words of `because`.
    """

    name: Text
    given: Annotated[dict[StrictStr, Any], AfterValidator(_no_offsets)] | None = None
    due: WallClock | None = None
    exclusive: StrictBool | None = None
    because: Text | None = None
    waived: StrictBool = False
    error: Text | None = None
    presale: PresaleQuestion | None = None
    allowed: StrictBool | None = None
    cap: Cap | None = None
    rules: tuple[RuleId, ...] = ()

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if self.presale is not None:
            if self.given is not None or self.cap is None or self.allowed is None:
                raise ValueError("a presale example gives presale, allowed and cap, and no `given`")
        elif self.given is None or sum((self.due is not None, self.waived, self.error is not None)) != 1:
            raise ValueError("an example gives `given` and one of due, waived = true or error")
        return self


class PolicyFile(Schema):
    """One file of the policy book: one public text, or one family of ordinary limits.

    Two times are kept apart. When a text is known: from midnight of `announced` until midnight of `repealed` (R14).
    Where it has effect: its windows, and the dates of its limits. So `announced` and `in_force` bind alike, and differ
    for readers: of the first, the windows are still to come. `assumed` says which of its dates are ours, and why.
    """

    id: RuleId
    title: dict[Literal["zh", "en"], Text]
    zone: Zone
    status: Status = "in_force"
    announced: Day | None = None
    repealed: Day | None = None
    assumed: Text | None = None
    tier: Precedence | None = None
    source: Text | None = None
    supersedes: tuple[RuleId, ...] = ()
    scope: tuple[MerchantClass, ...] = ()
    window: tuple[Window, ...] = ()
    selector: tuple[Selector, ...] = ()
    rule: tuple[PolicyRule, ...] = ()
    presale: tuple[PresaleCap, ...] = ()
    limit: tuple[OrdinaryLimit, ...] = ()
    setting: tuple[Setting, ...] = ()
    ceiling: tuple[Ceiling, ...] = ()
    keywords: tuple[Keywords, ...] = ()
    subject: tuple[Subject, ...] = ()
    example: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _a_notice_is_sourced(self) -> Self:
        for name in ("source", "tier"):
            if (self.rule or self.presale) and getattr(self, name) is None:
                raise ValueError(f"a file with rules needs {name}; add source (title, publisher, date) and tier")
        if self.announced is None and self.tier not in (None, "agreement"):
            raise ValueError("a notice binds once announced; add announced, the date it was published")
        return self

    @model_validator(mode="after")
    def _is_repealed_on_a_date(self) -> Self:
        if self.repealed and self.status != "repealed":
            raise ValueError('repealed is the date of a repeal; set status = "repealed", or leave it out')
        if self.repealed and self.announced and self.repealed < self.announced:
            raise ValueError("repealed lies before announced; correct one of them")
        if self.repealed and (self.limit or self.setting or self.ceiling):
            raise ValueError("only notices are repealed; end a limit with effective_until, and replace a setting")
        return self

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if faults := [*self._used_twice(), *self._dangling()]:
            raise ValueError("; ".join(faults))
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The zone of every date and instant in the file."""
        return ZoneInfo(self.zone)

    @property
    def published(self) -> bool:
        """Whether the text binds anyone, or did until a date that is known."""
        return self.status in ("announced", "in_force") or self.repealed is not None

    def _used_twice(self) -> Iterator[str]:
        rows: list[Clause | PresaleCap | OrdinaryLimit | Setting | Ceiling | Subject]
        rows = [*self.selector, *self.rule, *self.presale, *self.limit, *self.setting, *self.ceiling, *self.subject]
        for table, names in {
            "id": [row.id for row in rows],
            "window id": [window.id for window in self.window],
            "example name": [example.name for example in self.example],
        }.items():
            for name, times in Counter(names).items():
                if times > 1:
                    yield f"{table} {name!r} is used twice; give each its own"

    def _dangling(self) -> Iterator[str]:
        windows = {window.id for window in self.window}
        selectors = {selector.id for selector in self.selector}
        rules = {rule.id for rule in self.rule}
        clauses: list[Clause | PresaleCap] = [*self.selector, *self.rule, *self.presale]
        for clause in clauses:
            if clause.window is not None and clause.window not in windows:
                yield _unknown(clause.id, "window", clause.window, windows)
        for rule in self.rule:
            if rule.under is not None and rule.under not in selectors:
                yield _unknown(rule.id, "under", rule.under, selectors)
            for other in rule.overrides:
                if other not in rules - {rule.id}:
                    yield _unknown(rule.id, "overrides", other, rules - {rule.id})


def _unknown(clause: str, field: str, name: str, known: set[str]) -> str:
    has = f"it has {', '.join(sorted(known))}" if known else "it has none"
    return f"{clause}: {field} names {name!r}, which this file does not have ({has}); correct it or add it"

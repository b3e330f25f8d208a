"""What a policy file may say. The shapes of limits, notices and pre-sale caps; no arithmetic.

Every clause keeps the number that rules.md gives it, and every datum its source: a file that cites nothing is refused.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, model_validator

from aftersale.kinds import CaseKind, Clock, MerchantClass, OnTimeout, Party, SaleMode, Service, Tier
from aftersale.schema import Code, Limit, Schema

Precedence = Literal["agreement", "ruling", "tagged", "notice", "category"]
"""Who wins, strongest first (R10). The ordinary limit is not a rule: it is what remains."""

STRENGTH: dict[Precedence, int] = {"agreement": 5, "ruling": 4, "tagged": 3, "notice": 2, "category": 1}

Key = Literal["timeout_point", "started", "paid", "dispatch_clicked"]
"""The instant that must fall in a rule's window."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("name an IANA time zone such as Asia/Shanghai")
    return name


def _wall_clock(given: object) -> object:
    if type(given) is not datetime or given.tzinfo is not None:
        raise ValueError("write a date-time without offset, as printed: 2024-02-01T00:00:00; the file's zone holds")
    return given


def _one_or_many(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


RuleId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._/-]{1,80}$")]
Text = Annotated[str, Field(strict=True, min_length=1)]
WallClock = Annotated[datetime, BeforeValidator(_wall_clock)]
Zone = Annotated[str, Field(strict=True), AfterValidator(_known_zone)]


class When(Schema):
    """Filters over snapshots. Every one given must hold; `_any` asks for one of the list, `_none` for none of it."""

    kind: Annotated[tuple[CaseKind, ...], BeforeValidator(_one_or_many)] | None = None
    tier: Tier | None = None
    dispatched: StrictBool | None = None
    sale_mode: SaleMode | None = None
    merchant_class: Annotated[tuple[MerchantClass, ...], BeforeValidator(_one_or_many)] | None = None
    shop_type_any: tuple[Code, ...] | None = None
    shop_type_none: tuple[Code, ...] | None = None
    labels_any: tuple[Code, ...] | None = None
    labels_none: tuple[Code, ...] | None = None
    services_any: tuple[Service, ...] | None = None
    services_none: tuple[Service, ...] | None = None
    categories_any: tuple[Code, ...] | None = None
    categories_none: tuple[Code, ...] | None = None
    regions_any: tuple[Code, ...] | None = None
    regions_none: tuple[Code, ...] | None = None
    carriers_any: tuple[Code, ...] | None = None


FactPath = Literal["order.dispatch_promise", "order.merchant_delay.limit", "order.merchant_delay.until", "agreed_limit"]


class FactLimit(Schema):
    """A limit that a fact gives: `else` where the fact is absent, `at_most` where something caps it."""

    fact: FactPath
    otherwise: Limit | None = Field(default=None, alias="else")
    at_most: Limit | None = None


class FactInstant(Schema):
    """A fixed instant that a fact gives."""

    fact: FactPath


class Effect(Schema):
    """What a rule does to the clock. The result never falls before the ordinary point unless the rule may shorten.

    set: the limit, counted from the start. add: on top of the ordinary point. until: a fixed instant. cap: at most.
    waive: no limit at all. unchanged: explicitly ordinary. `set` and `until` together serve a fact that is either.
    """

    set: Limit | FactLimit | None = None
    add: Limit | None = None
    until: WallClock | FactInstant | None = None
    cap: Limit | None = None
    waive: Literal[True] | None = None
    unchanged: Literal[True] | None = None
    may_shorten: StrictBool = False

    @model_validator(mode="after")
    def _one_effect(self) -> Self:
        given = self.model_fields_set - {"may_shorten"}
        if len(given) != 1 and given != {"set", "until"}:
            raise ValueError("give exactly one of set, add, until, cap, waive, unchanged")
        if self.cap is not None and not self.may_shorten:
            raise ValueError("a cap shortens by nature; say so with may_shorten = true")
        return self


class Window(Schema):
    """A stretch of time as the text prints it: closed at second resolution (R2); an absent end is open."""

    id: RuleId
    start: WallClock | None = Field(default=None, alias="from")
    end: WallClock | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.start is None and self.end is None:
            raise ValueError("give from, to or both")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("to lies before from; a window runs forwards")
        return self


class Clause(Schema):
    """Whom a clause concerns: an instant that must lie in a window, and filters over snapshots."""

    id: RuleId
    says: Text
    key: Key | None = None
    window: RuleId | None = None
    when: When = When()
    tier: Precedence | None = None

    @model_validator(mode="after")
    def _key_and_window(self) -> Self:
        if (self.key is None) != (self.window is None):
            raise ValueError("key and window go together: key names the instant that must lie in window")
        return self


class Selector(Clause):
    """What several rules share. Its id leads the answer's `rules`, unless it is no clause of the text (`cited`)."""

    cited: StrictBool = True


class Rule(Clause):
    """One clause that changes clocks. `under` names the selector it shares with others.

    `overrides` names clauses that it displaces where both hold. `opt_in` and `opt_out` name the instants at which a
    merchant switches the rule on or off: it binds orders paid since opt_in and not after opt_out (S17).
    """

    under: RuleId | None = None
    clock: Annotated[tuple[Clock, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    effect: Effect
    overrides: tuple[RuleId, ...] = ()
    opt_in: Literal["order.merchant_delay.set_at"] | None = None
    opt_out: Literal["order.delay_cancelled_at"] | None = None


class Extension(Schema):
    """A lengthening that a party may ask for itself."""

    by: Party
    add: Limit
    times: Annotated[int, Field(strict=True, ge=1)]
    when_remaining: Limit


class Sourced(Schema):
    """Where a figure comes from: a public text, a law, or our own assumption with its reason."""

    basis: Literal["sourced", "law", "assumed"]
    source: Text | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _cited(self) -> Self:
        if self.basis == "assumed" and self.reason is None:
            raise ValueError('basis "assumed" needs a reason; say why this figure')
        if self.basis != "assumed" and self.source is None:
            raise ValueError(f'basis "{self.basis}" needs a source; name the text, or mark it basis = "assumed"')
        return self


class OrdinaryLimit(Sourced):
    """The limit of a clock that holds outside any rule (rules.md, section 4).

    Of several rows for one clock, the one whose `when` holds goes before the one without. `unset` marks a figure that
    the source leaves open: asking for it is an error with that remedy, never an invented number. `statutory` is the
    floor of a buyer's right (R10): never cut ("floor"), or never lengthened ("ceiling").
    """

    id: RuleId
    clock: Clock
    when: When = When()
    limit: Limit | FactLimit | None = None
    unset: Text | None = None
    align: Literal["instant", "next_midnight"] = "instant"
    exclusive: StrictBool = False
    on_timeout: OnTimeout
    counts_for_score: StrictBool = False
    statutory: Literal["floor", "ceiling"] | None = None
    extension: Extension | None = None
    effective_from: date | None = None
    effective_until: date | None = None

    @model_validator(mode="after")
    def _limit_or_unset(self) -> Self:
        if (self.limit is None) == (self.unset is None):
            raise ValueError("give a limit, or unset with the remedy where the source leaves the figure open")
        return self


class Setting(Sourced):
    """A figure of policy that is no clock of its own."""

    id: Literal["late_fact_grace"]
    value: Limit


class PresaleCap(Schema):
    """The longest dispatch promise that a pre-sale may make while the window holds: a cap, not a deadline (S18-S21)."""

    id: RuleId
    says: Text
    window: RuleId
    cap: Limit | Literal["forbidden", "category"]


class Subject(Schema):
    """A matter that the notice declares without giving figures (S34)."""

    id: RuleId
    says: Text
    subjects: tuple[Text, ...]


class PresaleQuestion(Schema):
    """Whether a pre-sale may be set at this instant with this promise."""

    at: WallClock
    promise: Limit


class Example(Schema):
    """A worked example: `given` is exactly a question of `policy explain`, with zone-less instants in the file's zone.

    It ends in `due`, or waived, or an error that contains `error`; or asks `presale` and ends in `cap`.
    """

    name: Text
    given: dict[StrictStr, Any] | None = None
    due: WallClock | None = None
    waived: StrictBool = False
    error: Text | None = None
    presale: PresaleQuestion | None = None
    allowed: StrictBool | None = None
    cap: Limit | Literal["forbidden", "category"] | None = None
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
    """One file of the policy book: one public text, or one family of ordinary limits."""

    id: RuleId
    title: dict[Literal["zh", "en"], Text]
    zone: Zone
    status: Literal["draft", "consultation", "in_force", "repealed"] = "in_force"
    announced: date | None = None
    tier: Precedence | None = None
    source: Text | None = None
    supersedes: tuple[RuleId, ...] = ()
    scope: tuple[MerchantClass, ...] = ()
    window: tuple[Window, ...] = ()
    selector: tuple[Selector, ...] = ()
    rule: tuple[Rule, ...] = ()
    presale: tuple[PresaleCap, ...] = ()
    limit: tuple[OrdinaryLimit, ...] = ()
    setting: tuple[Setting, ...] = ()
    subject: tuple[Subject, ...] = ()
    example: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _a_notice_is_sourced(self) -> Self:
        if (self.rule or self.presale) and (self.source is None or self.tier is None):
            raise ValueError("a file with rules needs source (title, publisher, date) and tier")
        if self.announced is None and self.tier not in (None, "agreement"):
            raise ValueError("a notice binds once announced; add announced, the date it was published")
        return self

    @property
    def tz(self) -> ZoneInfo:
        """The zone of every date and instant in the file."""
        return ZoneInfo(self.zone)

"""The clauses of a notice as a file may write them: filters, windows and an effect on a clock. No arithmetic."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StrictBool, Tag, model_validator

from aftersale.inert import inert
from aftersale.schema import Code, Limit, Schema
from aftersale.vocabulary import CaseKind, Clock, MerchantClass, SaleMode, Service, Tier

Precedence = Literal["agreement", "ruling", "tagged", "notice", "category"]
"""Who wins, strongest first (R10). The ordinary limit is not a rule: it is what remains."""

STRENGTH: dict[Precedence, int] = {"agreement": 5, "ruling": 4, "tagged": 3, "notice": 2, "category": 1}

Key = Literal["timeout_point", "started", "applied", "paid", "dispatch_clicked"]
"""The instant that must fall in a rule's window."""


def as_printed(given: object) -> object:
    """Return a date-time as a notice prints it. Raises ValueError, with the form that is wanted, for anything else."""
    if type(given) is not datetime or given.tzinfo is not None or given.microsecond:
        raise ValueError("write a date-time without offset, as printed: 2024-02-01T00:00:00; the file's zone holds")
    if not 2 <= given.year <= 9998:
        raise ValueError("write a year from 0002 to 9998, or leave an open end out")
    return given


def _day(given: object) -> object:
    if type(given) is not date or not 2 <= given.year <= 9998:
        raise ValueError("write a date, without quotes or hour: 2024-01-23")
    return given


def _inert(text: str) -> str:
    if (shown := inert(text)) != text:
        raise ValueError(f"holds characters that steer or hide text; leave out what is escaped here: {shown}")
    return text


def _one_or_many(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _form(given: object) -> str:
    return "<fact>" if isinstance(given, dict | Schema) else "<plain>"


RuleId = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._/-]{1,80}$")]
Text = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_inert)]
WallClock = Annotated[datetime, BeforeValidator(as_printed)]
Day = Annotated[date, BeforeValidator(_day)]
Kinds = Annotated[tuple[CaseKind, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
MerchantClasses = Annotated[tuple[MerchantClass, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
Codes = Annotated[tuple[Code, ...], Field(min_length=1)]
Services = Annotated[tuple[Service, ...], Field(min_length=1)]


class When(Schema):
    """Filters over snapshots. Every one given must hold; `_any` asks for one of the list, `_none` for none of it."""

    kind: Kinds | None = None
    tier: Tier | None = None
    dispatched: StrictBool | None = None
    sale_mode: SaleMode | None = None
    merchant_class: MerchantClasses | None = None
    shop_type_any: Codes | None = None
    shop_type_none: Codes | None = None
    labels_any: Codes | None = None
    labels_none: Codes | None = None
    services_any: Services | None = None
    services_none: Services | None = None
    categories_any: Codes | None = None
    categories_none: Codes | None = None
    regions_any: Codes | None = None
    regions_none: Codes | None = None
    carriers_any: Codes | None = None


LimitPath = Literal["order.dispatch_promise", "order.merchant_delay.limit", "agreed_limit"]
"""The facts that give a limit."""

InstantPath = Literal["order.merchant_delay.until"]
"""The facts that give a fixed instant."""


class FactLimit(Schema):
    """A limit that a fact gives: `else` where the fact is absent, and never more than `at_most`.

    Where only `at_most` is given, it also stands in for the absent fact.
    """

    fact: LimitPath
    otherwise: Limit | None = Field(default=None, alias="else")
    at_most: Limit | None = None


class FactInstant(Schema):
    """A fixed instant that a fact gives, such as the merchant's own delay (S17)."""

    fact: InstantPath


GivenLimit = Annotated[
    Annotated[Limit, Tag("<plain>")] | Annotated[FactLimit, Tag("<fact>")],
    Discriminator(_form),
]
"""A limit written out, or the fact that gives it."""

GivenInstant = Annotated[
    Annotated[WallClock, Tag("<plain>")] | Annotated[FactInstant, Tag("<fact>")],
    Discriminator(_form),
]
"""An instant written out, or the fact that gives it."""


class DayEnd(Schema):
    """For orders with the service: the end of the local day on which the clock starts, or of the next from its hour on.

    The hour is the one that the version of the service in force at the start sets for everybody, else the order's own.
    `unset` is the remedy where there is neither: without its hour the service cannot be enabled (S2). `assumed` says
    what of this is ours; an explanation repeats it.
    """

    service: Literal[Service.SAME_DAY_DISPATCH]
    unset: Text
    assumed: Text


class Effect(Schema):
    """What a rule does to the clock. The result never falls before the ordinary point unless the rule may shorten.

    set: the limit, counted from the start. add: on top of the ordinary point. until: a fixed instant. cap: at most.
    waive: no limit at all. unchanged: explicitly ordinary. `set` and `until` together serve a fact that is either.
    """

    set: GivenLimit | None = None
    add: Limit | None = None
    until: GivenInstant | None = None
    cap: Limit | None = None
    waive: Literal[True] | None = None
    unchanged: Literal[True] | None = None
    may_shorten: StrictBool = False

    @model_validator(mode="after")
    def _one_effect(self) -> Self:
        given = self.model_fields_set - {"may_shorten"}
        either = isinstance(self.set, FactLimit) and isinstance(self.until, FactInstant)
        if len(given) != 1 and not (either and given == {"set", "until"}):
            raise ValueError(
                "give exactly one of set, add, until, cap, waive, unchanged"
                " (set and until go together only where both name a fact)"
            )
        if self.cap is not None and not self.may_shorten:
            raise ValueError("a cap shortens by nature; say so with may_shorten = true")
        return self


class Window(Schema):
    """A stretch of time as the text prints it: closed at second resolution (R2); an absent end is open.

    `assumed` says which end is ours, and why, where the text that we have does not give it.
    """

    id: RuleId
    start: WallClock | None = Field(default=None, alias="from")
    end: WallClock | None = Field(default=None, alias="to")
    assumed: Text | None = None

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


class PolicyRule(Clause):
    """One clause that changes clocks. `under` names the selector it shares with others.

    `overrides` names clauses that it displaces where both hold. `opt_in` and `opt_out` name the instants at which a
    merchant switches the rule on or off: it binds orders paid since opt_in and not after opt_out (S17). `assumed` says
    which figure or clock is ours, and why, where the text that we have does not give it; an explanation repeats it.
    """

    under: RuleId | None = None
    clock: Annotated[tuple[Clock, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    effect: Effect
    overrides: tuple[RuleId, ...] = ()
    opt_in: Literal["order.merchant_delay.set_at"] | None = None
    opt_out: Literal["order.delay_cancelled_at"] | None = None
    assumed: Text | None = None

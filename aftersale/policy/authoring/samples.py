"""Questions worth asking of a book: its own examples, and the facts and seconds at which its clauses turn. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from aftersale.errors import AftersaleError
from aftersale.policy.authoring.examples import question
from aftersale.policy.book import Book
from aftersale.policy.clauses import FactInstant, FactLimit, Key, When
from aftersale.policy.facts import Question
from aftersale.policy.rules import OrdinaryLimit
from aftersale.policy.select import CLICK_STARTED, Bound, WindowTest, bind, caps
from aftersale.policy.validity import in_force, when_known
from aftersale.times import SECOND, Stretch, duration, span
from aftersale.vocabulary import CaseKind, Clock, MerchantClass, SaleMode, Tier

Given = dict[str, Any]

_DAY = timedelta(days=1)

_CLOSED: Mapping[str, tuple[object, ...]] = {
    "kind": tuple(CaseKind),
    "tier": tuple(Tier),
    "dispatched": (True, False),
    "sale_mode": tuple(SaleMode),
    "merchant_class": tuple(MerchantClass),
}
"""Facts of which every value can be tried."""

_OPEN: Mapping[str, str] = {"shop_type": "shop_type", "regions": "region", "carriers": "carrier"}
_MANY = ("labels", "services", "categories")
"""Facts that hold one word, or many: the words that a filter names are tried one by one, and their absence."""

_OF_THE_CASE = frozenset({"kind", "tier", "dispatched"})
_STARTS: tuple[Key, ...] = ("started", "applied", "paid", "dispatch_clicked", "timeout_point")
"""Which key instant a clock starts at, where a rule names several."""

_A_PROMISE = ("PT12H", "PT72H", "P30D")


class Preorder(NamedTuple):
    """Whether a pre-sale set at this instant may promise so much, by what was known then."""

    at: datetime
    promise: str
    as_of: datetime | None = None


def questions(book: Book) -> Iterator[Question]:
    """Return every question at which an answer of the book may turn; some of them may be refused."""
    begun = [in_force(row, file.tz).start for file in book.binding for row in file.limit]
    someday = max((at for at in begun if at is not None), default=None)
    for file in book.binding:
        for example in file.example:
            if example.given is not None:
                with suppress(AftersaleError):
                    yield question(file, example)
        for bound in bind(file):
            for clock in bound.rule.clock:
                yield from _at_a_rule(book, bound, clock, someday)
        for row in file.limit:
            yield from _at_a_row(row, file.tz, someday)


def preorders(book: Book) -> Iterator[Preorder]:
    """Return every pre-sale at which a cap of the book may turn."""
    for file in book.binding:
        for example in file.example:
            if example.presale is not None:
                asked = example.presale
                as_of = asked.as_of and asked.as_of.replace(tzinfo=file.tz)
                yield Preorder(asked.at.replace(tzinfo=file.tz), asked.promise, as_of)
        for cap in caps(file):
            for promise in _promises(cap.row.cap):
                yield from (Preorder(at, promise) for at in _edges(cap.window))
                yield from (Preorder(_within(cap.window), promise, at) for at in _edges(when_known(file)))


def _promises(cap: str) -> list[str]:
    """Return the longest promise that the cap allows and a second more; where it names none, the shortest."""
    if cap in ("forbidden", "category"):
        return ["PT1S"]
    return [cap, duration(span(cap) + SECOND)]


def _at_a_row(row: OrdinaryLimit, zone: ZoneInfo, someday: datetime | None) -> Iterator[Question]:
    """Return the row's own facts and each other, at the edges of its dates."""
    fact = (row.limit.fact,) if isinstance(row.limit, FactLimit) else ()
    for facts in (*_around((row.when,), row.clock, *fact), *_on_the_same_day(row)):
        for at in _edges(in_force(row, zone)) or ([someday] if someday else []):
            yield from _asked(row.clock, at, facts)


def _on_the_same_day(row: OrdinaryLimit) -> Iterator[Given]:
    """Return the row's own facts with the service that ends its day, before and from the cut-off hour on."""
    if row.day_end is not None:
        fitting = _around((row.when,), row.clock)[0]
        services = (*fitting.get("services", ()), row.day_end.service)
        yield from ({**fitting, "services": services, "same_day_cut_off": hour} for hour in ("00:00", "23:59"))


def _at_a_rule(book: Book, bound: Bound, clock: Clock, someday: datetime | None) -> Iterator[Question]:
    """Give the rule's own facts at each edge of its windows and of its knowledge, then each other fact inside them."""
    first, *others = _around(bound.whens, clock, *_facts_of(bound))
    inside = {test: _within(test.window) for test in bound.window_tests}
    placed = partial(_placed, book, clock, bound.known.start or someday)
    for test in bound.window_tests:
        for at in _edges(test.window):
            yield from placed(first, {**inside, test: at})
    for as_of in _edges(bound.known):
        yield from placed({**first, "as_of": as_of}, inside)
    for facts in [first, *others]:
        yield from placed(facts, inside)
        yield from placed(facts, {test: test.window.end or at for test, at in inside.items()})


def _facts_of(bound: Bound) -> Iterator[str]:
    """Return the facts that the rule's effect and switches read."""
    effect, rule = bound.rule.effect, bound.rule
    yield from (each.fact for each in (effect.set, effect.until) if isinstance(each, FactLimit | FactInstant))
    yield from (path for path in (rule.opt_in, rule.opt_out) if path is not None)


def _around(whens: Sequence[When], clock: Clock, *paths: str) -> list[Given]:
    """Facts that satisfy the filters, then for each fact that they or `paths` name, every other value worth trying."""
    axes = {name: _values(whens, name) for name in _named(whens)}
    fitting: Given = {name: values[0] for name, values in axes.items()}
    extra = [_extras(path, clock) for path in paths]
    for first, *_ in extra:
        fitting |= first
    varied = [{**fitting, name: value} for name, values in axes.items() for value in values]
    return [fitting, *varied, *({**fitting, **values} for each in extra for values in each[1:])]


def _named(whens: Sequence[When]) -> list[str]:
    fields = dict.fromkeys(name for when in whens for name in sorted(when.model_fields_set))
    return list(dict.fromkeys(name.removesuffix("_any").removesuffix("_none") for name in fields))


def _values(whens: Sequence[When], name: str) -> list[object]:
    """Return every value of a fact worth trying, the first of them one that all the filters let pass, if any does."""
    wanted, barred = _words(whens, f"{name}_any"), _words(whens, f"{name}_none")
    if name in _MANY:
        fitting = tuple(dict.fromkeys(found[0] for when in whens if (found := _tuple(when, f"{name}_any"))))
        return [fitting, (), *((word,) for word in wanted), *((*fitting, word) for word in barred)]
    values = _CLOSED.get(name) or (*wanted, None, *barred)
    allowed = [set(found) for when in whens if (found := _tuple(when, name) or _tuple(when, f"{name}_any"))]
    return sorted(values, key=lambda value: value in barred or any(value not in each for each in allowed))


def _words(whens: Sequence[When], field: str) -> list[object]:
    return [word for when in whens for word in _tuple(when, field)]


def _tuple(when: When, field: str) -> tuple[object, ...]:
    found = getattr(when, field, None)
    return found if isinstance(found, tuple) else () if found is None else (found,)


def _extras(path: str, clock: Clock) -> list[Given]:
    """Values of a fact that is no filter: the first lets the rule hold; instants are counted in days from the start."""
    if path == "agreed_limit":
        return [{"agreed_limits": {clock: promise}} for promise in _A_PROMISE]
    if path == "order.dispatch_promise":
        return [{"dispatch_promise": promise} for promise in (None, *_A_PROMISE)]
    if path == "order.delay_cancelled_at":
        return [{"delay_cancelled_at": days} for days in (None, -3, 0, 3)]
    given: Given = {"until": 40} if path == "order.merchant_delay.until" else {"limit": "P40D"}
    return [{"merchant_delay": each} for each in ({"set_at": -9} | given, None, {"set_at": 9} | given)]


def _placed(
    book: Book, clock: Clock, someday: datetime | None, facts: Given, instants: Mapping[WindowTest, datetime]
) -> Iterator[Question]:
    """Return the question whose key instants are these, as far as one question can have them all."""
    at: dict[Key, datetime] = {test.key: instant for test, instant in instants.items()}
    started = next((at[key] for key in _STARTS if key in at), someday)
    for asked in _asked(clock, started, facts, at) if started else ():
        with suppress(AftersaleError):
            if started and "timeout_point" in at:
                ordinary = book.compute(clock, asked, started).ordinary_due_at - started
                asked = asked.model_copy(update={"started_at": at["timeout_point"] - ordinary})
            yield asked


def _asked(clock: Clock, started: datetime, facts: Given, at: Mapping[Key, datetime] = {}) -> Iterator[Question]:
    """Return the facts as one question, or none where together they make no question."""
    paid = started if clock is Clock.DISPATCH else at.get("paid", started - _DAY)
    given: Given = {"clock": clock, "started_at": started, "as_of": facts.get("as_of")}
    given |= {"applied_at": at.get("applied")}
    given |= {"dispatch_clicked_at": None if clock in CLICK_STARTED else at.get("dispatch_clicked")}
    given |= {name: facts[name] for name in ("agreed_limits", *_OF_THE_CASE) if name in facts}
    order = {_OPEN.get(name, name): _dated(value, paid) for name, value in facts.items() if name not in given}
    if order.get("sale_mode") == SaleMode.PRE_SALE:
        order.setdefault("dispatch_promise", _A_PROMISE[0])
    with suppress(ValidationError):
        yield Question.model_validate({**given, "order": {"paid_at": paid, **order}})


def _dated(value: object, paid: datetime) -> object:
    """Return the value, its days from the payment made instants."""
    if isinstance(value, dict):
        return {name: _dated(each, paid) for name, each in value.items()}
    return paid + value * _DAY if type(value) is int else str(value) if isinstance(value, StrEnum) else value


def _edges(stretch: Stretch) -> list[datetime]:
    """Both seconds at each end that a stretch has, inside and outside."""
    return [at for pair in stretch.edges for at in sorted(pair)]


def _within(stretch: Stretch) -> datetime:
    found = stretch.start or stretch.end
    assert found is not None
    return found

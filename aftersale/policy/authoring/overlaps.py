"""Find clauses that could hold at once: lint wants them proved apart, or settled by the files themselves."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, groupby
from zoneinfo import ZoneInfo

from aftersale.policy.clauses import When
from aftersale.policy.rules import OrdinaryLimit, PolicyFile
from aftersale.policy.select import Bound, bind, caps
from aftersale.policy.validity import in_force, when_known

_ONE_OF = ("kind", "tier", "dispatched", "sale_mode", "merchant_class", "shop_type_any", "regions_any", "carriers_any")
_SOME_OF = ("labels_any", "services_any", "categories_any")


def overlaps(files: Iterable[PolicyFile]) -> Iterator[tuple[PolicyFile, str]]:
    """Return every pair of clauses that can hold at once with nothing to say which goes first, with the file to mend.

    A draft is held against what is published, not against other drafts; what is repealed, against what was known of
    others before its repeal.
    """
    standing = [file for file in files if file.published or file.status != "repealed"]
    yield from _rules(standing)
    yield from _limits(standing)
    yield from _presales(standing)


def contradict(whens: Sequence[When]) -> bool:
    """Tell whether no facts can satisfy all the filters."""
    return any(_none_left(whens, name) for name in _ONE_OF) or any(_all_barred(whens, name) for name in _SOME_OF)


def _rules(files: list[PolicyFile]) -> Iterator[tuple[PolicyFile, str]]:
    bounds = [(file, bound) for file in files for bound in bind(file)]
    for (file, one), (home, other) in combinations(bounds, 2):
        clocks = [clock for clock in one.rule.clock if clock in other.rule.clock]
        if not clocks or one.strength != other.strength or not _together(file, home):
            continue
        if not (one.displaces(other) or other.displaces(one) or _apart(one, other)):
            both = f"rule {other.rule.id!r}: can hold together with {_of(file, home, one.rule.id)}"
            settle = "let one override the other" if file is home else "let one file supersede the other"
            yield home, f"{both} for {', '.join(clocks)} at equal precedence; narrow one of them, or {settle}"


def _limits(files: list[PolicyFile]) -> Iterator[tuple[PolicyFile, str]]:
    rows = sorted(((row.clock, file, row) for file in files for row in file.limit), key=lambda each: each[0])
    for clock, group in groupby(rows, key=lambda each: each[0]):
        for (_, file, one), (_, home, other) in combinations(group, 2):
            if _together(file, home) and _both_hold(one, file.tz, other, home.tz):
                both = f"limit {other.id!r}: can hold together with {_of(file, home, one.id)} for {clock}"
                yield home, f"{both}; narrow their `when`, or their effective_from and effective_until"


def _presales(files: list[PolicyFile]) -> Iterator[tuple[PolicyFile, str]]:
    for one, other in combinations([cap for file in files for cap in caps(file)], 2):
        settled = one.displaces(other) or other.displaces(one)
        if _together(one.file, other.file) and not settled and one.window.meets(other.window):
            both = f"presale {other.row.id!r}: its window meets that of {_of(one.file, other.file, one.row.id)}"
            yield other.file, f"{both}; narrow one of them, or let one file supersede the other"


def _together(one: PolicyFile, other: PolicyFile) -> bool:
    return one is other or ((one.published or other.published) and when_known(one).meets(when_known(other)))


def _apart(one: Bound, other: Bound) -> bool:
    """Tell whether the two provably never hold at once.

    An instant cannot lie in both windows, or filters contradict.
    """
    windows = any(
        mine.key == yours.key and not mine.window.meets(yours.window)
        for mine in one.window_tests
        for yours in other.window_tests
    )
    return windows or contradict((*one.whens, *other.whens))


def _both_hold(one: OrdinaryLimit, zone: ZoneInfo, other: OrdinaryLimit, other_zone: ZoneInfo) -> bool:
    equal = bool(one.when.model_fields_set) == bool(other.when.model_fields_set)
    meet = in_force(one, zone).meets(in_force(other, other_zone))
    return equal and meet and not contradict((one.when, other.when))


def _none_left(whens: Sequence[When], name: str) -> bool:
    wanted = _sets(whens, name)
    barred = set().union(*_sets(whens, f"{name.removesuffix('_any')}_none"))
    return bool(wanted) and not set.intersection(*wanted) - barred


def _all_barred(whens: Sequence[When], name: str) -> bool:
    barred = set().union(*_sets(whens, f"{name.removesuffix('_any')}_none"))
    return any(wanted <= barred for wanted in _sets(whens, name))


def _sets(whens: Sequence[When], name: str) -> list[set[object]]:
    found = (getattr(when, name, None) for when in whens)
    return [set(each) if isinstance(each, tuple) else {each} for each in found if each is not None]


def _of(file: PolicyFile, home: PolicyFile, name: str) -> str:
    return repr(name) if file is home else f"{name!r} of {file.id}"

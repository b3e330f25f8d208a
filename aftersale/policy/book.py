"""The policy book: what all files together say of a clock. Pure; it is built once and asked many times."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from aftersale.errors import PolicyFault, PolicyGap
from aftersale.policy.deadline import Computation, Deadline
from aftersale.policy.facts import Facts, Question
from aftersale.policy.rules import OrdinaryLimit, PolicyFile
from aftersale.policy.select import Bound, Filter, bind, caps, filters, strongest
from aftersale.policy.services import ServiceFile, Services
from aftersale.policy.validity import in_force, is_known
from aftersale.schema import Schema
from aftersale.times import Stretch, local, span
from aftersale.vocabulary import Clock


class PresaleAnswer(Schema):
    """Whether a pre-sale promise is allowed, the cap that decided, and the clause it comes from."""

    allowed: bool
    cap: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class _Ordinary:
    row: OrdinaryLimit
    filters: tuple[Filter, ...]
    in_force: Stretch
    zone: ZoneInfo

    def holds(self, facts: Facts) -> bool:
        return all(each(facts) for each in self.filters)


class Book:
    """Every limit and every notice that is published, indexed by the clock that they concern.

    `version` names the content (R14): the same files in any order give the same version. `revision` counts
    publications, so that a worker can tell whether its book is older than one that was announced.
    """

    def __init__(
        self,
        files: Iterable[PolicyFile],
        services: Iterable[ServiceFile] = (),
        *,
        name: str = "unnamed",
        revision: int = 0,
    ) -> None:
        """Index the files; drafts and consultations are kept for reading, and bind nobody."""
        self.files: Sequence[PolicyFile] = sorted(files, key=lambda file: file.id)
        self.services = Services(services)
        self.name, self.revision = name, revision
        content = "\n".join(_content(file) for file in [*self.files, *self.services.files])
        self.version = f"{name}+{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        self.binding = [file for file in self.files if file.published]
        self._ordinary: defaultdict[Clock, list[_Ordinary]] = defaultdict(list)
        self._rules: defaultdict[Clock, list[Bound]] = defaultdict(list)
        self._caps = [cap for file in self.binding for cap in caps(file)]
        for file in self.binding:
            for row in file.limit:
                self._ordinary[row.clock].append(_ordinary(row, file.tz))
            for bound in sorted(bind(file), key=lambda bound: bound.rule.id):
                for clock in bound.rule.clock:
                    self._rules[clock].append(bound)
        self.grace = next((setting.value for file in self.binding for setting in file.setting), "PT0S")
        self.most_attempts = next((row.most for file in self.binding for row in file.ceiling), None)
        """How often at most a case may be opened on one order line; None where the book sets no ceiling."""
        self._hub_words = [word for file in self.binding for row in file.keywords for word in row.words]

    def ask(self, question: Question) -> Deadline:
        """Return the deadline that answers one whole question. Errors as `deadline`."""
        return self.deadline(question.clock, question, question.started_at, question.as_of)

    def deadline(self, clock: Clock, facts: Facts, started_at: datetime, as_of: datetime | None = None) -> Deadline:
        """Say when the clock runs out, by the rules known at `as_of` (absent: all that is announced or repealed).

        Raises PolicyGap beyond the data, naming what the book knows; BadInput where a fact that decides is missing;
        PolicyFault where two rules hold at equal precedence.
        """
        computation = self.compute(clock, facts, started_at)
        found = [
            (bound, applied)
            for bound in self._rules[clock]
            if is_known(bound.known, as_of) and (applied := bound.applies(computation)) is not None
        ]
        winner = strongest(found, clock)
        if winner is not None and winner.effect.waive:
            computation.because.extend([*winner.reasons, f"{winner.rules[-1]} waives the limit: {winner.says}"])
            return self._answer(computation, winner.rules, waived=True)
        if winner is not None:
            computation.apply(winner)
        overruled = computation.guard()
        computation.lengthen()
        return self._answer(computation, winner.rules if winner and not overruled else computation.ordinary.rules)

    def ordinary(self, clock: Clock, facts: Facts, started_at: datetime) -> OrdinaryLimit:
        """Give the limit that holds outside any rule. Raises PolicyGap beyond the data, PolicyFault where two hold."""
        return self._ordinary_row(clock, facts, started_at).row

    def compute(self, clock: Clock, facts: Facts, started_at: datetime) -> Computation:
        """Return the clock with its ordinary point, before any rule. Raises PolicyGap and BadInput as `deadline`."""
        ordinary = self._ordinary_row(clock, facts, started_at)
        return Computation(
            clock, facts, ordinary.row, started_at, ordinary.zone, self._cut_off(ordinary.row, facts, started_at)
        )

    def presale(self, at: datetime, promise: str, as_of: datetime | None = None) -> PresaleAnswer:
        """Tell whether a pre-sale set at this instant may promise to dispatch within `promise` (S18-S21)."""
        found = [cap for cap in self._caps if cap.holds(at, as_of)]
        left = [cap.row for cap in found if not any(other.displaces(cap) for other in found)]
        if len(left) > 1:
            names = " and ".join(sorted(cap.id for cap in left))
            raise PolicyFault(f"presale: {names} hold at once; let one file supersede the other")
        if not left:
            return PresaleAnswer(allowed=True, cap="category", rules=())
        cap = left[0].cap
        allowed = cap == "category" or (cap != "forbidden" and span(promise) <= span(cap))
        return PresaleAnswer(allowed=allowed, cap=cap, rules=(left[0].id,))

    def is_hub(self, text: str) -> bool:
        """Tell whether a carrier's words are of a hub (S30, S32)."""
        return any(word in text for word in self._hub_words)

    def clauses_bearing_on(self, facts: Facts, clocks: Iterable[Clock], since: datetime) -> frozenset[str]:
        """Return the clauses that can still bear on these clocks when they start at or after `since`.

        Two order lines with the same answer can share a case: none of its clocks can come to differ.
        """
        rules = {
            f"{clock}:{bound.rule.id}"
            for clock in clocks
            for bound in self._rules[clock]
            if bound.concerns(facts, clock) and bound.within_reach(facts, since)
        }
        rows = {row.row.id for clock in clocks for row in self._ordinary[clock] if row.filters and row.holds(facts)}
        return frozenset(rules | rows)

    def _cut_off(self, row: OrdinaryLimit, facts: Facts, started_at: datetime) -> time | None:
        """Return the cut-off hour that a row needs: as the service sets it for everybody, else the order's own."""
        if row.day_end is None:
            return None
        edition = self.services.at(row.day_end.service, started_at)
        return (edition and edition.settings.cut_off) or facts.order.same_day_cut_off

    def _ordinary_row(self, clock: Clock, facts: Facts, started_at: datetime) -> _Ordinary:
        rows = self._ordinary[clock]
        current = [row for row in rows if started_at in row.in_force]
        if not current:
            known_rows = f"the book knows {_spans(rows)}"
            raise PolicyGap(f"started_at: no limit for {clock} is in force at {local(started_at)}; {known_rows}")
        fits = [row for row in current if row.holds(facts)]
        special = [row for row in fits if row.filters]
        if len(special or fits) > 1:
            names = " and ".join(sorted(row.row.id for row in special or fits))
            raise PolicyFault(f"{clock}: ordinary limits {names} both hold; narrow their `when` or their dates")
        if not fits:
            names = ", ".join(sorted(row.row.id for row in current))
            raise PolicyGap(f"{clock}: no ordinary limit fits these facts; the book knows {names}")
        return (special or fits)[0]

    def _answer(self, computation: Computation, rules: tuple[str, ...], *, waived: bool = False) -> Deadline:
        row = computation.ordinary
        if not waived:
            end = "the instant at which the right ends" if row.exclusive else "the last second in time"
            computation.because.append(f"due {local(computation.due_at, computation.zone)}, {end}")
        return Deadline(
            clock=computation.clock,
            started_at=computation.started_at,
            due_at=None if waived else computation.due_at,
            exclusive=row.exclusive,
            ordinary_due_at=computation.ordinary_due_at,
            limit=None if waived else computation.limit,
            waived=waived,
            rules=rules,
            policy_version=self.version,
            on_timeout=row.on_timeout,
            counts_for_score=row.counts_for_score,
            because=tuple(computation.because),
            statutory=row.statutory is not None,
            extension=row.extension,
            grace=self.grace,
            reminders=row.reminders,
        )


def _content(file: Schema) -> str:
    """Return what a file says, whatever the order of its rows; its examples only show what it says."""
    tables = file.model_dump(mode="json", exclude={"example"})
    ordered = {name: sorted(rows, key=json.dumps) if isinstance(rows, list) else rows for name, rows in tables.items()}
    return json.dumps(ordered, sort_keys=True)


def _ordinary(row: OrdinaryLimit, zone: ZoneInfo) -> _Ordinary:
    return _Ordinary(row, filters(row.when), in_force(row, zone), zone)


def _spans(rows: list[_Ordinary]) -> str:
    if not rows:
        return "no limit for this clock at all"
    return ", ".join(
        f"{row.row.id} from {row.row.effective_from or 'the start'} until {row.row.effective_until or 'further notice'}"
        for row in rows
    )

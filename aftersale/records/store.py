"""The records of cases: one object, whatever the database."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine

from aftersale.case.turn import Turn
from aftersale.contract.status import Entry, Status
from aftersale.policy.authoring.impact import RunningCase
from aftersale.records import cases, outbox, reading, violations
from aftersale.records import turns as written
from aftersale.records.database import READING, engine, gate, name_in_words, parse_url, report_unavailable
from aftersale.records.fair_gate import PATIENCE
from aftersale.records.ledger import Ledger
from aftersale.records.outbox import Backlog, Leased, Report
from aftersale.records.reading import CaseLine, Place, Written
from aftersale.vocabulary import Clock, State
from aftersale.watch.messages import Finding
from aftersale.watch.status import Violation

PAGE = 100
"""How many cases a list holds unless it is asked for another number."""


class Records:
    """The written copy of cases, and the ledger, in a database whose schema `migrate` has brought up to date.

    Connections are opened as they are needed and shared by threads; the object may be used from any of them. Every
    method may raise RecordsUnavailable, within about three seconds. Instants are aware.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Keep records at this URL; nothing is opened yet. Raises BadInput for a URL that cannot be used."""
        self._url = parse_url(url)
        self._gate = gate(self._url, patience)
        self._use(engine(self._url, patience))
        self.ledger = Ledger(self._writing, self._reading)

    def _use(self, made: Engine) -> None:
        self._engine = made
        self._reader = made.execution_options(**{READING: True})

    def __repr__(self) -> str:
        return f"<Records in {name_in_words(self._url)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    # What cases have done

    def write(self, turns: Sequence[Turn], *, now: datetime | None = None) -> None:
        """Write turns in one transaction; each case's must be in ascending order.

        A turn that is on file already changes nothing. One that differs from the turn on file under its number takes
        that one's place: history is the truth, and the old one, with all that its abandoned attempt wrote after it, is
        kept but void; its messages are withdrawn, or corrected where they may have been told. A turn of an attempt that
        was itself abandoned before is dropped. The projection follows the last turn written, never an older one.

        Raises RecordsGap, and writes nothing, where a turn before the given ones is missing.
        """
        with self._writing() as connection:
            written.write(connection, turns, now or datetime.now(UTC))

    def append(
        self, case_id: str, message_id: str, draw: Callable[[Turn, Status], Turn], *, now: datetime | None = None
    ) -> Entry:
        """Add a turn to a case that is over, unless the turn that owes that message is on file; its line.

        `draw` makes it of the last turn on file and the record so far; what it raises is raised, and nothing is
        written. Raises BadInput for a case that the records do not know.
        """
        with self._writing() as connection:
            return written.append(connection, case_id, message_id, draw, now or datetime.now(UTC))

    def record(self, case_id: str) -> Status | None:
        """The whole status of a case after its last turn on file, timeline included; None for an unknown one."""
        with self._reading() as connection:
            return reading.record(connection, case_id)

    def turns(self, case_id: str, *, void: bool = False) -> list[Written]:
        """The turns of a case in order; with `void`, also those that no longer hold, before what took their place."""
        with self._reading() as connection:
            return reading.select_turns(connection, case_id, void=void)

    # Lists of cases

    def cases(
        self,
        *,
        state: State | None = None,
        merchant: str | None = None,
        due_before: datetime | None = None,
        limit: int | None = PAGE,
        after: Place | None = None,
    ) -> list[CaseLine]:
        """Cases by urgency: by deadline, those without one last, then by id. Without a state, those that are open.

        `due_before` leaves out what is due at that instant or later, or never. `after` is the `place` of the last case
        of the page before; a limit of None means all.
        """
        with self._reading() as connection:
            return reading.select_cases(
                connection, state=state, merchant=merchant, due_before=due_before, limit=limit, after=after
            )

    def list_due(self, before: datetime, limit: int | None = PAGE) -> list[CaseLine]:
        """Open cases whose deadline lies before that instant, the most urgent first."""
        return self.cases(due_before=before, limit=limit)

    # Cases that run, in the order of their ids

    def how_many_run(self) -> int:
        """How many cases are open."""
        with self._reading() as connection:
            return cases.count(connection)

    def that_run(self, after: str, limit: int) -> list[str]:
        """The ids of open cases after an id."""
        with self._reading() as connection:
            return cases.ids(connection, after, limit)

    def newcomers(self, since: datetime, after: str, limit: int) -> tuple[list[str], str | None]:
        """Of so many open cases after an id, those that came into the records since; and where to go on, if anywhere.

        When a case came is told by the clock of the worker that wrote its first turn.
        """
        with self._reading() as connection:
            return cases.newcomers(connection, since, after, limit)

    def running_clocks(self, after: str, limit: int) -> Sequence[RunningCase]:
        """Open cases after an id, with what another book needs to know about their clocks."""
        with self._reading() as connection:
            return cases.clocks(connection, after, limit)

    def known_ids(self, case_ids: Collection[str]) -> set[str]:
        """Which of these cases the records know, open or not."""
        with self._reading() as connection:
            return cases.select_known(connection, case_ids)

    def runs(self, case_id: str) -> bool:
        """Whether the records show the case as open."""
        with self._reading() as connection:
            return cases.is_open(connection, case_id)

    # Violations of shipments

    def keep_violation(self, finding: Finding, *, now: datetime | None = None) -> None:
        """Keep a violation as it stands now, and owe its messages, in one transaction; repeatable."""
        with self._writing() as connection:
            violations.keep(connection, finding, now or datetime.now(UTC))

    def violations(
        self,
        *,
        merchant: str | None = None,
        order: str | None = None,
        clock: Clock | None = None,
        since: datetime | None = None,
        limit: int | None = PAGE,
    ) -> list[Violation]:
        """Violations in the order in which they took effect; those that turned out to be none say so.

        `since` leaves out what took effect at that instant or earlier.
        """
        with self._reading() as connection:
            return violations.select_violations(
                connection, merchant=merchant, order=order, clock=clock, since=since, limit=limit
            )

    # The outbox

    def lease(self, owner: str, limit: int, now: datetime, for_: timedelta) -> list[Leased]:
        """Take up to `limit` messages that are due; nobody else gets them until `now + for_`, unless they are released.

        Messages that were put off to go out together come together, beyond the limit. `owner` names one messenger of
        one process. A message whose lease ends without a report is taken over by whoever asks next, under the same id:
        receivers may see it twice. One that this version cannot read is left for a later one.
        """
        with self._reading() as connection:
            if not outbox.has_work(connection, now):
                return []
        with self._writing() as connection:
            return outbox.lease(connection, owner, limit, now, for_)

    def report(self, owner: str, reports: Sequence[Report], now: datetime) -> None:
        """Keep what became of messages that `owner` had on lease, in one transaction, and end those leases.

        What was delivered counts, however late that is told; what is to be tried again stays with whoever has leased it
        meanwhile.
        """
        with self._writing() as connection:
            outbox.report(connection, owner, reports, now)

    def release(self, owner: str) -> int:
        """Give back what a messenger has on lease, for others to take at once; how many messages that were."""
        with self._writing() as connection:
            return outbox.release(connection, owner)

    def backlog(self, now: datetime) -> Backlog:
        """How many messages wait, are on lease, are sent and withdrawn."""
        with self._reading() as connection:
            return outbox.backlog(connection, now)

    # How the database is reached

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with report_unavailable(self._url), self._gate.place(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with report_unavailable(self._url), self._reader.begin() as connection:
            yield connection


def open(url: str, patience: float = PATIENCE) -> Records:
    """The records at a URL. Raises BadInput for one that cannot be used; nothing is connected yet."""
    return Records(url, patience)

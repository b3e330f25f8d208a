"""Check what must hold after every step of a course, and at its end, in the words of the rules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aftersale.contract.status import Status
from aftersale.ledger.reports import LedgerDifference, ProviderPayment
from aftersale.policy.running import CLOCK_SKEW
from aftersale.times import SECOND
from aftersale.vocabulary import Party, State
from aftersale.watch.status import WatchStatus
from simulation.courses.deadlines import as_the_book_says
from simulation.courses.statuses import sane
from simulation.courses.walks import GRACE
from simulation.house import World
from simulation.temporal.activities import Unanswered
from simulation.temporal.history import Diverged
from simulation.temporal.instance import TaskFailed
from simulation.temporal.run import Overlap, Run

MOST_BYTES = {"status": 1_000_000, "history": 10_000_000, "answer": 500_000}
"""How much of anything there may be (R32): what lies beyond parks a case, or has the server end it."""


ONE_CONTENT = "a request id stands for one content"


class Broken(AssertionError):
    """A rule does not hold. `rule` names the check."""

    def __init__(self, rule: str, said: str) -> None:
        """Keep the name beside the words."""
        self.rule = rule
        super().__init__(f"{rule}: {said}")


_ENGINE_RULES: dict[type[BaseException], str] = {
    Unanswered: "whatever is asked is answered in the end",
    Diverged: "a replay gives the same commands",
    Overlap: "one local activity is in hand at a time",
    TaskFailed: "no workflow task fails",
}


@contextmanager
def holding(rule: str) -> Iterator[None]:
    """Name the rule that a failed assertion is about."""
    try:
        yield
    except Broken:
        raise
    except tuple(_ENGINE_RULES) as error:
        raise Broken(_ENGINE_RULES[type(error)], str(error)) from error
    except AssertionError as error:
        raise Broken(rule, str(error)) from error


# After every step


def of_a_status(world: World, asked: dict[str, Any], kind: Any, status: Status) -> None:
    """Hold a case's status against the rules; `kind` is what the case began as."""
    with holding("every clock has one outcome, and only legal moves are taken"):
        sane(kind, status)
    with holding("every deadline is what the policy book says"):
        as_the_book_says(world.house.books, asked, status)
    with holding(ONE_CONTENT):
        named = Counter(entry.request_id for entry in status.timeline if entry.request_id is not None)
        twice = [request_id for request_id, times in named.items() if times > 1]
        assert not twice, f"more than one line was caused by {twice}"
    with holding("nothing is recorded before its time"):
        ahead = [entry for entry in status.timeline if entry.recorded_at > world.server.now + CLOCK_SKEW]
        assert not ahead, f"it is {world.server.now}, and there is {ahead[0]}"
    with holding("whoever is told to act can"):
        _someone_can_act(status)
    with holding("sizes are bounded"):
        _within("status", status)


def of_an_answer(answer: Status | WatchStatus, whole: Status | WatchStatus) -> list[int]:
    """Hold what a command was answered against its size, and its lines against the timeline.

    Return where they may end there: the same may have happened more than once in a second.
    """
    with holding("sizes are bounded"):
        _within("answer", answer)
        assert all(line.event != "Opened" for line in answer.timeline), "the answer repeats the timeline from its start"
    with holding("an answer has the lines that its command added"):
        new, lines = answer.timeline, whole.timeline
        ends = [end for end in range(len(new), len(lines) + 1) if lines[end - len(new) : end] == new]
        assert new and ends, f"{new} are no lines of the timeline"
        return ends


def _within(what: str, status: Status | WatchStatus) -> None:
    size = len(status.model_dump_json().encode())
    assert size <= MOST_BYTES[what], f"the {what} has {size} bytes"


def of_a_hold(world: World, status: Status) -> None:
    """Hold a case that an operator holds, and in which nothing is in hand, against R16: nobody may forget it."""
    held = [place for place, entry in enumerate(status.timeline) if entry.event == "Held"]
    if status.held_since is None:
        return
    with holding("a hold does not lie forgotten"):
        since = status.timeline[held[-1] :]
        alarm = next((entry for entry in since if entry.event == "AlarmSet"), None)
        assert alarm is not None and alarm.due_at is not None, "the hold has no alarm"
        rang = any((entry.event, entry.by, entry.clock) == ("Alert", "timer", None) for entry in since)
        latest = max(alarm.due_at, alarm.recorded_at + GRACE)
        assert rang or world.server.now <= latest + SECOND, f"the alarm of {latest} has not rung"


def of_the_money(world: World) -> None:
    """Hold what was paid against what was bought: the ledger's own tables beside what the provider really moved."""
    with holding("every key is paid at most once"):
        for key, payment in world.house.platform.payments.items():
            assert payment.moved <= 1, f"{key} was paid {payment.moved} times"
    with holding("no line, and no order, gets back more than was paid"):
        _within_what_was_paid(world)
    with holding("what the ledger settled is what the provider moved"):
        moved = {key for key, held in _payments(world) if held.moved}
        states = {str(key): state for key, state in world.house.records.rows("SELECT key, state FROM instructions")}
        settled = {key for key, state in states.items() if state == "succeeded"}
        assert settled <= moved, f"the ledger has {settled - moved} as paid, and the provider has not"
        lost = {key for key in moved if states.get(key) in (None, "failed")}
        assert not lost, f"the provider has paid {lost}, and the ledger has them as failed, or not at all"


def of_the_records(world: World, status: Status) -> None:
    """Hold the written copy of a case against the case, where nothing is in hand."""
    with holding("the records say what the case says"):
        record = world.house.records.turns.record(status.case_id)
        assert record is not None, f"the records know no case {status.case_id}"
        entries = tuple(entry for entry in record.timeline if entry.event not in _ADDED_AFTER_THE_END)
        _same(record.model_copy(update={"timeline": entries}), status)
    of_the_turns(world, record)


def of_the_turns(world: World, record: Status) -> None:
    """Hold the turns of a case on file against what they must be: one after the other, and nothing told twice."""
    with holding("every turn stands in the records once"):
        seqs = _column(
            world, "SELECT seq FROM turns WHERE voided_at IS NULL AND case_id = ? ORDER BY seq", record.case_id
        )
        assert seqs == list(range(1, len(seqs) + 1)), f"the turns on file are {seqs}"
        said = Counter((entry.event, entry.says) for entry in record.timeline if entry.event in _ONCE)
        again = [each for each, times in said.items() if times > 1]
        assert not again, f"the record tells twice of {again}"


def of_a_run(run: Run, *, replayed: bool) -> None:
    """Hold a run's history against the limits, and `replayed` against itself: it must lead to the same commands."""
    with holding("a replay gives the same commands"):
        if replayed:
            run.history.replay(run.server.runner)
    with holding("sizes are bounded"):
        assert run.history.size <= MOST_BYTES["history"], f"the history has {run.history.size} bytes"


# At the end


def of_the_end(world: World, status: Status, *, audited: bool) -> None:
    """Hold a case that is over against what it leaves behind; `audited` has the ledger check itself as well."""
    with holding("a case ends in a final state"):
        assert status.is_final and status.next.party is None, f"it stands in {status.state}"
    with holding("the ledger finds its books in order, and as the provider states them"):
        wrong = [found.says for found in differences(world)] if audited else []
        assert not wrong, "; ".join(wrong)
    of_no_money(world, status.case_id)


def of_no_money(world: World, case_id: str) -> None:
    """Hold the ledger against a case that is over: it reserves nothing."""
    with holding("a case that is over holds no money"):
        held = _column(world, "SELECT case_id FROM reservations WHERE closed_at IS NULL AND case_id = ?", case_id)
        assert not held, f"{case_id} still holds some"


def differences(world: World) -> list[LedgerDifference]:
    """Return what the ledger finds wrong with its books, beside all that the provider holds."""
    statement = [_stated(key, held.instruction, held.settlement) for key, held in _payments(world)]
    return world.house.records.ledger.check(statement)


def of_the_messages(world: World) -> None:
    """Hold the outbox against what a party may be told: each message under an id of its own, and with an act to it."""
    rows = world.house.records.rows("SELECT message_id, party, event, content FROM outbox WHERE state != 'void'")
    with holding("whoever is told to act can"):
        for message_id, party, event, content in rows:
            asked = event in ("move_awaited", "reminder") and party != Party.PLATFORM.value
            assert not asked or '"commands":[]' not in str(content), (
                f"{message_id} asks the {party}, who can do nothing"
            )


def of_what_is_unheard(failures: Sequence[str]) -> None:
    """Hold a course against what asyncio reported of it: a failure that nobody retrieved is one that nobody handled."""
    with holding("no failure goes unheard"):
        assert not failures, failures[0]


_ADDED_AFTER_THE_END = {"FreightInsured"}
_ONCE = {"Opened", "RefundInstructed", "RefundSucceeded", "Completed", "Closed"}


def _someone_can_act(status: Status) -> None:
    party = status.next.party
    if party in (None, Party.SYSTEM) or status.state is State.REFUNDING:
        return
    assert status.next.commands, f"{party} is awaited in {status.state}, and has no command"


def _within_what_was_paid(world: World) -> None:
    given: Counter[tuple[str, str]] = Counter()
    for _, held in _payments(world):
        sign = 1 if held.path == "refunds" else -1
        for line in held.instruction["lines"] if held.moved else ():
            given[held.instruction["order_id"], line["order_line_id"]] += sign * line["amount_minor"] * held.moved
    rows = world.house.records.rows("SELECT order_id, order_line_id, paid_minor FROM order_lines")
    paid = {(str(order), str(line)): minor for order, line, minor in rows}
    for place, minor in given.items():
        most = paid.get(place)
        assert isinstance(most, int) and 0 <= minor <= most, f"{minor} of {most} given back for {place}"


def _payments(world: World) -> Iterable[tuple[str, Any]]:
    return world.house.platform.payments.items()


def _stated(key: str, instruction: dict[str, Any], settlement: dict[str, Any]) -> ProviderPayment:
    return ProviderPayment(
        key=key,
        status=settlement["status"],
        amount_minor=instruction["amount_minor"],
        currency=instruction["currency"],
        provider_ref=settlement.get("provider_ref"),
    )


def _column(world: World, statement: str, *given: object) -> list[Any]:
    return [row[0] for row in world.house.records.rows(statement, *given)]


def _same(record: Status, status: Status) -> None:
    if record == status:
        return
    for name in Status.model_fields:
        said, known = getattr(record, name), getattr(status, name)
        assert said == known, f"{name}: the records say {said}, the case {known}"

"""Hold all that is left against the rules, in their words, once all was let go. Each check gives what is wrong."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from aftersale.contract.status import Entry, Status
from aftersale.times import local
from aftersale.watch.status import WatchStatus
from chaos.evidence import CaseLeft, Left, WatchLeft
from simulation.courses.statuses import sane

S = TypeVar("S", Status, WatchStatus)

_ADDED_AFTER_THE_END = {"FreightInsured", "CorrectionRequested"}


class Found(NamedTuple):
    """A rule that does not hold, and where."""

    rule: str
    says: str


def check(left: Left) -> list[Found]:
    """Hold all that was left behind against every rule."""
    return [Found(rule, says) for rule, found in RULES.items() for says in found(left)]


def _end(left: Left) -> Iterator[str]:
    for each in left.everything:
        if each.told is None:
            yield f"{each.workflow_id} does not answer"
        elif not each.told.is_final:
            yield f"{each.workflow_id} stays in {each.told.state}"
    yield from (f"{workflow_id} still runs" for workflow_id in left.running)


def _moves(left: Left) -> Iterator[str]:
    for case in left.cases:
        if case.told is None or case.told.problems:
            continue
        try:
            sane(case.kind, case.told)
        except AssertionError as error:
            yield f"{case.workflow_id}: {error}"


def _paid_once(left: Left) -> Iterator[str]:
    for payment in left.payments:
        if payment.moved > 1:
            yield f"{payment.key} was paid {payment.moved} times"


def _within_what_was_paid(left: Left) -> Iterator[str]:
    lines, orders, bought = Counter[tuple[str, str]](), Counter[str](), Counter[str]()
    for payment in left.payments:
        sign = -1 if payment.taken_back else 1
        for line, minor in payment.lines.items():
            lines[payment.order_id, line] += sign * minor * payment.moved
            orders[payment.order_id] += sign * minor * payment.moved
    for (order, _), minor in left.paid.items():
        bought[order] += minor
    for place, minor in lines.items():
        if not 0 <= minor <= left.paid.get(place, 0):
            yield f"line {place[1]} of {place[0]}: {minor} of {left.paid.get(place)} given back"
    for order, minor in orders.items():
        if not 0 <= minor <= bought[order]:
            yield f"order {order}: {minor} of {bought[order]} given back"


def _books(left: Left) -> Iterator[str]:
    moved = {payment.key for payment in left.payments if payment.moved}
    for key, state in left.instructions.items():
        if (state == "succeeded") != (key in moved):
            has = "has paid" if key in moved else "has not paid"
            yield f"{key} is {state} in the ledger, and the provider {has}"
    yield from (f"{key} was paid, and the ledger knows no such key" for key in moved - left.instructions.keys())
    yield from left.differences


def _held(left: Left) -> Iterator[str]:
    over = {each.told.case_id for each in left.cases if each.told is not None and each.told.is_final}
    yield from (f"{case_id} is over and still holds money" for case_id in left.reserved if case_id in over)


def _gapless(left: Left) -> Iterator[str]:
    for case in left.cases:
        if case.seqs != [*range(1, len(case.seqs) + 1)] or not case.seqs:
            yield f"{case.workflow_id}: the turns on file are {case.seqs}"


def _records(left: Left) -> Iterator[str]:
    for case in left.cases:
        if case.record is None:
            yield f"{case.workflow_id} is not in the records"
        elif case.told is not None:
            kept = tuple(each for each in case.record.timeline if each.event not in _ADDED_AFTER_THE_END)
            told = tuple(each for each in case.told.timeline if each.event not in _ADDED_AFTER_THE_END)
            record = case.record.model_copy(update={"timeline": kept})
            yield from _same(case, record, case.told.model_copy(update={"timeline": told}), "the records say")
    for watch in left.watches:
        for violation in watch.told.violations if watch.told is not None else ():
            if violation not in watch.kept:
                yield f"{watch.workflow_id}: the records do not say {violation}"


def _replays(left: Left) -> Iterator[str]:
    yield from (f"{workflow_id}: {says}" for workflow_id, says in left.unreplayable.items())
    for case in left.cases:
        if case.told is not None and case.told.is_final:
            yield from _same(case, case.replayed, case.told, "a replay says")
    for watch in left.watches:
        if watch.told is not None and watch.told.is_final:
            yield from _same(watch, watch.replayed, watch.told, "a replay says")


def _tasks(left: Left) -> Iterator[str]:
    yield from (f"{workflow_id}: {says}" for workflow_id, says in left.failed_tasks.items())


def _commands(left: Left) -> Iterator[str]:
    for each in left.everything:
        if each.told is None:
            continue
        named = Counter(entry.request_id for entry in each.told.timeline if entry.request_id is not None)
        for request_id, times in named.items():
            if times > 1:
                yield f"{each.workflow_id}: {times} lines were caused by {request_id}"
        for request_id in each.taken:
            if request_id not in named:
                yield f"{each.workflow_id}: {request_id} was answered as taken, and caused no line"


def _seen(left: Left) -> Iterator[str]:
    for each in left.everything:
        told = each.told.timeline[: len(each.seen)] if each.told is not None else each.seen
        if told != each.seen:
            shown, tells = _parting(each.seen, told)
            yield f"{each.workflow_id}: somebody was shown {shown}, and now it tells {tells}"


def _parting(one: tuple[Entry, ...], other: tuple[Entry, ...]) -> tuple[str, str]:
    """Return the first two lines that differ, in words."""
    pair = next(pair for pair in zip_longest(one, other) if pair[0] != pair[1])
    first, second = (f"{each.event} at {local(each.at)}, {each.says}" if each else "nothing more" for each in pair)
    return first, second


def _troubles(left: Left) -> Iterator[str]:
    yield from left.troubles


def _messages(left: Left) -> Iterator[str]:
    for message_id, state in left.outbox.items():
        if state == "pending":
            yield f"{message_id} is still to be sent"
        elif state == "sent" and not left.inbox[message_id]:
            yield f"{message_id} counts as sent, and did not arrive"
    unknown = left.inbox.keys() - left.outbox.keys()
    yield from (f"{message_id} arrived, and nobody owed it" for message_id in sorted(unknown))


def _same(left: CaseLeft | WatchLeft, found: S | None, told: S, who: str) -> Iterator[str]:
    if found == told:
        return
    if found is None:
        yield f"{left.workflow_id}: {who} nothing"
        return
    for name in type(told).model_fields:
        said, known = getattr(found, name), getattr(told, name)
        if said != known:
            if name == "timeline":
                said, known = _parting(said, known)
            yield f"{left.workflow_id}: {name}: {who} {said}, the workflow {known}"


RULES: Mapping[str, Callable[[Left], Iterator[str]]] = MappingProxyType(
    {
        "every case and every watch ends": _end,
        "every clock has one outcome, and only legal moves are taken": _moves,
        "every key is paid at most once": _paid_once,
        "no line, and no order, gets back more than was paid": _within_what_was_paid,
        "the ledger's books are in order, and as the provider states them": _books,
        "a case that is over holds no money": _held,
        "every turn stands in the records once, without a gap": _gapless,
        "the records say what the workflow says": _records,
        "every history replays, to what the workflow said": _replays,
        "no workflow task fails": _tasks,
        "callers hear of nothing but answers, refusals and silence": _troubles,
        "a command that was answered as taken was taken, once": _commands,
        "what anybody was shown stands": _seen,
        "every message that is owed arrives under its id, and no other": _messages,
    }
)
"""Every rule, by its words."""

"""After everything was disturbed: each rule finds what it is there for, and nothing else does."""

import copy
from collections import Counter
from collections.abc import Callable

import pytest

from aftersale.contract.status import Status
from aftersale.vocabulary import CaseKind, State
from aftersale.watch.status import WatchStatus
from chaos.checks import RULES, check
from chaos.evidence import CaseLeft, Left, Paid, WatchLeft
from chaos.replays import Replays
from trial.histories import HISTORIES, OF_A_WATCH, recorded

REFUNDED, ORDER = "T-1001", "O-1"


@pytest.fixture(scope="module")
async def sound() -> Left:
    """A return that was refunded, and a watch, as a real server recorded them, with all that belongs to them."""
    replays = Replays()
    for file in (HISTORIES / f"{REFUNDED}.json", OF_A_WATCH):
        history = recorded(file)
        assert await replays.failure(history) is None
    ended = {workflow_id: content for workflow_id, content in replays.ended.items()}
    watch_id = next(workflow_id for workflow_id in ended if workflow_id.startswith("watch/"))
    told = Status.model_validate_json(ended[f"case/{REFUNDED}"])
    watched = WatchStatus.model_validate_json(ended[watch_id])
    (paid,) = [each for each in told.refund.instructions if each.status == "succeeded"]
    return Left(
        cases=[CaseLeft(f"case/{REFUNDED}", CaseKind.RETURN, told, told, [1, 2, 3], told, seen=told.timeline[:3])],
        watches=[WatchLeft(watch_id, watched, list(watched.violations), watched)],
        payments=[Paid(paid.key, "succeeded", 1, ORDER, {"L1": paid.amount_minor}, False)],
        instructions={paid.key: "succeeded"},
        paid={(ORDER, "L1"): paid.amount_minor},
        outbox={"m-1": "sent", "m-2": "withdrawn"},
        inbox=Counter({"m-1": 2}),
    )


def _told(case: CaseLeft) -> Status:
    assert case.told is not None
    return case.told


def _stays_open(left: Left) -> None:
    left.running.append("case/C-9")


def _is_silent(left: Left) -> None:
    left.cases[0].told = None


def _awaits(left: Left) -> None:
    watch = left.watches[0]
    assert watch.told is not None
    watch.told = watch.told.model_copy(update={"is_final": False})


def _moves_illegally(left: Left) -> None:
    case = left.cases[0]
    odd = _told(case).model_copy(update={"state": State.CLOSED})
    case.told = case.record = case.replayed = odd


def _pays_twice(left: Left) -> None:
    payment = left.payments[0]
    left.payments[0] = payment._replace(moved=2)
    left.paid = {place: 2 * minor for place, minor in left.paid.items()}


def _pays_too_much(left: Left) -> None:
    left.paid = {place: minor - 1 for place, minor in left.paid.items()}


def _forgets_a_payment(left: Left) -> None:
    left.instructions.clear()


def _settles_what_nobody_paid(left: Left) -> None:
    left.instructions["case/C-9/refund/1"] = "succeeded"


def _declines_what_was_paid(left: Left) -> None:
    left.instructions = dict.fromkeys(left.instructions, "failed")


def _differs(left: Left) -> None:
    left.differences.append("the statement says otherwise")


def _holds_money(left: Left) -> None:
    left.reserved.append(_told(left.cases[0]).case_id)


def _has_a_gap(left: Left) -> None:
    left.cases[0].seqs = [1, 3]


def _is_recorded_otherwise(left: Left) -> None:
    left.cases[0].record = _told(left.cases[0]).model_copy(update={"policy_version": "another"})


def _is_not_recorded(left: Left) -> None:
    left.cases[0].record = None


def _keeps_no_violation(left: Left) -> None:
    left.watches[0].kept.clear()


def _is_replayed_otherwise(left: Left) -> None:
    left.cases[0].replayed = _told(left.cases[0]).model_copy(update={"policy_version": "another"})


def _does_not_replay(left: Left) -> None:
    left.unreplayable["case/C-9"] = "no command matches"


def _fails_a_task(left: Left) -> None:
    left.failed_tasks["case/C-9"] = "an assertion"


def _loses_a_command(left: Left) -> None:
    left.cases[0].taken.append("request-9")


def _takes_a_command_twice(left: Left) -> None:
    case = left.cases[0]
    first = _told(case).timeline[0].model_copy(update={"request_id": "request-9"})
    second = _told(case).timeline[1].model_copy(update={"request_id": "request-9"})
    twice = _told(case).model_copy(update={"timeline": (first, second, *_told(case).timeline[2:])})
    case.told = case.record = case.replayed = twice
    case.seen = ()


def _tells_something_else(left: Left) -> None:
    shown = _told(left.cases[0]).timeline[0]
    left.cases[0].seen = (shown, shown)


def _hears_of_trouble(left: Left) -> None:
    left.troubles.append("an error that nobody knows")


def _sends_nothing(left: Left) -> None:
    left.outbox["m-3"] = "pending"


def _loses_a_message(left: Left) -> None:
    left.inbox.clear()


def _sends_what_nobody_owes(left: Left) -> None:
    left.inbox["m-9"] += 1


PLANTED: dict[str, tuple[Callable[[Left], None], ...]] = {
    "every case and every watch ends": (_stays_open, _is_silent, _awaits),
    "every clock has one outcome, and only legal moves are taken": (_moves_illegally,),
    "every key is paid at most once": (_pays_twice,),
    "no line, and no order, gets back more than was paid": (_pays_too_much,),
    "the ledger's books are in order, and as the provider states them": (
        *(_forgets_a_payment, _settles_what_nobody_paid),
        *(_declines_what_was_paid, _differs),
    ),
    "a case that is over holds no money": (_holds_money,),
    "every turn stands in the records once, without a gap": (_has_a_gap,),
    "the records say what the workflow says": (_is_recorded_otherwise, _is_not_recorded, _keeps_no_violation),
    "every history replays, to what the workflow said": (_is_replayed_otherwise, _does_not_replay),
    "no workflow task fails": (_fails_a_task,),
    "callers hear of nothing but answers, refusals and silence": (_hears_of_trouble,),
    "a command that was answered as taken was taken, once": (_loses_a_command, _takes_a_command_twice),
    "what anybody was shown stands": (_tells_something_else,),
    "every message that is owed arrives under its id, and no other": (
        *(_sends_nothing, _loses_a_message),
        _sends_what_nobody_owes,
    ),
}


def test_what_is_sound_breaks_no_rule(sound: Left) -> None:
    assert check(copy.deepcopy(sound)) == []


@pytest.mark.parametrize(
    ("rule", "plant"),
    [
        pytest.param(rule, plant, id=f"{rule}: {plant.__name__.strip('_').replace('_', ' ')}")
        for rule, plants in PLANTED.items()
        for plant in plants
    ],
)
def test_what_is_planted_breaks_the_rule_that_is_there_for_it(
    sound: Left, rule: str, plant: Callable[[Left], None]
) -> None:
    left = copy.deepcopy(sound)
    plant(left)
    assert {found.rule for found in check(left)} == {rule}


def test_every_rule_has_been_seen_to_find_something() -> None:
    assert PLANTED.keys() == RULES.keys()

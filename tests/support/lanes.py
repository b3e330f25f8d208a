"""The tests that the fast lane leaves out: those that reach a server or a program beside this process.

Told from the code itself, so that no test has to say it: what the test and its fixtures call, as far as `tests` and
`trial` go. A test that slips through is caught as it runs.
"""

import types
from collections.abc import Iterator
from functools import cache
from inspect import unwrap
from pathlib import Path
from typing import Any

import pytest

STARTERS = {"create_subprocess_exec", "Popen", "ProcessPoolExecutor", "forker", "start_time_skipping_v2", "subprocess"}
"""Names by which code starts a process; a test that uses none of them, however far down, needs none."""

OUR_OWN = ("tests", "trial")

TESTS = Path(__file__).parents[1]

_EVENTS = "it reads the events of a history, as the server has them"
_AWAY = "a database is locked against the worker, which waits in a thread of its own"
_SENT = "a connection breaks on a socket, once for each service outside"
_GONE = "rows of a file are gone"
_ENDS = "each kind of case or watch and each of its ends is told on the server at least once"

ON_SERVER = {
    "model/test_festival.py::test_workflows_live_through_it_as_it_is_on_paper": _ENDS,
    "workflows/cases/test_cancel.py": f"{_EVENTS}; {_AWAY}",
    "workflows/cases/test_claim_boundaries.py::test_is_over_a_second_later": _ENDS,
    "workflows/cases/test_claim_boundaries.py::test_the_service_s_answer_for_the_platform_counts_after_its_last_second_"
    "but_an_officer_was_called": "a calendar leaps as an answer comes",
    "workflows/cases/test_claim_boundaries.py::test_the_service_s_answer_is_the_merchant_s_to_the_last_second_and_then_the_"
    "platform_s": "a calendar leaps as an answer comes",
    "workflows/cases/test_claim_disputes.py": _ENDS,
    "workflows/cases/test_claims.py": f"{_ENDS}; {_SENT}",
    "workflows/cases/test_commands.py::test_a_command_that_cannot_be_read_is_refused_and_leaves_no_trace": _EVENTS,
    "workflows/test_corrections.py::test_a_sending_in_time_that_is_reported_after_the_end_goes_to_the_platform": _ENDS,
    "workflows/test_cost.py": _EVENTS,
    "workflows/test_deliveries.py": _EVENTS,
    "workflows/watch/test_dispatch.py::test_remote_area_logistics_waive_the_hub_scan_of_s32_alone": _ENDS,
    "workflows/cases/test_disputes.py::test_a_ruled_replacement_is_sent_or_breached": _ENDS,
    "workflows/cases/test_disputes.py::test_no_silence_rules_the_platform_is_alerted_and_may_rule_late": _ENDS,
    "workflows/cases/test_freight.py::test_an_insurer_that_fails_or_declines_does_not_touch_the_refund": _SENT,
    "workflows/cases/test_freight.py::test_the_insurer_pays_what_the_return_cost_and_the_buyer_hears": _ENDS,
    "workflows/cases/test_instant_refund.py::test_a_service_that_fails_is_asked_again_and_takes_back_once": _SENT,
    "workflows/cases/test_instant_refund.py::test_what_is_not_owed_in_the_end_is_taken_back_before_the_case_"
    "ends": _ENDS,
    "workflows/cases/test_kinds.py": _ENDS,
    "workflows/cases/test_ledger.py::test_a_case_whose_ledger_is_away_opens_when_it_is_back": _AWAY,
    "workflows/cases/test_opening.py": "which ids may be used again is the server's to say",
    "workflows/cases/test_operators.py": "what operators see is kept by the server",
    "workflows/cases/test_pickup.py::test_a_carrier_service_that_fails_is_asked_again": _SENT,
    "workflows/cases/test_races.py::test_a_late_correction_reaches_a_case_that_waits_for_its_records": _AWAY,
    "workflows/cases/test_races.py::test_a_scan_does_not_keep_a_case_from_ending_that_waits_for_its_records": _AWAY,
    "workflows/cases/test_records.py::test_records_restored_from_a_backup_get_back_what_they_lost": _GONE,
    "workflows/cases/test_refund.py::test_a_lost_answer_is_looked_up_and_paid_once": _SENT,
    "workflows/cases/test_repair.py::test_another_item_may_be_sent_in_the_place_of_the_one_to_be_repaired": _ENDS,
    "workflows/cases/test_return.py": _ENDS,
    "workflows/watch/test_facts.py::test_an_order_cancelled_in_time_ends_the_watch_without_a_violation": _ENDS,
    "workflows/watch/test_life.py::test_a_malformed_start_ends_as_a_refused_record": _ENDS,
    "workflows/watch/test_life.py::test_an_operator_may_end_a_watch": _ENDS,
    "workflows/watch/test_life.py::test_an_operator_sees_what_is_awaited_until_when_and_by_which_rule": _EVENTS,
}
"""The stories of the fixture `place` that are told on the real server, by file or test, and why.

All others are simulated, or on the server by fixtures of their own: workers that come and go (`idle`), rollouts, kills.
"""


def is_story(item: pytest.Item) -> bool:
    """Tell whether a test is a story that the simulator could be told."""
    found = item._fixtureinfo.name2fixturedefs.get("place") if isinstance(item, pytest.Function) else None
    return found is not None and unwrap(found[-1].func).__module__ == "tests.support.places"


def why_on_server(item: pytest.Item) -> str | None:
    """Say why a story is told on the real server, or None where it is simulated."""
    file = item.path.relative_to(TESTS).as_posix()
    name = item.originalname if isinstance(item, pytest.Function) else item.name
    return ON_SERVER.get(file) or ON_SERVER.get(f"{file}::{name}")


def is_simulated(item: pytest.Item) -> bool:
    """Tell whether a story is told on the simulator: unless it is kept from there, or all are told on the server."""
    return item.get_closest_marker("simulated") is not None and not item.config.getoption("on_server")


def is_apart(item: pytest.Item) -> bool:
    """Tell whether a test needs a server or a program."""
    if not isinstance(item, pytest.Function):
        return True
    if is_story(item) and not is_simulated(item):
        return True
    given = getattr(item, "callspec", None)
    if given is not None and "postgresql" in [each for each in given.params.values() if isinstance(each, str)]:
        return True
    # All of a name: one that a folder puts in another's place may still ask for that one.
    fixtures = [each.func for found in item._fixtureinfo.name2fixturedefs.values() for each in found]
    return any(_starts(unwrap(each)) for each in (item.function, *fixtures))


@cache
def _starts(root: Any) -> bool:
    """Tell whether a function or class leads to one of the starters."""
    met, ahead = {root}, [root]
    while ahead:
        for name, value in _named(ahead.pop()):
            if name in STARTERS:
                return True
            if value not in met:
                met.add(value)
                ahead.append(value)
    return False


def _named(found: Any) -> Iterator[tuple[str, Any]]:
    """The names that a function or the methods of a class use, with what each is where it is of our own."""
    functions = vars(found).values() if isinstance(found, type) else [found]
    for function in functions:
        function = unwrap(function) if callable(function) else function
        if not isinstance(function, types.FunctionType):
            continue
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            value = unwrap(value) if isinstance(value, types.FunctionType) else value
            is_ours = isinstance(value, (type, types.FunctionType)) and value.__module__.partition(".")[0] in OUR_OWN
            yield name, value if is_ours else None


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)

"""Which tests the fast lane leaves out: those that reach a server or a program beside this process.

Told from the code itself, so that no test has to say it: what the test and its fixtures call, as far as `tests` and
`trial` go. A test that slips through is caught as it runs.
"""

import types
from collections.abc import Iterator
from functools import cache
from inspect import unwrap
from typing import Any

import pytest

STARTERS = {"create_subprocess_exec", "Popen", "ProcessPoolExecutor", "start_time_skipping_v2", "subprocess"}
"""Names by which code starts a process; a test that uses none of them, however far down, needs none."""

OUR_OWN = ("tests", "trial")


def is_apart(item: pytest.Item) -> bool:
    """Tell whether a test needs a server or a program."""
    if not isinstance(item, pytest.Function):
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

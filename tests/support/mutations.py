"""Small changes to a policy book that no reader may overlook: each must turn at least one example."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aftersale.policy.rules import PolicyFile
from aftersale.times import duration, span

Table = dict[str, Any]


Mutant = Callable[[], PolicyFile]
"""A changed file, made where it is wanted: each process that shares in the tests collects all of them."""


def mutants(file: PolicyFile) -> Iterator[tuple[str, Mutant]]:
    """Every file that differs in one respect: a row, a filter, a bound or a figure."""
    told = file.model_dump(by_alias=True, exclude_unset=True)
    for name, change in _changes(told):
        yield name, partial(_changed, told, change)


def _changed(told: Table, change: Callable[[Table], None]) -> PolicyFile:
    copied = deepcopy(told)
    change(copied)
    return PolicyFile.model_validate(copied)


def _changes(told: Table) -> Iterator[tuple[str, Any]]:
    yield from _rows(told)
    for table in ("selector", "rule", "limit"):
        for at, row in enumerate(told.get(table, ())):
            for field in row.get("when", {}):
                yield f"{row['id']} without when.{field}", _drop(table, at, "when", field)
    for at, window in enumerate(told.get("window", ())):
        for end, step in (("from", 1), ("to", 1), ("from", -1), ("to", -1)):
            if end in window:
                yield f"window {window['id']} {end} moved by {step} s", _shift(("window", at, end), step)
        for end in ("from", "to"):
            if {"from", "to"} <= window.keys():
                yield f"window {window['id']} without {end}", _drop("window", at, end)
    yield from _switches(told)
    yield from _figures(told)


def _rows(told: Table) -> Iterator[tuple[str, Any]]:
    for table in ("rule", "limit", "presale"):
        for at, row in enumerate(told.get(table, ())):
            yield f"without {table} {row['id']}", _without_row(table, at)


def _switches(told: Table) -> Iterator[tuple[str, Any]]:
    for at, rule in enumerate(told.get("rule", ())):
        for field in ("overrides", "opt_in", "opt_out"):
            if field in rule:
                yield f"{rule['id']} without {field}", _drop("rule", at, field)
        for other in range(len(rule["clock"]) if len(rule["clock"]) > 1 else 0):
            yield f"{rule['id']} without clock {rule['clock'][other]}", _without_clock(at, other)


def _figures(told: Table) -> Iterator[tuple[str, Any]]:
    for table, holder in (("rule", "effect"), ("limit", "limit"), ("presale", "cap")):
        for at, row in enumerate(told.get(table, ())):
            for path in _numbers(row.get(holder), (table, at, holder)):
                for step in (1, -1):
                    yield f"{row['id']} {'.'.join(map(str, path[2:]))} by {step} s", _shift(path, step)


def _numbers(given: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(given, dict):
        for name, each in given.items():
            yield from _numbers(each, (*path, name))
    elif isinstance(given, datetime) or (isinstance(given, str) and given.startswith("P")):
        yield path


def _drop(*path: Any) -> Any:
    def change(told: Table) -> None:
        place = _place(told, path[:-1])
        del place[path[-1]]

    return change


def _shift(path: tuple[Any, ...], seconds: int) -> Any:
    def change(told: Table) -> None:
        place = _place(told, path[:-1])
        given, step = place[path[-1]], timedelta(seconds=seconds)
        place[path[-1]] = given + step if isinstance(given, datetime) else duration(span(given) + step)

    return change


def _without_row(table: str, at: int) -> Any:
    def change(told: Table) -> None:
        gone = told[table][at]["id"]
        told[table] = [row for row in told[table] if row["id"] != gone]
        for row in told[table]:
            if "overrides" in row:
                row["overrides"] = tuple(name for name in row["overrides"] if name != gone)

    return change


def _without_clock(at: int, other: int) -> Any:
    def change(told: Table) -> None:
        clocks = told["rule"][at]["clock"]
        told["rule"][at]["clock"] = [*clocks[:other], *clocks[other + 1 :]]

    return change


def _place(told: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        told = told[step]
    return told

"""The statements that are kept: what is bound in them is stored and compared as the column is."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType

import aftersale.records

DIALECTS: tuple[Dialect, ...] = (sqlite.dialect(), postgresql.dialect())  # type: ignore[no-untyped-call]


def kept() -> Iterator[tuple[str, Any]]:
    """Give every statement that a module of the records keeps, with its name."""
    for module in walk_packages(aftersale.records.__path__, "aftersale.records."):
        if ".migrations" not in module.name:
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, Executable):
                    yield f"{module.name}.{name}", value


def test_nothing_is_bound_without_a_type() -> None:
    """A moment without its type is kept in another form, which does not sort with the others."""
    assert len(dict(kept())) > 20
    untyped = [
        f"{name}: {bound.key}"
        for name, statement in kept()
        for dialect in DIALECTS
        for bound in statement.compile(dialect=dialect).binds.values()
        if isinstance(bound.type, NullType)
    ]
    assert untyped == []

"""Reads the policy book from its TOML files. The only module that opens them."""

import os
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aftersale.errors import PolicyFault, problems_of
from aftersale.policy.book import Book
from aftersale.policy.rules import PolicyFile
from aftersale.schema import Schema

TITLE = "book.toml"
"""The file that names the book and counts its publications."""


class Title(Schema):
    """The book's human name and its revision: an integer that grows with every publication."""

    name: str
    revision: int


def default_root() -> Path:
    """Where the book lies: `AFTERSALE_POLICIES`, else beside the installed package, else in the checkout."""
    if named := os.environ.get("AFTERSALE_POLICIES"):
        return Path(named)
    package = Path(__file__).resolve().parents[1]
    installed = package / "_policies"
    return installed if installed.is_dir() else package.parent / "policies"


@cache
def default_book() -> Book:
    """The book at the default place, read once per process."""
    return load(default_root())


def load(root: Path) -> Book:
    """The book in a folder: `book.toml` and every file below limits/, notices/ and services/.

    Files whose name begins with an underscore are templates and are left out.
    Raises PolicyFault, naming file, field and remedy, for the first file that cannot be read.
    """
    try:
        title = Title.model_validate(_toml(root / TITLE))
    except ValidationError as error:
        raise PolicyFault(f"{root / TITLE}: {_first(error)}") from None
    files = [read(path) for path in paths(root)]
    _unique(files)
    return Book(files, name=title.name, revision=title.revision)


def paths(root: Path) -> Iterator[Path]:
    """Every policy file of the book in a folder, in a stable order."""
    for shelf in ("limits", "notices", "services"):
        yield from sorted(path for path in (root / shelf).glob("*.toml") if not path.name.startswith("_"))


def read(path: Path) -> PolicyFile:
    """One policy file. Raises PolicyFault naming the file, the rule where there is one, and the remedy."""
    data = _toml(path)
    try:
        return PolicyFile.model_validate(data)
    except ValidationError as error:
        raise PolicyFault(f"{path}: {_first(error, data)}") from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyFault(f"{path}: cannot be read ({error.strerror}); point AFTERSALE_POLICIES at a book") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyFault(f"{path}: is not TOML: {error}") from None


def _unique(files: list[PolicyFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        rows = [*file.selector, *file.rule, *file.presale, *file.limit, *file.subject]
        for name in [file.id, *(f"{file.id}:{row.id}" for row in rows)]:
            if name in seen:
                raise PolicyFault(f"{file.id}: id {name} is used twice; every file and clause needs an id of its own")
            seen[name] = file.id


def _first(error: ValidationError, data: dict[str, Any] | None = None) -> str:
    """All problems of a file, each with the id of the row it stands in rather than a bare index."""
    return "; ".join(_located(str(problem), problem.field, data) for problem in problems_of(error))


def _located(text: str, field: str, data: dict[str, Any] | None) -> str:
    table, _, rest = field.partition(".")
    index = rest.partition(".")[0]
    rows = (data or {}).get(table)
    if not index.isdigit() or not isinstance(rows, list):
        return text
    row = rows[int(index)]
    name = (row.get("id") or row.get("name")) if isinstance(row, dict) else None
    return f"{table} {name!r}: {text}" if name else text

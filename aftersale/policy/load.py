"""Read the policy book from its TOML files. The only module that opens them."""

import os
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field, StrictInt, ValidationError

from aftersale.errors import PolicyFault, Problem, problems_of
from aftersale.policy.book import Book
from aftersale.policy.clauses import Text
from aftersale.policy.revisions import MOST_REVISION
from aftersale.policy.rules import PolicyFile
from aftersale.policy.services import ServiceFile
from aftersale.schema import Schema

S = TypeVar("S", bound=Schema)

TITLE = "book.toml"
"""The file that names the book and counts its publications."""

SERVICES = "services"
"""The folder of the guarantee services, whose files have a shape of their own."""

SHELVES = ("limits", "notices", SERVICES)
"""The folders of a book that hold its files."""

ASIDE = "examples"
"""The folder beside them for notices of other years, which show what the format can say and bind nobody."""


class Title(Schema):
    """The book's human name and its revision: an integer that grows with every publication."""

    name: Text
    revision: Annotated[StrictInt, Field(ge=0, le=MOST_REVISION)]


class Survey(NamedTuple):
    """All that a folder holds: what could be read, and for what could not, each fault with its file and remedy."""

    title: Title
    files: dict[Path, PolicyFile]
    services: dict[Path, ServiceFile]
    faults: list[str]

    def book(self) -> Book:
        """Return the book of the files that could be read."""
        name, revision = self.title.name, self.title.revision
        return Book(self.files.values(), self.services.values(), name=name, revision=revision)


def default_root() -> Path:
    """Say where the book lies: `AFTERSALE_POLICIES`, else beside the installed package, else in the checkout."""
    if named := os.environ.get("AFTERSALE_POLICIES"):
        return Path(named)
    package = Path(__file__).resolve().parents[1]
    installed = package / "_policies"
    return installed if installed.is_dir() else package.parent / "policies"


@cache
def default_book() -> Book:
    """Return the book at the default place, read once per process."""
    return load(default_root())


def load(root: Path) -> Book:
    """Return the book in a folder: `book.toml` and every file below limits/, notices/ and services/.

    Files whose name begins with an underscore are templates and are left out.
    Raises PolicyFault, naming file, row and remedy, for all that cannot be read.
    """
    found = survey(root)
    if found.faults:
        raise PolicyFault("\n".join(found.faults))
    return found.book()


def survey(root: Path) -> Survey:
    """Everything in the folder of a book, with all its faults at once."""
    title, faults = Title(name="unnamed", revision=0), []
    files, services = dict[Path, PolicyFile](), dict[Path, ServiceFile]()
    try:
        title = _shaped(Title, text(root / TITLE), root / TITLE)
    except PolicyFault as fault:
        faults.append(str(fault))
    for path in paths(root):
        try:
            if path.parent.name == SERVICES:
                services[path] = _shaped(ServiceFile, text(path), path)
            else:
                files[path] = read(path)
        except PolicyFault as fault:
            faults.append(str(fault))
    return Survey(title, files, services, [*faults, *_clashes(files, services)])


def paths(root: Path) -> Iterator[Path]:
    """Return every policy file of the book in a folder, in a stable order."""
    for shelf in SHELVES:
        yield from sorted(path for path in (root / shelf).glob("*.toml") if not path.name.startswith("_"))


def join(found: Survey, path: Path) -> Survey:
    """Return what a folder would hold with one more file, which takes the place of the file with its id.

    Raises PolicyFault for all that cannot be read.
    """
    if found.faults:
        raise PolicyFault("\n".join(found.faults))
    file = read(path)
    files = {home: each for home, each in found.files.items() if each.id != file.id} | {path: file}
    return found._replace(files=files, faults=list(_clashes(files, found.services)))


def read(path: Path) -> PolicyFile:
    """Return one policy file. Raises PolicyFault naming the file, the row where there is one, and the remedy."""
    return parse(text(path), path)


def parse(content: str, path: Path) -> PolicyFile:
    """Return the policy file that a text is, or is to be. Raises PolicyFault as `read`."""
    return _shaped(PolicyFile, content, path)


def text(path: Path) -> str:
    """Return what a policy file holds, as it is written. Raises PolicyFault naming the file and the remedy."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyFault(f"{path}: cannot be read ({error.strerror}); point AFTERSALE_POLICIES at a book") from None
    except UnicodeDecodeError:
        raise PolicyFault(f"{path}: is not UTF-8; save it as UTF-8") from None


def _shaped(shape: type[S], content: str, path: Path) -> S:
    data = _toml(content, path)
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        told = "; ".join(_located(problem, data) for problem in problems_of(error))
        raise PolicyFault(f"{path}: {told}") from None


def _toml(content: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        raise PolicyFault(f"{path}: is not TOML: {error}; correct it there") from None


def _clashes(files: Mapping[Path, PolicyFile], services: Mapping[Path, ServiceFile]) -> Iterator[str]:
    """Return what is wrong between files that are each right by themselves."""
    homes: defaultdict[str, list[Path]] = defaultdict(list)
    for path, file in files.items():
        homes[f"id {file.id!r}"].append(path)
        for name in [*(setting.id for setting in file.setting), *(ceiling.id for ceiling in file.ceiling)]:
            homes[f"setting {name!r}"].append(path)
        for other in file.supersedes:
            if other not in {each.id for each in files.values()} - {file.id}:
                yield f"{path}: supersedes names {other!r}, which is no other file's id; correct it"
    for path, service in services.items():
        for name in [f"id {service.id!r}", *service.offers]:
            homes[name].append(path)
    for name, found in homes.items():
        if len(found) > 1:
            yield f"{found[-1]}: {name} is already in {found[0]}; keep one of them"


def _located(problem: Problem, data: dict[str, Any]) -> str:
    """Return a problem of a file, with the id of the row it stands in rather than a bare index."""
    table, _, rest = problem.field.partition(".")
    index, _, field = rest.partition(".")
    rows = data.get(table)
    if isinstance(rows, dict) and not index:
        return f"{table}: write [[{table}]], with double brackets, at the head of each row"
    if not index.isdigit() or not isinstance(rows, list):
        return str(problem)
    row = rows[int(index)]
    name = (row.get("id") or row.get("name")) if isinstance(row, dict) else None
    place = f"{table} {name!r}" if name else f"{table} number {int(index) + 1}"
    return f"{place}: {problem.model_copy(update={'field': field})}"

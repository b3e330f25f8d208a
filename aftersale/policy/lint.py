"""What a policy officer is told about a book: all that is wrong with it, each with its file and what to do."""

from collections.abc import Iterator
from pathlib import Path

from aftersale.policy.book import Book
from aftersale.policy.coverage import gaps
from aftersale.policy.examples import verdict
from aftersale.policy.load import SHELVES, TITLE, Survey, survey
from aftersale.policy.overlaps import overlaps
from aftersale.policy.rules import PolicyFile


def lint(root: Path) -> list[str]:
    """Every finding about the book in a folder; a file that cannot be read hides no other file's findings."""
    found = survey(root)
    return [*found.faults, *_astray(root), *_overlaps(found), *_unshown(found)]


def trial(book: Book, file: PolicyFile) -> Book:
    """The book as it would be with the file in force: a draft is tried before it is published."""
    if file.status == "in_force":
        return book
    published = file.model_copy(update={"status": "in_force"})
    others = (each for each in book.files if each.id != file.id)
    return Book([*others, published], name=book.name, revision=book.revision)


def _astray(root: Path) -> Iterator[str]:
    """Files that look like policy but that no book reads."""
    for path in sorted(root.rglob("*.toml")):
        shelved = path.parent.parent == root and path.parent.name in SHELVES
        if not shelved and path != root / TITLE:
            yield f"{path}: is not read where it lies; move it to {', '.join(SHELVES)}, or remove it"


def _overlaps(found: Survey) -> Iterator[str]:
    homes = {file.id: path for path, file in found.files.items()}
    for file, finding in overlaps(found.files.values()):
        yield f"{homes[file.id]}: {finding}"


def _unshown(found: Survey) -> Iterator[str]:
    """Examples that do not come out, and what no example shows. What is repealed is no longer tried."""
    book = found.book()
    for path, file in found.files.items():
        if file.status == "repealed":
            continue
        tried = trial(book, file)
        for example in file.example:
            if (differs := verdict(tried, file, example)) is not None:
                yield f"{path}: example {example.name!r}: {differs}; correct the example or the rule"
        yield from (f"{path}: {gap}" for gap in gaps(tried, file))

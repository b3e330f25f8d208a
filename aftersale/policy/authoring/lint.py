"""Find all that is wrong with a book, each finding with its file and its remedy."""

from collections.abc import Iterator
from pathlib import Path

from aftersale.policy.authoring.coverage import gaps
from aftersale.policy.authoring.draft import REVIEW
from aftersale.policy.authoring.examples import verdict
from aftersale.policy.authoring.overlaps import overlaps
from aftersale.policy.book import Book
from aftersale.policy.load import ASIDE, SHELVES, TITLE, Survey, join, survey, text
from aftersale.policy.rules import PolicyFile


def lint(root: Path) -> list[str]:
    """Return every finding about the book in a folder; a file that cannot be read hides no other file's findings."""
    found = survey(root)
    return [*found.faults, *_astray(root), *_unreviewed(found), *_overlaps(found), *_unshown(found), *_clockless(found)]


def lint_with(root: Path, path: Path) -> list[str]:
    """Give every finding about the book in a folder once one more file has joined it. Raises PolicyFault as `load`."""
    found = join(survey(root), path)
    return [*found.faults, *_unreviewed(found), *_overlaps(found), *_unshown(found)]


def trial(book: Book, file: PolicyFile) -> Book:
    """Return the book with the file in the place of the one with its id: a draft is tried as if it were published."""
    pending = file.status in ("draft", "consultation")
    tried = file.model_copy(update={"status": "in_force"}) if pending else file
    if tried in book.files:
        return book
    others = (each for each in book.files if each.id != file.id)
    return Book([*others, tried], book.services.files, name=book.name, revision=book.revision)


def _astray(root: Path) -> Iterator[str]:
    """Files that look like policy but that no book reads."""
    for path in sorted(root.rglob("*.toml")):
        shelved = path.parent.parent == root and path.parent.name in SHELVES
        if not shelved and path != root / TITLE and path.parent != root / ASIDE:
            yield f"{path}: is not read where it lies; move it to {', '.join(SHELVES)}, or remove it"


def _unreviewed(found: Survey) -> Iterator[str]:
    """Published files with lines that `policy draft` marked and nobody has held against the text."""
    for path, file in found.files.items():
        marked = [str(at) for at, line in enumerate(text(path).split("\n"), 1) if REVIEW in line]
        if file.published and marked:
            yield f"{path}: is published with {REVIEW.strip()!r} on line {', '.join(marked)}; hold each to the text"


def _overlaps(found: Survey) -> Iterator[str]:
    homes = {file.id: path for path, file in found.files.items()}
    for file, finding in overlaps(found.files.values()):
        yield f"{homes[file.id]}: {finding}"


def _clockless(found: Survey) -> Iterator[str]:
    """Claims whose window no limit of the book measures."""
    clocks = {row.clock for file in found.files.values() for row in file.limit}
    for path, service in found.services.items():
        for version, claim in service.claims:
            if claim.window is not None and claim.window.clock not in clocks:
                where = f"version {version.id!r}: claim {claim.type}: window"
                yield f"{path}: {where} names {claim.window.clock}, for which the book has no limit; add the limit"


def _unshown(found: Survey) -> Iterator[str]:
    """Examples that do not come out, and what no example shows. What is repealed is no longer tried, only dated."""
    book = found.book()
    for path, file in found.files.items():
        if file.status == "repealed":
            if file.tier is not None and file.repealed is None:
                yield f"{path}: is repealed without a date, so it reads as if it had never bound; add repealed"
            continue
        tried = trial(book, file)
        for example in file.example:
            if (differs := verdict(tried, file, example)) is not None:
                yield f"{path}: example {example.name!r}: {differs}; correct the example or the rule"
        yield from (f"{path}: {gap}" for gap in gaps(tried, file))

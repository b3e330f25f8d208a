"""`aftersale policy diff`: which clocks answer otherwise in another book, for which facts, and by which rules."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aftersale.cli.errors import AsJson, report_errors
from aftersale.cli.output import draw, say_json, table
from aftersale.errors import bad_input
from aftersale.inert import inert
from aftersale.policy.authoring.diff import (
    Answer,
    Difference,
    answer_in_words,
    change,
    differences,
    facts_in_words,
    settings,
)
from aftersale.policy.authoring.lint import trial
from aftersale.policy.book import Book, PresaleAnswer
from aftersale.policy.explain import answer_as_json
from aftersale.policy.facts import Question
from aftersale.policy.load import TITLE, default_root, load, read
from aftersale.times import local

_UNSHOWN = ("policy_version", "because", "counts_for_score")


def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="A book's folder, or one policy file.")],
    second: Annotated[Path | None, typer.Argument(metavar="[B]", help="The same; absent, A is the new one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which clocks move from A to B, for which facts, and by which rules; with A alone, from the book in use to A.

    A file is tried as if in force, in the place of the file with its id, in the other side's book or the one in use.
    """
    with report_errors(as_json):
        old, new = sides(first, second)
        found = sorted(differences(old, new), key=lambda each: (each.clock, not each.moved))
        figures = list(settings(old, new))
    if as_json:
        changed = [{"name": name, "old": before, "new": after} for name, before, after in figures]
        say_json(
            {"old": old.version, "new": new.version, "moves": [_plain(each) for each in found], "settings": changed}
        )
        return
    sentences = [*_sentences(found), *(f"{name}: {after} instead of {before}" for name, before, after in figures)]
    told = "\n".join([f"{old.version} → {new.version}", *(sentences or ["no clock moves"])])
    draw(Text(inert(told)), *([_table(found)] if found else []))


def sides(first: Path, second: Path | None) -> tuple[Book, Book]:
    """Return the books to hold against one another.

    Raises BadInput for what is none, PolicyFault for what cannot be read.
    """
    given = [path for path in (first, second) if path is not None]
    for path in given:
        _require(path)
    base = load(next((path for path in given if path.is_dir()), default_root()))
    if second is None:
        return base if not first.is_dir() else load(default_root()), _side(base, first)
    if not (first.is_dir() or second.is_dir()):
        ours = {read(first).id, read(second).id}
        kept = (file for file in base.files if file.id not in ours)
        base = Book(kept, base.services.files, name=base.name, revision=base.revision)
    return _side(base, first), _side(base, second)


def _side(base: Book, path: Path) -> Book:
    return load(path) if path.is_dir() else trial(base, read(path))


def _require(path: Path) -> None:
    if not path.exists() or (path.is_dir() and not (path / TITLE).is_file()):
        said = f"is neither a policy file nor a folder that holds {TITLE}; name one of them"
        raise bad_input(str(path), said)


def _sentences(found: Sequence[Difference]) -> Iterator[str]:
    """For each clock, how many answers move, and how."""
    for clock in dict.fromkeys(each.clock for each in found):
        moves = [each for each in found if each.clock == clock]
        asked = moves[0].asked
        name = f"{clock} {asked.clock.zh}" if isinstance(asked, Question) else clock
        ways = _grouped(moves, lambda each: each.way).values()
        yield f"{name}: {', '.join(f'{change(alike)} ({len(alike)})' for alike in ways)}"


def _table(found: Iterable[Difference]) -> Table:
    """Return one row for all that move alike: the first of them, and how many more there are."""
    rows = []
    for alike in _grouped(found, lambda each: (each.clock, each.way, _rules(each.old), _rules(each.new))).values():
        first = alike[0]
        cells = [first.clock, facts_in_words(first.asked), answer_in_words(first.old), answer_in_words(first.new)]
        rows.append([*cells, change(alike), len(alike) - 1 or ""])
    return table("What moves", ("clock", "such as", "old", "new", "change", "more"), rows)


def _grouped(found: Iterable[Difference], key: Callable[[Difference], object]) -> dict[object, list[Difference]]:
    groups: dict[object, list[Difference]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return groups


def _rules(answer: Answer) -> str:
    return "" if isinstance(answer, str) else " ".join(answer.rules)


def _plain(found: Difference) -> dict[str, Any]:
    return {
        "clock": found.clock,
        "change": change([found]),
        "question": _asked(found),
        "old": _answered(found.old),
        "new": _answered(found.new),
    }


def _asked(found: Difference) -> dict[str, Any]:
    """Return the question, as `policy explain` or `policy presale` takes it."""
    if isinstance(found.asked, Question):
        return found.asked.model_dump(mode="json", exclude_defaults=True)
    at, promise, as_of = found.asked
    return {"at": local(at), "promise": promise} | ({"as_of": local(as_of)} if as_of else {})


def _answered(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"error": answer}
    if isinstance(answer, PresaleAnswer):
        return answer.model_dump()
    return {name: value for name, value in answer_as_json(answer).items() if name not in _UNSHOWN}

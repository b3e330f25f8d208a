"""Each clause matters: a book that differs in any row, filter, bound or figure turns at least one example."""

import pytest

from aftersale.policy.authoring.examples import verdict
from aftersale.policy.book import Book
from tests.support.books import BOOK, OTHER_YEARS
from tests.support.mutations import Mutant, mutants

FILES = [file for file in [*BOOK.files, *OTHER_YEARS] if file.published]
MUTANTS = [
    (f"{file.id}: {change}", mutant)
    for file in FILES
    for change, mutant in mutants(file)
    if not change.startswith("S15 without clock")  # test_precedence asks S15 of every clock
]


@pytest.mark.parametrize("mutant", [mutant for _, mutant in MUTANTS], ids=[name for name, _ in MUTANTS])
def test_no_change_of_the_book_goes_unnoticed(mutant: Mutant) -> None:
    other = mutant()
    changed = [other if file.id == other.id else file for file in FILES]
    book = Book(changed)
    assert any(verdict(book, file, example) for file in changed for example in file.example)


def test_unchanged_the_book_turns_no_example() -> None:
    assert not any(verdict(Book(FILES), file, example) for file in FILES for example in file.example)

"""Each clause matters: a book that differs in any row, filter, bound or figure turns at least one example."""

import pytest

from aftersale.policy.book import Book
from aftersale.policy.examples import verdict
from aftersale.policy.rules import PolicyFile
from tests.policy.books import BOOK, EXAMPLES
from tests.policy.mutations import mutants

MUTANTS = [
    (f"{file.id}: {change}", mutant)
    for file in BOOK.files
    for change, mutant in mutants(file)
    if not change.startswith("S15 without clock")  # test_precedence asks S15 of every clock
]


@pytest.mark.parametrize("mutant", [mutant for _, mutant in MUTANTS], ids=[name for name, _ in MUTANTS])
def test_no_change_of_the_book_goes_unnoticed(mutant: PolicyFile) -> None:
    changed = Book([mutant if file.id == mutant.id else file for file in BOOK.files])
    assert any(verdict(changed, file, example) for file, example in EXAMPLES if file.id != mutant.id) or any(
        verdict(changed, mutant, example) for example in mutant.example
    )

"""Every [[example]] comes out: those of the policy book, and those of the notices of other years."""

import pytest

from aftersale.policy.authoring.examples import verdict
from aftersale.policy.authoring.lint import trial
from aftersale.policy.rules import Example, PolicyFile
from tests.support.books import BOOK, EXAMPLES, OTHER_YEARS

SHOWN = [*EXAMPLES, *((file, example) for file in OTHER_YEARS for example in file.example)]


@pytest.mark.parametrize(
    ("file", "example"), SHOWN, ids=[f"{file.id}: {example.name}".replace("::", ":") for file, example in SHOWN]
)
def test_the_book_answers_as_the_example_says(file: PolicyFile, example: Example) -> None:
    assert verdict(trial(BOOK, file), file, example) is None

"""Every [[example]] of the policy book comes out."""

import pytest

from aftersale.policy.examples import verdict
from aftersale.policy.lint import trial
from aftersale.policy.rules import Example, PolicyFile
from tests.policy.books import BOOK, EXAMPLES


@pytest.mark.parametrize(
    ("file", "example"), EXAMPLES, ids=[f"{file.id}: {example.name}".replace("::", ":") for file, example in EXAMPLES]
)
def test_the_book_answers_as_the_example_says(file: PolicyFile, example: Example) -> None:
    assert verdict(trial(BOOK, file), file, example) is None

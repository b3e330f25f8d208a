"""Most tests run a command line that was loaded before (`tests.support.preloaded`): it is no other than a shell's."""

import pytest

from tests.support.program import CLI
from tests.support.shell import python, run

QUESTION = '{"clock": "merchant_review", "started_at": "2024-01-30T00:00:00+08:00"}'


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("--help",), ""),
        ((), ""),
        (("lst",), ""),
        (("list", "--all"), ""),
        (("show", "案例", "--json"), ""),
        (("policy", "explain"), QUESTION),
        (("policy", "explain"), "no question"),
        (("policy", "check"), ""),
    ],
)
async def test_a_command_that_was_loaded_before_says_and_ends_the_same(words: tuple[str, ...], given: str) -> None:
    records = "sqlite:////nowhere/of-this-test.db"
    wanted = await python(*CLI, *words, records_url=records, given=given)
    assert await run(*words, records_url=records, given=given) == wanted
    assert wanted.out or wanted.err

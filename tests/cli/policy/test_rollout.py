"""`aftersale policy rollout` as an operator meets it: a book goes out, is stopped, goes on, says where it stands."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from aftersale.policy.load import load
from tests.support.books import ROOT
from tests.support.market import Market, market
from tests.support.shell import NO_SERVER, Told, run
from trial.postgres import Server

REVISION = load(ROOT).revision


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def place(
    request: pytest.FixtureRequest, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Market]:
    """A market in which four returns wait for their buyers."""
    url = None if request.param == "sqlite" else postgres.database("rollout")
    async with market(tmp_path_factory.mktemp("rollout"), records_url=url) as place:
        for number in range(4):
            await place.approved(case_id=f"C-{number}")
        yield place


async def test_a_book_is_rolled_out_stopped_and_goes_on_to_its_end(place: Market) -> None:
    begun = await rollout(place, "--rate", "1", "--batch", "1", "--json")
    assert (begun.status, begun.json["revision"], begun.json["pace"]["rate"]) == (0, REVISION, 1)
    stopped = await rollout(place, "--stop", "--json")
    assert (stopped.status, stopped.json["paused"]) == (0, True)
    followed = await rollout(place, "--rate", "50", "--follow")
    assert followed.status == 0
    assert f"revision {REVISION}: done" in followed.out.splitlines()[-3]
    assert "4 told, " in followed.out.splitlines()[-2]
    again = await rollout(place, "--wait", "--json")
    assert (again.status, again.json["step"], again.json["told"]) == (0, "done", 4)
    assert again.err == "", "nothing of a rollout that is over is an error"


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_number_that_no_worker_has_is_said_while_it_is_waited_for(place: Market) -> None:
    begun = await rollout(place, "--revision", "99")
    assert begun.status == 0 and "waits until every worker has the book" in begun.out
    async with asyncio.timeout(60):
        while "no worker has revision 99" not in (said := (await rollout(place, "--revision", "99", "--status")).err):
            await asyncio.sleep(0.1)
    assert said.endswith("or stop this rollout if the number is a mistake\n")
    stopped = await rollout(place, "--revision", "99", "--stop")
    assert stopped.status == 0 and "stopped while it waits" in stopped.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "0"), "rate: "),
        (("--rate", "1", "--batch", "601"), "batch takes more than ten minutes at that rate; write 600 at most"),
        (("--stop", "--status"), "exclude one another; leave all but one out"),
    ],
)
async def test_what_is_wrong_is_told_with_its_remedy(idle: Market, words: tuple[str, ...], said: str) -> None:
    told = await run("policy", "rollout", *words, address=idle.address)
    assert told.status == 2 and said in told.err


async def test_a_rollout_that_nobody_began_cannot_be_stopped(idle: Market) -> None:
    told = await run("policy", "rollout", "--revision", "77", "--stop", address=idle.address)
    assert (told.status, told.out) == (1, "")
    assert "no rollout of revision 77 is under way; `aftersale policy rollout` starts one" in told.err


async def test_without_a_server_it_says_where_it_looked() -> None:
    told = await run("policy", "rollout", "--status")
    assert told.status == 2 and f"no Temporal server answers at {NO_SERVER}" in told.err


async def rollout(place: Market, *words: str) -> Told:
    return await run("policy", "rollout", *words, address=place.address, records_url=place.records_url)

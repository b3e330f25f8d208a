"""`aftersale setup`: from one place or several at once, and where one half of it cannot be done."""

import asyncio
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest

from aftersale import records
from aftersale.temporal.search_attributes import ATTRIBUTES
from tests.support.databases import STEPS
from tests.support.market import Market, market
from tests.support.shell import run


async def test_places_that_set_up_at_once_do_it_once(tmp_path: Path, empty: str) -> None:
    async with market(tmp_path, working=False, prepared=False) as fresh:
        where = {"address": fresh.address, "records_url": empty}
        told = await asyncio.gather(*(run("setup", "--json", **where) for _ in range(4)))
        again = await run("setup", **where)
    assert [(each.status, each.err) for each in told] == [(0, "")] * 4
    assert sorted((each.json["migrated"] for each in told), key=len) == [[], [], [], STEPS]
    assert {name for each in told for name in each.json["registered"]} == set(ATTRIBUTES)
    assert "registered: nothing, all search attributes are\nmigrated: nothing, all tables are up to date\n" in again.out


async def test_it_says_what_it_did_and_where(tmp_path: Path, idle: Market) -> None:
    told = await run("setup", address=idle.address, records_url=f"sqlite:///{tmp_path}/new/records.db")
    assert (told.status, told.err) == (0, "")
    assert told.out.splitlines()[1:] == [
        f"migrated: {', '.join(STEPS)}",
        f"records: the SQLite file {tmp_path}/new/records.db",
    ]


async def test_without_a_temporal_server_the_records_are_set_up_all_the_same(empty: str) -> None:
    plain = await run("setup", records_url=empty)
    assert plain.status == 2 and f"migrated: {', '.join(STEPS)}" in plain.out
    assert plain.err.startswith("aftersale: no Temporal server answers at 127.0.0.1:1")
    assert plain.err.endswith("; no search attribute was registered\n") and plain.err.count("\n") == 1
    as_json = await run("setup", "--json", records_url=empty)
    assert (as_json.status, as_json.err, as_json.json["registered"]) == (2, "", None)
    assert as_json.json["migrated"] == [] and "no Temporal server answers" in as_json.json["error"]
    records.require_current(empty)


async def test_without_a_database_the_namespace_is_set_up_all_the_same(tmp_path: Path) -> None:
    url = "postgresql://someone:s3cret-word@127.0.0.1:1/records"
    async with market(tmp_path, working=False, prepared=False) as fresh:
        told = await run("setup", "--json", address=fresh.address, records_url=url)
    assert (told.status, told.json["registered"], told.json["migrated"]) == (2, sorted(ATTRIBUTES), None)
    assert told.json["records"] == "the PostgreSQL database records at 127.0.0.1:1"
    assert told.json["error"].endswith("no table was changed") and "s3cret" not in told.out + told.err


async def test_with_neither_both_reasons_are_told() -> None:
    told = await run("setup", records_url="oracle://records")
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 2)
    assert "no Temporal server answers" in told.err and "AFTERSALE_RECORDS_URL: names a database" in told.err


async def test_a_clash_of_search_attributes_is_a_refusal(tmp_path: Path) -> None:
    async with market(tmp_path, working=False, prepared=False) as fresh:
        await fresh.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace="default", search_attributes={"AmountMinor": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD}
            )
        )
        told = await run("setup", address=fresh.address, records_url=fresh.records_url)
    assert told.status == 1
    assert "AmountMinor is not Int" in told.err

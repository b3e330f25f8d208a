"""`aftersale show` where Temporal has forgotten a case, or cannot be asked: the record is shown, and said to be one."""

from pathlib import Path

from aftersale.records import Records
from aftersale.times import local
from tests.support.drawing import NOW, turn
from tests.support.market import Market
from tests.support.shell import run
from trial.server import free_port

WRITTEN = f"aftersale: from the records, as written at {local(NOW)}: "


async def test_a_case_that_temporal_no_longer_keeps_is_shown_from_its_record(
    idle: Market, kept: Records, url: str
) -> None:
    kept.turns.write([turn("C-1", 1, "Opened"), turn("C-1", 2, "Refunded", final=True)], now=NOW)
    plain = await run("show", "C-1", address=idle.address, records_url=url)
    assert plain.status == 0 and "completed 已完成" in plain.out and "C-1 2: Refunded" in plain.out
    assert plain.err == f"{WRITTEN}case C-1 is over, and Temporal no longer keeps it\n"
    as_json = await run("show", "C-1", "--json", address=idle.address, records_url=url)
    record = kept.turns.record("C-1")
    assert record is not None and as_json.json == record.model_dump(mode="json"), "the contract of a status is kept"
    assert (as_json.status, as_json.err) == (0, plain.err)


async def test_a_case_that_should_still_run_but_is_unknown_here_is_shown_with_a_warning(
    idle: Market, kept: Records, url: str
) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    told = await run("show", "C-1", address=idle.address, records_url=url)
    assert told.status == 0 and "awaiting merchant review" in told.out
    assert told.err == f"{WRITTEN}case C-1 is unknown here; check its id, and TEMPORAL_NAMESPACE\n"


async def test_without_a_server_the_record_is_shown_with_a_warning(kept: Records, url: str) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    address = f"127.0.0.1:{free_port()}"
    told = await run("show", "C-1", address=address, records_url=url)
    assert told.status == 0 and "respond by" in told.out
    assert told.err.startswith(f"{WRITTEN}no Temporal server answers at {address}") and told.err.count("\n") == 1


async def test_a_case_that_neither_knows_is_told_as_temporal_tells_it(idle: Market, url: str) -> None:
    told = await run("show", "C-1", address=idle.address, records_url=url)
    said = "aftersale: case C-1 is unknown here; check its id, and TEMPORAL_NAMESPACE\n"
    assert told == (2, "", said)
    without = await run("show", "C-1", records_url=url)
    assert without.status == 2 and without.err.startswith("aftersale: no Temporal server answers at 127.0.0.1:1")
    assert "records" not in without.err


async def test_records_that_are_not_set_up_add_a_hint_and_no_file(idle: Market, tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    told = await run("show", "C-1", "--json", address=idle.address, records_url=f"sqlite:///{file}")
    assert (told.status, told.err) == (2, "")
    assert told.json["error"] == (
        "case C-1 is unknown here; check its id, and TEMPORAL_NAMESPACE; the records in the SQLite file "
        f"{file} are not to be had (there is no such file); run `aftersale setup`, or set AFTERSALE_RECORDS_URL"
    )
    assert not file.exists()

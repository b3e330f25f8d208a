"""`aftersale show` without `--live`: the record is shown, whether a server or a worker is there or not."""

from pathlib import Path

from aftersale.records import Records
from aftersale.times import local
from tests.support.drawing import NOW, turn
from tests.support.shell import run


async def test_a_case_is_shown_as_it_is_recorded_and_as_of_when(kept: Records, url: str) -> None:
    kept.turns.write([turn("C-1", 1)], now=NOW)
    told = await run("show", "C-1", records_url=url)
    assert (told.status, told.err) == (0, "")
    assert "awaiting merchant review" in told.out and "respond by" in told.out
    assert f"\nas recorded at {local(NOW)}\n" in told.out


async def test_a_case_that_is_over_is_shown_with_what_it_was_told_after_its_end(kept: Records, url: str) -> None:
    kept.turns.write([turn("C-1", 1, "Opened"), turn("C-1", 2, "Refunded", final=True)], now=NOW)
    kept.turns.write([turn("C-1", 3, "CorrectionTaken", final=True)], now=NOW)
    plain = await run("show", "C-1", records_url=url)
    assert plain.status == 0 and "completed 已完成" in plain.out
    assert "C-1 2: Refunded" in plain.out and "C-1 3: CorrectionTaken" in plain.out
    as_json = await run("show", "C-1", "--json", records_url=url)
    record = kept.turns.record("C-1")
    assert record is not None and as_json.json == record.model_dump(mode="json"), "the contract of a status is kept"
    assert (as_json.status, as_json.err) == (0, "")


async def test_a_case_that_the_records_do_not_know_is_told_with_its_remedy(kept: Records, url: str) -> None:
    told = await run("show", "C-1", records_url=url)
    said = (
        "case C-1 is not in the records; check its id, and AFTERSALE_RECORDS_URL; one that waits to be let in answers "
        "with --live"
    )
    assert told == (2, "", f"aftersale: {said}\n")


async def test_where_there_are_no_records_the_variable_and_the_live_case_are_named(tmp_path: Path) -> None:
    file = tmp_path / "records.db"
    told = await run("show", "C-1", "--json", records_url=f"sqlite:///{file}")
    assert (told.status, told.err) == (2, "")
    assert told.json["error"] == (
        f"the records in the SQLite file {file} are not to be had (there is no such file); run `aftersale setup`, or "
        "set AFTERSALE_RECORDS_URL; or ask the case itself with --live"
    )
    assert not file.exists()

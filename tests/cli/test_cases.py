"""The `aftersale` command as operators and scripts run it: a process, a server, what is printed, the exit status."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aftersale.cli import app
from aftersale.temporal.search_attributes import ATTRIBUTES
from tests.support.cases import request
from tests.support.databases import STEPS
from tests.support.market import Market, market
from tests.support.shell import run
from trial.server import free_port

ESCAPE = "\x1b[2J\x1b]0;mine\x07\x9b31m"
MARKUP = "[red]paid[/red] [/nothing]"
BACKWARDS = "\u202e00921"


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("cli"), prepared=False) as running:
        for registered, migrated in ((sorted(ATTRIBUTES), STEPS), ([], [])):
            prepared = await run("setup", "--json", address=running.address, records_url=running.records_url)
            assert prepared.json == {
                "registered": registered,
                "migrated": migrated,
                "records": f"the SQLite file {running.records_url.removeprefix('sqlite:///')}",
            }
        yield running


async def test_a_case_is_opened_from_a_file_and_from_standard_input(place: Market, tmp_path: Path) -> None:
    wanted = request()
    file = tmp_path / "case.json"
    file.write_text(json.dumps(wanted), encoding="utf-8-sig")
    opened, again = await asyncio.gather(
        run("open", str(file), address=place.address),
        run("open", "-", "--json", address=place.address, given=json.dumps(wanted)),
    )
    assert (opened.status, opened.err, again.status, again.err) == (0, "", 0, "")
    assert again.json["case_id"] == wanted["case_id"]
    assert opened.out.startswith(f"{wanted['case_id']}  return 退货退款  awaiting merchant review 待商家处理\n")
    for told in (
        "next: merchant 商家: approve, reject",
        "else auto approve 自动同意",
        "Deadlines",
        "PT48H",
        "Timeline",
    ):
        assert told in opened.out


async def test_a_command_is_given_and_the_case_shown(place: Market) -> None:
    case_id = await place.approved()
    acted = await run(
        *("act", case_id, "ship_back", "--as", "buyer:B-5", "--json", '{"carrier": "sf", "tracking_no": "SF1"}'),
        address=place.address,
    )
    assert (acted.status, acted.err, acted.json["state"]) == (0, "", "awaiting_merchant_receipt")
    plain, shown = await asyncio.gather(
        run("show", case_id, "--live", address=place.address),
        run("show", case_id, "--live", "--json", address=place.address),
    )
    added = acted.json["timeline"]
    assert (shown.status, shown.err, shown.json | {"timeline": added}) == (0, "", acted.json)
    assert shown.json["timeline"][-len(added) :] == added, "the answer has what the command added"
    assert plain.status == 0 and "ship back 寄回: carrier sf, tracking_no SF1" in plain.out
    assert "as recorded at" not in plain.out


async def test_a_payload_may_come_from_standard_input_and_name_its_actor(place: Market) -> None:
    case_id = await place.approved()
    given = {"actor": {"party": "buyer", "id": "B-5"}, "note": "已解决"}
    acted = await run("act", case_id, "withdraw", "--json", "-", address=place.address, given=json.dumps(given))
    assert (acted.status, acted.json["close_reason"]) == (0, "withdrawn")


async def test_what_the_case_refuses_is_told_with_the_legal_commands(place: Market) -> None:
    case_id = await place.approved()
    plain, as_json = await asyncio.gather(
        run("act", case_id, "approve", "--as", "merchant:M-7", address=place.address),
        run("act", case_id, "approve", "--as", "merchant:M-7", "--json", "{}", address=place.address),
    )
    assert (plain.status, plain.out) == (1, "")
    assert plain.err.startswith("aftersale: approve is not legal in state awaiting_buyer_return")
    assert "legal now: ship_back, withdraw" in plain.err
    assert (as_json.status, as_json.err, as_json.json["code"]) == (1, "", "illegal_move")


async def test_a_request_that_opens_no_case_is_told_with_its_reasons(place: Market) -> None:
    wanted = request(requested_at="2020-01-01T00:00:00+08:00")
    refused = await run("open", "-", address=place.address, given=json.dumps(wanted))
    assert refused.status == 1
    assert "refused: requested_at: lies more than" in refused.out


async def test_a_case_that_nobody_opened_is_told_in_words(place: Market) -> None:
    plain, as_json = await asyncio.gather(
        run("show", "unheard-of", "--live", address=place.address),
        run("show", "unheard-of", "--live", "--json", address=place.address),
    )
    said = "case unheard-of is unknown here; check its id, and TEMPORAL_NAMESPACE"
    assert plain == (2, "", f"aftersale: {said}\n")
    assert (as_json.status, as_json.err, as_json.json) == (2, "", {"error": said})


async def test_a_case_is_on_the_list_as_soon_as_its_worker_has_written_it_down(place: Market) -> None:
    case_id = await place.approved()
    async with asyncio.timeout(60):
        while True:
            listed = await run("list", "--all", "--json", records_url=place.records_url)
            found = {case["case_id"]: case for case in map(json.loads, listed.out.splitlines())}
            if found.get(case_id, {}).get("state") == "awaiting_buyer_return":
                break
    assert (listed.status, listed.err, found[case_id]["party"]) == (0, "", "buyer")
    shown = await run("show", case_id, "--live", "--json", address=place.address)
    assert found[case_id]["respond_by"] == shown.json["next"]["respond_by"]
    apart = await run("show", case_id, "--json", records_url=place.records_url)
    assert apart.json == shown.json, "the record is the case"


async def test_what_parties_wrote_cannot_steer_the_terminal(place: Market) -> None:
    written = f"{ESCAPE} {MARKUP} {BACKWARDS}"
    case_id = await place.approved(reason_code="x\x1b[1m")
    given = {"carrier": written[:64], "tracking_no": "SF1"}
    acted = await run(
        *("act", case_id, "ship_back", "--as", "buyer:B-5", "--json", json.dumps(given)), address=place.address
    )
    shown = await run("show", case_id, "--live", address=place.address)
    assert (acted.status, shown.status) == (0, 0)
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown.out)
    # A table may break the line anywhere.
    assert r"\x1b[2J\x1b]0;mine\x07\x9b31m[red]paid[/red][/nothing]\u202e00921" in "".join(shown.out.split())
    for asked in (("show", case_id), ("list", "--all")):
        told = await run(*asked, "--json", address=place.address, records_url=place.records_url)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told.out)
    shown = await run("show", case_id, "--json", records_url=place.records_url)
    assert any(written[:64] in entry["says"] for entry in shown.json["timeline"]), "programs read what was written"
    refused = await run("act", case_id, "approve", "--as", "merchant:\x1b[31mM", address=place.address)
    assert refused.status == 2 and "\x1b" not in refused.err


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("open", "-"), "{", "-: is not JSON"),
        (("open", "-"), "[]", "-: is not a JSON object; give one JSON object"),
        (("open", "-"), '{"case_id": "a b"}', "case_id: must be 1 to 64 of the characters"),
        (("open", "-"), '{"case_id": "a b"}', "order: is required; add it"),
        (("open", "missing.json"), "", "missing.json: cannot be read (No such file or directory)"),
        (("open", "-"), b"\xff\xfe", "-: is not UTF-8; save it as UTF-8"),
        (("open", "-", "--kind", "loan"), "{}", "'loan' is not one of"),
        (("act", "C-1", "approve"), "", "--as: says who acts; write PARTY:ID, such as merchant:M-7"),
        (("act", "C-1", "approve", "--as", "M-7"), "", "--as: says who acts; write PARTY:ID"),
        (("act", "C-1", "approve", "--as", "friend:M-7"), "", "actor.party: "),
        (("act", "C-1", "reject", "--as", "merchant:M-7"), "", "reason_code: is required; add it"),
        (("act", "C-1", "dance", "--as", "merchant:M-7"), "", "'dance' is not one of"),
        (("act", "C-1", "approve", "--as", "merchant:M-7", "--json", '{"\\ud800": 1}'), "", "text"),
    ],
)
def test_wrong_input_is_told_with_field_and_remedy_and_needs_no_server(
    arguments: tuple[str, ...], given: str | bytes, said: str
) -> None:
    told = CliRunner().invoke(app, arguments, input=given, env={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    assert told.exit_code == 2
    assert said in " ".join(told.output.replace("│", " ").split())
    assert isinstance(told.exception, SystemExit)


async def test_wrong_input_leaves_a_process_with_its_words_and_status() -> None:
    told = await run("open", "-", address="127.0.0.1:1", given='{"case_id": "a b"}')
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("aftersale: case_id: must be 1 to 64 of the characters") and told.err.count("\n") == 1


async def test_a_wrong_option_is_told_in_json_to_whoever_asks_for_json() -> None:
    told = await run("open", "-", "--kind", "loan", "--json", address="127.0.0.1:1")
    assert (told.status, told.err) == (2, "")
    assert "'loan' is not one of" in told.json["error"] and "aftersale open --help" in told.json["error"]


async def test_without_a_server_it_says_where_it_looked() -> None:
    address = f"127.0.0.1:{free_port()}"
    told = await run("show", "C-1", "--live", address=address)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"aftersale: no Temporal server answers at {address} (Connection refused); start one")
    assert told.err.count("\n") == 1

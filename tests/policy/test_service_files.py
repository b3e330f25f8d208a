"""A file of the services' shelf that cannot be taken is refused with its name, the row and what to do."""

from pathlib import Path

import pytest

from aftersale.errors import PolicyFault
from aftersale.policy.authoring.lint import lint
from aftersale.policy.load import load, survey
from tests.support.books import BOOK, copied
from tests.support.spoiling import edit

FRESH, RETURN, ADVANCE = "services/fresh-damage.toml", "services/no-reason-return.toml", "services/instant-refund.toml"
LAUNCH, WINDOW = 'id = "launch"\n', 'window = { clock = "fresh_damage_window", since = "sign_off" }\n'
PAYER, UNTIL = '{ payer = "merchant" }', "effective_until = 2021-09-13\n"
UNCAPPED = "uncapped = "

SPOILT = [
    (FRESH, 'role = "category"\n', "", "service and role go together"),
    (FRESH, 'role = "category"\n', 'role = "optional"\n', 'categories belong to role = "category"'),
    (FRESH, 'categories = ["fresh"]\n', "", 'categories belong to role = "category", which needs them'),
    (FRESH, 'service = "fresh_damage"\n', 'service = "melons"\n', "service: should be 'authenticity'"),
    (FRESH, LAUNCH, LAUNCH + 'colour = "red"\n', "version 'launch': colour: is not a known field; remove it"),
    (FRESH, LAUNCH, 'id = "standard-2021"\n', "version id 'standard-2021' is used twice; give each its own"),
    (FRESH, LAUNCH, 'id = "first"\n', "standard-2021: keeps names 'launch'; name a version above it (first)"),
    (FRESH, 'keeps = "launch"\n', 'keeps = "standard-2023"\n', "name a version above it (launch)"),
    (FRESH, 'keeps = "launch"\n', 'keeps = "launch"\nclaim = []\n', "keeps what another version says; leave out"),
    (FRESH, UNTIL, "", "launch and standard-2021 apply to the same orders; end one with effective_until"),
    (FRESH, UNTIL, "effective_until = 2021-08-10\n", "effective_until must lie after effective_from"),
    (FRESH, "effective_from = 2021-08-10\n", "", "a version that binds needs effective_from"),
    (FRESH, 'status = "in_force"\n', 'status = "live"\n', "version 'launch': status: should be 'draft'"),
    (FRESH, UNTIL, UNTIL + "announced = 2021-08-11\n", "announced may not lie after effective_from"),
    (FRESH, 'source = "[h] the consumer', '# "', 'basis "sourced" needs a source; name the text'),
    (FRESH, 'clock = "fresh_damage_window"', 'clock = "fresh"', "version 'launch': claim.0.window.clock: should be"),
    (FRESH, 'since = "sign_off"', 'since = "payment"', "claim.0.window.since: should be 'sign_off' or 'confirmation'"),
    (FRESH, "evidence = 1\n", "evidence = -1\n", "claim.0.evidence: should be greater than or equal to 0"),
    (FRESH, "evidence = 1\n", "evidence = 1\nremedies = []\n", "claim.0.remedies: should have at least 1 item"),
    (FRESH, PAYER, "{}", "claim.0.compensation.payer: is required; add it"),
    (FRESH, PAYER, '{ payer = "buyer" }', "claim.0.compensation.payer: should be 'merchant'"),
    (FRESH, PAYER, '{ payer = "insurer", rate = 0.5 }', "compensation.rate: write a whole number; given 0.5"),
    (FRESH, PAYER, '{ payer = "insurer", cap = { yuan = 1 } }', "compensation.cap.yuan: should match"),
    (
        FRESH,
        PAYER,
        '{ payer = "insurer", floor = { CNY = 2 }, cap = { CNY = 1 } }',
        "claim.0.compensation: the floor lies above the cap in CNY; correct one of them",
    ),
    (FRESH, PAYER, '{ payer = "insurer", grades = { light = 10 } }', "grades are parts of a rate; give the rate"),
    (
        FRESH,
        PAYER,
        '{ payer = "insurer", rate = 10000, grades = { light = 9 } }',
        "compensation.grades.light: should be greater than or equal to 10; given 9",
    ),
    (
        FRESH,
        PAYER,
        '{ payer = "insurer", rate = 10000, grades = { gone = 101 } }',
        "compensation.grades.gone: should be less than or equal to 100; given 101",
    ),
    (FRESH, LAUNCH, LAUNCH + "settings = { reschedules = 1 }\n", "settings.reschedules is no figure of fresh_damage"),
    (
        FRESH,
        LAUNCH,
        LAUNCH + 'exclusion = [{ id = "x", says = "x", categories = ["x"] }]\n',
        "exclusions belong to no_reason_return; leave them out",
    ),
    (RETURN, 'id = "press"\n', 'id = "digital"\n', "version 'launch': digital stands twice; give it once"),
    (ADVANCE, UNCAPPED, "# ", "settings.advance: give per_order or per_buyer, or say in uncapped why"),
    (
        ADVANCE,
        UNCAPPED,
        "per_order = { CNY = 1 }\nuncapped = ",
        "settings.advance: give per_order or per_buyer, or say",
    ),
    (
        "services/same-day-dispatch.toml",
        LAUNCH,
        LAUNCH + 'settings = { cut_off = "four" }\n',
        "settings.cut_off: write an hour of the day to the minute, without offset: 16:00",
    ),
]


@pytest.mark.parametrize(("path", "right", "wrong", "words"), SPOILT)
def test_a_spoilt_service_is_refused_with_its_name_and_the_remedy(
    path: str, right: str, wrong: str, words: str, tmp_path: Path
) -> None:
    root = copied(tmp_path)
    edit(root, path, right, wrong)
    with pytest.raises(PolicyFault) as refused:
        load(root)
    assert str(refused.value).startswith(f"{root / path}: ")
    assert words in str(refused.value)


def test_two_files_cannot_offer_the_same_service_or_claim(tmp_path: Path) -> None:
    root = copied(tmp_path)
    text = (root / FRESH).read_text("utf-8")
    (root / "services" / "twin.toml").write_text(text.replace('id = "fresh-damage"', 'id = "twin"'), "utf-8")
    with pytest.raises(PolicyFault) as refused:
        load(root)
    assert "twin.toml: service 'fresh_damage' is already in" in str(refused.value)
    assert "twin.toml: claim 'fresh_damage' is already in" in str(refused.value)


def test_a_service_cannot_take_the_id_of_a_limits_file(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, FRESH, 'id = "fresh-damage"', 'id = "review-limits"')
    with pytest.raises(PolicyFault, match=r"fresh-damage\.toml: id 'review-limits' is already in .*review\.toml"):
        load(root)


def test_a_spoilt_service_hides_no_other_file(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / FRESH).write_text("x", encoding="utf-8")
    found = survey(root)
    assert (len(found.faults), len(found.files)) == (1, len(BOOK.files))
    assert len(found.services) == len(BOOK.services.files) - 1


def test_the_check_finds_a_claim_that_no_limit_measures(tmp_path: Path) -> None:
    root = copied(tmp_path)
    assert lint(root) == []
    rights = (root / "limits/rights.toml").read_text("utf-8")
    rows = rights.split("\n\n")
    (root / "limits/rights.toml").write_text(
        "\n\n".join(row for row in rows if 'clock = "fresh_damage_window"' not in row), encoding="utf-8"
    )
    path = root / FRESH
    said = "names fresh_damage_window, for which the book has no limit; add the limit"
    assert lint(root) == [f"{path}: version 'launch': claim fresh_damage: window {said}"]

"""A policy file that cannot be taken is refused with its name, the row and what to do."""

from pathlib import Path

import pytest

from aftersale.errors import PolicyFault
from aftersale.policy.load import load, survey
from tests.support.books import BOOK, copied

FESTIVAL = "notices/2024-spring-festival.toml"
REVIEW = "limits/review.toml"
DISPATCH = "limits/dispatch.toml"

FROM, RETURNS = "from = 2024-02-01T00:00:00\n", "from = 2024-02-18T00:00:00\n"
ZONE, SINCE, TIER = 'zone = "Asia/Shanghai"\n', "announced = 2024-01-23\n", 'tier = "notice"\n'
SET, UNTIL = 'effect = { set = "P5D" }', "effect = { until = 2024-02-22T23:59:59 }"
KIND, DUE = 'when = { kind = "return" }\n', "due = 2024-02-04T00:00:00\n"
AFTER_SALE, LATER = 'window = "after-sale"\n', 'window = "presale-returns"\n'
UNDER, OVER = 'id = "S24"\nunder = "S22"\n', 'overrides = ["S16"]\n'
AS_PRINTED = "write a date-time without offset, as printed: 2024-02-01T00:00:00"
ABSENT = "which this file does not have"

NOTICE = [
    ('id = "S24"\n', 'id = "S24"\ncolour = "red"\n', "rule 'S24': colour: is not a known field; remove it"),
    (ZONE, 'zone = "Beijing"\n', "zone: name an IANA time zone such as Asia/Shanghai"),
    (ZONE, "", "zone: is required; add it"),
    (SINCE, "", "a notice binds once announced; add announced, the date"),
    (SINCE, 'announced = "23 January"\n', "announced: write a date, without quotes or hour: 2024-01-23"),
    (SINCE, "announced = 2024-01-23T10:00:00\n", "announced: write a date"),
    (
        SINCE,
        SINCE + "repealed = 2024-02-05\n",
        'repealed is the date of a repeal; set status = "repealed"',
    ),
    (
        SINCE,
        SINCE + 'status = "repealed"\nrepealed = 2024-01-22\n',
        "repealed lies before announced; correct one of them",
    ),
    (SINCE, SINCE + 'status = "published"\n', "status: should be 'draft', 'consultation', 'announced', 'in_force'"),
    (TIER, "", "a file with rules needs tier; add source (title, publisher, date) and tier"),
    (TIER, 'tier = "notices"\n', "tier: should be 'agreement', 'ruling', 'tagged'"),
    ("source = ", "# source = ", "a file with rules needs source; add source (title, publisher, date)"),
    (FROM, "from = 2024-02-01T00:00:00+08:00\n", f"window 'after-sale': from: {AS_PRINTED}"),
    (FROM, "from = 2024-02-01T00:00:00.5\n", f"window 'after-sale': from: {AS_PRINTED}"),
    (FROM, "from = 2024-02-01\n", f"window 'after-sale': from: {AS_PRINTED}"),
    (FROM, "from = 2024-03-01T00:00:00\n", "'after-sale': to lies before from; a window runs forwards"),
    (RETURNS, "", "window 'presale-returns': give from, to or both"),
    (RETURNS, "from = 9999-02-18T00:00:00\n", "write a year from 0002 to 9998, or leave an open end out"),
    (AFTER_SALE, 'window = "aftersale"\n', f"S22: window names 'aftersale', {ABSENT} (it has after-sale,"),
    (AFTER_SALE, "", "selector 'S22': key and window go together: key names the instant"),
    (LATER, 'window = "later"\n', f"S21: window names 'later', {ABSENT}"),
    ('key = "timeout_point"', 'key = "deadline"', "selector 'S22': key: should be 'timeout_point', 'started'"),
    (UNDER, 'id = "S24"\nunder = "S99"\n', f"S24: under names 'S99', {ABSENT} (it has S11, S22, S29-S33)"),
    (OVER, 'overrides = ["S99"]\n', f"S17: overrides names 'S99', {ABSENT}"),
    (OVER, 'overrides = ["S17"]\n', f"S17: overrides names 'S17', {ABSENT}"),
    (SET, 'effect = { set = "5 days" }', "rule 'S24': effect.set: write a duration as P5D, PT48H"),
    (SET, "effect = { set = 5 }", "rule 'S24': effect.set: write a text, in quotes; given 5"),
    (SET, 'effect = { set = "P0D" }', "rule 'S24': effect.set: must be longer than nothing"),
    (SET, "effect = {}", "rule 'S24': effect: give exactly one of set, add, until, cap"),
    (SET, 'effect = { set = "P5D", add = "P1D" }', "effect: give exactly one of set, add, until, cap"),
    (SET, 'effect = { set = "P5D", until = 2024-02-22T23:59:59 }', "only where both name a fact"),
    (SET, 'effect = { cap = "P1D" }', "effect: a cap shortens by nature; say so with may_shorten"),
    (SET, 'effect = { set = { fact = "order.promise" } }', "effect.set.fact: should be 'order.dispatch_promise'"),
    (SET, 'effect = { set = { fakt = "agreed_limit" } }', "effect.set.fakt: is not a known field"),
    (SET, "effect = { unchanged = false }", "rule 'S24': effect.unchanged: should be True; given False"),
    (UNTIL, "effect = { until = 2024-02-22T23:59:59Z }", f"rule 'S16': effect.until: {AS_PRINTED}"),
    (UNTIL, 'effect = { until = "P5D" }', f"rule 'S16': effect.until: {AS_PRINTED}"),
    (UNTIL, 'effect = { until = { fact = "agreed_limit" } }', "until.fact: should be 'order.merchant_delay.until'"),
    ('clock = "reship_dispatch"\n', 'clock = "reship"\n', "rule 'S28': clock.0: should be 'merchant_review'"),
    ('clock = "reship_dispatch"\n', "", "rule 'S28': clock: is required; add it"),
    (KIND, 'when = { kinds = "return" }\n', "rule 'S26': when.kinds: is not a known field"),
    (KIND, "when = { kind = [] }\n", "rule 'S26': when.kind: should have at least 1 item"),
    ('cap = "P10D"\n', 'cap = "ten days"\n', "presale 'S18': cap: write a duration as P5D"),
    ('id = "S12"\n', "", "rule number 1: id: is required; add it"),
    ('id = "S12"\n', 'id = "S 12"\n', "rule 'S 12': id: should match"),
    ('id = "S12"\n', 'id = "S14"\n', "id 'S14' is used twice; give each its own"),
    ('name = "E1 untagged', 'name = "E2 one second earlier" # ', "name 'E2 one second earlier' is used twice"),
    (DUE, "", "an example gives `given` and one of due, waived = true or error"),
    (DUE, "due = 2024-02-04T00:00:00+08:00\n", f"refund; review': due: {AS_PRINTED}"),
    ("started_at = 2024-01-30T00:00:00 }", "started_at = 2024-01-30T00:00:00Z }", f"given: {AS_PRINTED}"),
    ('allowed = true\ncap = "P7D"\n', "allowed = true\n", "a presale example gives presale, allowed and cap"),
    ("[[rule]]", "[rule]", "is not TOML"),
]

ANSWERS = [
    ("[[setting]]", "[setting]", "setting: write [[setting]], with double brackets, at the head of each row"),
    ('source = "[d]', '# "[d]', "'merchant_review': basis \"sourced\" needs a source; name the text, or mark it"),
    ('reason = "as long as the', '# "', "limit 'offer_response': basis \"assumed\" needs a reason; say why"),
    ('basis = "sourced"\n', "", "limit 'merchant_review': basis: is required; add it"),
    ('on_timeout = "lapse"\n', 'on_timeout = "x"\n', "limit 'offer_response': on_timeout: should be 'auto_approve'"),
    ("effective_from = 2021-01-01\n", 'effective_from = "2021"\n', "effective_from: write a date, without quotes"),
    ("counts_for_score = true\n", 'counts_for_score = "yes"\n', "counts_for_score: write true or false, without"),
    ('limit = "PT48H"\n', "", "limit 'merchant_review': give a limit, or unset with the remedy"),
    (ZONE, ZONE + 'status = "repealed"\nrepealed = 2024-02-05\n', "only notices are repealed; end a limit with"),
    ("title = {", 'title = "Limits" # {', "title: write an object, in { }"),
    ("title = { zh", "title = { fr", "title.fr: should be 'zh' or 'en'"),
]

SHIPMENTS = [
    ('at_most = "PT24H" }', 'at_most = "24h" }', "limit 'dispatch/in-24h': limit.at_most: write a duration as P5D"),
    ('{ fact = "order.dispatch_promise" }', "[]", "limit 'dispatch/pre-sale': limit: write a text, in quotes"),
]

TITLE = [
    (f"revision = {BOOK.revision}\n", "", "revision: is required; add it"),
    (f"revision = {BOOK.revision}\n", "revision = -1\n", "revision: should be greater than or equal to 0"),
    ("name = ", "name ", "is not TOML"),
]

SPOILT = [
    (path, *row)
    for path, rows in ((FESTIVAL, NOTICE), (REVIEW, ANSWERS), (DISPATCH, SHIPMENTS), ("book.toml", TITLE))
    for row in rows
]


@pytest.mark.parametrize(("path", "right", "wrong", "words"), SPOILT)
def test_a_spoilt_file_is_refused_with_its_name_and_the_remedy(
    path: str, right: str, wrong: str, words: str, tmp_path: Path
) -> None:
    root = copied(tmp_path)
    text = (root / path).read_text(encoding="utf-8")
    assert right in text
    (root / path).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(PolicyFault) as refused:
        load(root)
    assert str(refused.value).startswith(f"{root / path}: ")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "is not UTF-8; save it as UTF-8"),
        (b"id = ", "is not TOML: Invalid value (at end of document); correct it there"),
        (b"id = 2024-02-30", "is not TOML"),
        (b"x = " + b"[" * 5000, "is not TOML"),
        (b"", "id: is required; add it"),
        (b"rule = 5", "rule: write a list, in [ ]; given 5"),
        (b"rule = [5]", "rule number 1: write an object, in { }; given 5"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "notices" / "spoilt.toml").write_bytes(content)
    with pytest.raises(PolicyFault) as refused:
        load(root)
    assert str(refused.value).startswith(f"{root / 'notices' / 'spoilt.toml'}: ")
    assert words in str(refused.value)


def test_every_spoilt_file_is_told_at_once_and_the_others_are_read(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "notices" / "a.toml").write_text("x", encoding="utf-8")
    (root / "limits" / "b.toml").write_text("y = 1", encoding="utf-8")
    found = survey(root)
    assert [fault.split(":")[0].rpartition("/")[2] for fault in found.faults] == ["b.toml", "a.toml"]
    assert len(found.files) == len(BOOK.files)
    with pytest.raises(PolicyFault, match=r"b\.toml: (.|\n)*a\.toml: is not TOML"):
        load(root)


def test_files_that_are_each_right_can_still_clash(tmp_path: Path) -> None:
    root = copied(tmp_path)
    text = (root / REVIEW).read_text(encoding="utf-8")
    (root / "limits" / "twin.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyFault) as refused:
        load(root)
    assert "twin.toml: id 'review-limits' is already in" in str(refused.value)
    assert "setting 'late_fact_grace' is already in" in str(refused.value)


def test_a_notice_cannot_supersede_what_is_not_there(tmp_path: Path) -> None:
    root = copied(tmp_path)
    text = (root / FESTIVAL).read_text(encoding="utf-8")
    (root / FESTIVAL).write_text(text.replace("scope =", 'supersedes = ["2023"]\nscope =', 1), encoding="utf-8")
    with pytest.raises(PolicyFault, match="supersedes names '2023', which is no other file's id; correct it"):
        load(root)


def test_a_folder_that_holds_no_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyFault, match=r"book\.toml: cannot be read .*; point AFTERSALE_POLICIES at a book"):
        load(tmp_path)


def test_templates_are_not_read(tmp_path: Path) -> None:
    root = copied(tmp_path)
    assert (root / "notices" / "_template.toml").exists()
    assert "0000-name-of-the-notice" not in {file.id for file in load(root).files}

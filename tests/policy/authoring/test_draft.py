"""Last year's notice moved to another year: every date by the same days, marked, and nothing else touched."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftersale.errors import BadInput
from aftersale.policy.authoring.draft import REVIEW, Anchor, transpose
from aftersale.policy.authoring.examples import verdict
from aftersale.policy.authoring.lint import trial
from aftersale.policy.load import parse, text
from aftersale.policy.rules import PolicyFile
from tests.support.books import BOOK, ROOT

ANCHOR = Anchor(date(2024, 2, 10), date(2027, 2, 6))
FESTIVAL = ROOT / "notices" / "2024-spring-festival.toml"
SOURCES = [FESTIVAL, *sorted((ROOT / "examples").glob("*.toml"))]
HEAD = ("id", "title", "status", "source", "supersedes")
WORDS = ("says", "name", "assumed", "because")


def _drafted(path: Path, anchor: Anchor = ANCHOR) -> PolicyFile:
    source = parse(text(path), path)
    made, _ = transpose(text(path), source.id, "next", anchor)
    return parse(made, Path("next.toml"))


def _shifted(given: Any, by: timedelta) -> Any:
    """The same tables with every date later by so much, and without the words that name dates."""
    if isinstance(given, date | datetime):
        return given + by
    if isinstance(given, dict):
        return {name: _shifted(each, by) for name, each in given.items() if name not in WORDS}
    return [_shifted(each, by) for each in given] if isinstance(given, list | tuple) else given


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
@pytest.mark.parametrize("anchor", [ANCHOR, Anchor(date(2024, 2, 29), date(2023, 3, 1))], ids=["later", "earlier"])
def test_every_date_moves_by_the_same_days_and_nothing_else_changes(path: Path, anchor: Anchor) -> None:
    source, made = parse(text(path), path), _drafted(path, anchor)
    told, moved = (_shifted(file.model_dump(exclude=set(HEAD)), by) for file, by in ((source, anchor.by), (made, ZERO)))
    assert told == moved


ZERO = timedelta()


def test_the_draft_binds_nobody_and_goes_before_the_notice_that_it_was_made_from() -> None:
    made = _drafted(FESTIVAL)
    assert (made.id, made.status, made.published, made.supersedes) == ("next", "draft", False, (FESTIVAL.stem,))
    assert made.source == "no text yet: the clauses of 2024-spring-festival, 1092 days later"


def test_the_examples_hold_when_the_draft_is_read_as_if_in_force() -> None:
    made = _drafted(FESTIVAL)
    tried = trial(BOOK, made)
    assert len(made.example) == len(parse(text(FESTIVAL), FESTIVAL).example)
    assert [verdict(tried, made, example) for example in made.example] == [None] * len(made.example)


def test_a_line_that_changed_keeps_what_it_was_and_every_other_line_is_as_before() -> None:
    made, dates = transpose(text(FESTIVAL), FESTIVAL.stem, "next", ANCHOR)
    body = made.split("\n")[3:]
    marked = [line for line in body if REVIEW in line]
    assert sum(len(line.split(f"{REVIEW}was ")[1].split(", ")) for line in marked if "was " in line) == dates
    assert "from = 2027-01-28T00:00:00  # review: was 2024-02-01T00:00:00" in marked
    assert 'title = { zh = "2027年春节期间商家发货及售后规则调整公告"' in made
    added = {'status = "draft"', f'supersedes = ["{FESTIVAL.stem}"]', 'id = "next"'}
    untouched = [line for line in body if REVIEW not in line and line not in added]
    assert set(untouched) <= set(text(FESTIVAL).split("\n"))
    assert 'scope = ["shop", "global"] # S10' in untouched


def test_a_draft_of_a_draft_has_one_mark_to_a_line() -> None:
    straight, _ = transpose(text(FESTIVAL), "old", "next", Anchor(date(2024, 2, 10), date(2028, 1, 26)))
    first, _ = transpose(text(FESTIVAL), "old", "first", ANCHOR)
    second, _ = transpose(first, "first", "next", Anchor(date(2027, 2, 6), date(2028, 1, 26)))
    assert second.startswith("# A draft, made from first by")
    assert second.count("# A draft, made from") == 1
    body = [made.split("\n", 3)[3].split("\n") for made in (straight, second)]
    said, again = ([line.partition(REVIEW)[0] for line in lines if not line.startswith(HEAD)] for lines in body)
    assert said == again
    assert max(line.count(REVIEW) for line in body[1]) == 1
    assert "from = 2028-01-17T00:00:00  # review: was 2027-01-28T00:00:00" in body[1]


def test_no_date_of_the_old_year_is_left_unmarked() -> None:
    made, _ = transpose(text(FESTIVAL), FESTIVAL.stem, "next", ANCHOR)
    unmarked = [line for line in made.split("\n")[3:] if REVIEW not in line]
    assert [line for line in unmarked if "2024" in line.replace(FESTIVAL.stem, "")] == []


def test_words_move_with_the_dates_that_they_name() -> None:
    made, _ = transpose(text(FESTIVAL), FESTIVAL.stem, "next", ANCHOR)
    said = 'says = "the latest dispatch of goods in stock is extended to 02-18 23:59:59"  # review: was 02-22'
    assert said in made.split("\n")


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("from = 2024-02-01 00:00:00", "from = 2027-01-28 00:00:00  # review: was 2024-02-01 00:00:00"),
        ('says = "by 02-30 or 13-01"', 'says = "by 02-30 or 13-01"'),
        ('says = "from 12-31"', 'says = "from 12-27"  # review: was 12-31'),
        ('window = "w-2024-01-29-2"', 'window = "w-2024-01-29-2"'),
        ('labels = ["festival_2024"]', 'labels = ["festival_2024"]'),
        ("a = 1 # since 2024-02-01", "a = 1 # since 2027-01-28  # review: was 2024-02-01"),
        ("a = '#2024-02-01' # b", "a = '#2027-01-28' # b  # review: was 2024-02-01"),
        ('a = "\\"2024-02-01" # b', 'a = "\\"2027-01-28" # b  # review: was 2024-02-01'),
        ('a = "2024-02-01T00:00:00"', 'a = "2027-01-28T00:00:00"  # review: was 2024-02-01T00:00:00'),
        ('a = """one\n2024-02-01"""\nb = 1', 'a = """one\n2027-01-28"""  # review: was 2024-02-01\nb = 1'),
        ("# 2024-99-01", "# 2024-99-01"),
    ],
)
def test_only_what_is_a_date_moves(line: str, moved: str) -> None:
    made, _ = transpose(f'id = "old"\n[x]\n{line}', "old", "next", ANCHOR)
    assert made.partition("[x]\n")[2] == moved


def test_the_rows_of_the_head_are_replaced_wherever_they_stand() -> None:
    head = [
        'status = "repealed"',
        'source = "a text"',
        "repealed = 2024-02-05",
        'id = "old" # ours',
        'supersedes = ["older"]',
    ]
    source = "\n".join([*head, "[x]", 'id = "old"'])
    made, _ = transpose(source, "old", "next", ANCHOR, ("older",))
    assert made.split("\n")[3:] == [
        'status = "draft"',
        'source = "no text yet: the clauses of old, 1092 days later"  # review: name the new notice',
        'id = "next"',
        'supersedes = ["old", "older"]',
        "[x]",
        'id = "old"',
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("2024-02-10", "'2024-02-10' is not two days; write the old day and the new one, such as"),
        ("2024-02-10=soon", "is not two days"),
        ("2024-02-30=2027-02-06", "is not two days"),
        ("2024-02-10=2027-02-06=2028-01-01", "is not two days"),
        ("", "'' is not two days"),
        ("2024-02-10=2024-02-10", "both days are the same; name the new year's"),
    ],
)
def test_an_anchor_that_is_none_is_refused_with_the_form_that_is_wanted(given: str, words: str) -> None:
    with pytest.raises(BadInput, match="--anchor: ") as refused:
        Anchor.parse(given)
    assert words in str(refused.value)


def test_a_date_that_would_leave_the_calendar_is_named() -> None:
    with pytest.raises(BadInput, match="--anchor: moves 9000-01-01 beyond the calendar; name a nearer day"):
        transpose("a = 9000-01-01", "old", "next", Anchor(date(2024, 1, 1), date(9998, 1, 1)))


def test_the_draft_of_2027_in_the_book_is_what_the_command_makes() -> None:
    made, _ = transpose(text(FESTIVAL), FESTIVAL.stem, "2027-spring-festival", ANCHOR)
    assert text(ROOT / "notices" / "2027-spring-festival.toml") == made

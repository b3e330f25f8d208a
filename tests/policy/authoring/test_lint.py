"""A policy officer is told all that is wrong with a book that can be read, but is not yet right."""

from pathlib import Path

import pytest

from aftersale.policy.authoring.lint import lint, lint_with
from tests.support.books import ROOT, copied
from tests.support.spoiling import FESTIVAL, NOTICE, REVIEW, add, edit, without_example


def test_the_book_in_the_checkout_is_well() -> None:
    assert lint(ROOT) == []


@pytest.mark.parametrize("status", ["draft", "in_force"])
def test_the_template_is_well_under_a_new_name(status: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    template = (root / "notices" / "_template.toml").read_text(encoding="utf-8")
    text = template.replace('status = "draft"', f'status = "{status}"').replace("0000-name", "2030-festival")
    (root / "notices" / "2030-festival.toml").write_text(text, encoding="utf-8")
    assert lint(root) == []


def test_an_example_that_does_not_come_out_is_told_with_both_answers(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, FESTIVAL, "due = 2024-02-04T00:00:00", "due = 2024-02-04T00:00:01")
    expected = "example 'E1 untagged, dispatched, refund; review': expects due 2024-02-04T00:00:01+08:00 by S22 S24"
    answered = "but the book answers due 2024-02-04T00:00:00+08:00 by S22 S24; correct the example or the rule"
    assert lint(root) == [f"{root / FESTIVAL}: {expected}, {answered}"]


@pytest.mark.parametrize(
    ("path", "right", "wrong", "words"),
    [
        (
            FESTIVAL,
            'rules = ["S22", "S23"]',
            'rules = ["S22", "S24"]',
            "expects due 2024-02-12T09:30:00+08:00 by S22 S24",
        ),
        (
            FESTIVAL,
            'rules = ["S18"]',
            'rules = ["S19"]',
            "cap P10D by S19, but the book answers allowed True, cap P10D by S18",
        ),
        (FESTIVAL, "waived = true", "due = 2024-02-08T12:00:00", "but the book answers waived by S33"),
        (
            FESTIVAL,
            'kind = "refund", started_at',
            'knd = "refund", started_at',
            "given.knd: is not a known field; remove it",
        ),
        (
            "limits/rights.toml",
            "exclusive = true\n\n[[example]]",
            "exclusive = false\n\n[[example]]",
            "00:00+08:00 inclusive by",
        ),
        (
            "limits/dispatch.toml",
            'error = "cut-off hour"',
            'error = "no hour"',
            "expects an error with 'no hour', but the book refuses:",
        ),
        (
            "limits/dispatch.toml",
            "due = 2024-06-05T10:00:00",
            'error = "no"',
            "expects an error with 'no', but the book answers due",
        ),
        (
            REVIEW,
            'because = "sourced: [d]"',
            'because = "law"',
            "expects a reason with 'law', but the book explains: ordinary",
        ),
    ],
)
def test_an_example_is_held_to_all_it_says(path: str, right: str, wrong: str, words: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, path, right, wrong)
    assert any(words in finding and finding.startswith(f"{root / path}: example ") for finding in lint(root))


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        (FESTIVAL, "E18 untagged reship", "rule 'S28': no example exercises it; add one whose `rules` end in 'S28'"),
        (
            FESTIVAL,
            "from 02-18 the category",
            "presale 'S21': no example exercises it; add one whose `rules` are ['S21']",
        ),
        (
            REVIEW,
            "the platform reviews",
            "limit 'claim_review/platform': no example exercises it; add one for claim_review",
        ),
        (
            FESTIVAL,
            "paid one second before",
            "window 'in-stock-purchase': no example whose key instant is 2024-02-01T23:59:59",
        ),
        (
            FESTIVAL,
            "tagged, bought on the last second",
            "window 'nonstop-purchase': no example whose key instant is 2024-02-17T23",
        ),
        (
            FESTIVAL,
            "clicked one second after",
            "window 'dispatch-click': no example whose key instant is 2024-02-23T00:00:00",
        ),
        (
            FESTIVAL,
            "S25 one second",
            "rule 'S25': selects on a computed instant, so it needs a boundary pair of its own",
        ),
        (
            FESTIVAL,
            "S27 one second later",
            "rule 'S27': selects on a computed instant, so it needs a boundary pair of its own",
        ),
    ],
)
def test_what_no_example_shows_is_told_with_what_to_add(path: str, name: str, words: str, tmp_path: Path) -> None:
    root = copied(tmp_path)
    if name == "S25 one second":
        without_example(root, path, "S25 one second earlier")
        without_example(root, path, "S25 one second later")
    else:
        without_example(root, path, name)
    assert any(finding.startswith(f"{root / path}: {words}") for finding in lint(root))


def test_a_window_and_a_selector_that_nothing_uses_are_told(tmp_path: Path) -> None:
    root = copied(tmp_path)
    unused = '[[window]]\nid = "idle"\nfrom = 2024-01-01T00:00:00\n\n[[selector]]\nid = "N0"\nsays = "nobody"\n'
    path = add(root, "mine", more=unused)
    assert lint(root) == [
        f"{path}: selector 'N0': no rule stands under it; add one or remove it",
        f"{path}: window 'idle': no clause uses it; name it in a clause or remove it",
    ]


def test_a_draft_is_tried_as_if_in_force_but_not_against_other_drafts(tmp_path: Path) -> None:
    root = copied(tmp_path)
    draft = add(root, "a", status="draft")
    add(root, "b", status="consultation")
    assert lint(root) == []
    edit(root, "notices/a.toml", "due = 2025-06-12T10:00:00", "due = 2025-06-11T10:00:00")
    (finding,) = lint(root)
    assert finding.startswith(f"{draft}: example 'nine days': expects due 2025-06-11T10:00:00")


def test_what_is_repealed_is_no_longer_tried(tmp_path: Path) -> None:
    root = copied(tmp_path)
    path = add(root, "a", status="repealed")
    add(root, "b", more="repealed = 2024-06-01", status="repealed")
    add(root, "c").write_text((root / "notices/c.toml").read_text().replace("2024-01-01", "2024-06-01"))
    assert lint(root) == [f"{path}: is repealed without a date, so it reads as if it had never bound; add repealed"]


def test_what_is_repealed_is_held_against_what_was_known_before_its_repeal(tmp_path: Path) -> None:
    root = copied(tmp_path)
    add(root, "a", more="repealed = 2024-06-01", status="repealed")
    add(root, "b")
    (finding,) = lint(root)
    assert "notices/b.toml: rule 'N1': can hold together with 'N1' of a for escalation" in finding


def test_a_draft_is_not_published_with_marks_that_nobody_reviewed(tmp_path: Path) -> None:
    root = copied(tmp_path)
    path = add(root, "a", more="# announced  # review: was 2023-01-01", status="draft")
    assert lint(root) == []
    edit(root, "notices/a.toml", '"draft"', '"announced"')
    assert lint(root) == [f"{path}: is published with '# review:' on line 9; hold each to the text"]


def test_notices_of_other_years_lie_aside_and_are_not_read(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "examples" / "spoilt.toml").write_text("x", encoding="utf-8")
    assert lint(root) == []


def test_one_file_is_tried_in_the_book_that_it_would_join(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = NOTICE.format(id="mine", when='regions_any = ["hebei"]', status="draft", more="")
    path.write_text(text, encoding="utf-8")
    assert lint_with(ROOT, path) == []
    path.write_text(text.replace("due = 2025-06-12", "due = 2025-06-13"), encoding="utf-8")
    (finding,) = lint_with(ROOT, path)
    assert finding.startswith(f"{path}: example 'nine days': expects due 2025-06-13T10:00:00")
    path.write_text(text.replace("[[rule]]", "supersedes = ['nobody']\n[[rule]]"), encoding="utf-8")
    assert lint_with(ROOT, path) == [f"{path}: supersedes names 'nobody', which is no other file's id; correct it"]


def test_a_file_that_cannot_be_read_hides_no_other_finding(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "notices" / "spoilt.toml").write_text("x", encoding="utf-8")
    edit(root, FESTIVAL, "due = 2024-02-04T00:00:00", "due = 2024-02-04T00:00:01")
    edit(root, "limits/goods.toml", "due = 2024-06-10T15:00:00", "due = 2024-06-10T15:00:01")
    (root / "book.toml").write_text("", encoding="utf-8")
    paths = [finding.partition(": ")[0].rpartition("/")[2] for finding in lint(root)]
    assert paths == ["book.toml", "spoilt.toml", "goods.toml", "2024-spring-festival.toml"]


def test_a_file_on_no_shelf_is_told(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "notices" / "old").mkdir()
    (root / "notices" / "old" / "2023.toml").write_text("", encoding="utf-8")
    where = root / "notices" / "old" / "2023.toml"
    assert lint(root) == [f"{where}: is not read where it lies; move it to limits, notices, services, or remove it"]

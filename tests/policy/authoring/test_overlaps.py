"""Clauses that can hold at once are proved apart, settled, or told."""

from pathlib import Path

import pytest

from aftersale.policy.authoring.lint import lint
from tests.support.books import copied
from tests.support.spoiling import FESTIVAL, REVIEW, add, edit


def test_two_notices_that_can_hold_at_once_are_told(tmp_path: Path) -> None:
    root = copied(tmp_path)
    add(root, "a")
    path = add(root, "b", when='kind = "return"')
    told = "rule 'N1': can hold together with 'N1' of a for escalation at equal precedence"
    settle = "narrow one of them, or let one file supersede the other"
    assert f"{path}: {told}; {settle}" in lint(root)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ('kind = "return", regions_any = ["hebei"]', 'kind = ["refund", "repair"], regions_any = ["hebei"]', True),
        ('kind = ["return", "refund"]', 'kind = ["refund", "repair"]', False),
        ("dispatched = true", "dispatched = false", True),
        ('labels_any = ["a"]', 'labels_none = ["a", "b"]', True),
        ('labels_any = ["a", "c"]', 'labels_none = ["a", "b"]', False),
        ('labels_any = ["a"]', 'labels_any = ["b"]', False),
        ('regions_any = ["a"]', 'regions_any = ["b"]', True),
        ('regions_any = ["a"]', 'regions_none = ["a"]', True),
        ('regions_none = ["a"]', 'regions_none = ["b"]', False),
        ('merchant_class = "shop"', 'merchant_class = ["global"]', True),
        ('sale_mode = "in_stock"', 'sale_mode = "pre_sale"', True),
        ('services_any = ["home_pickup"]', 'services_none = ["home_pickup"]', True),
        ('categories_any = ["fresh"]', 'categories_none = ["cosmetics"]', False),
    ],
)
def test_filters_that_contradict_keep_two_notices_apart(first: str, second: str, apart: bool, tmp_path: Path) -> None:
    root = copied(tmp_path)
    add(root, "a", when=first)
    add(root, "b", when=second)
    findings = [finding for finding in lint(root) if "can hold together with 'N1' of a" in finding]
    assert bool(findings) is not apart


def test_a_notice_that_supersedes_another_settles_it(tmp_path: Path) -> None:
    root = copied(tmp_path)
    add(root, "a", when='regions_any = ["hebei"], kind = "return"')
    add(root, "b", more='supersedes = ["a"]')
    assert not [finding for finding in lint(root) if "together" in finding]


def test_windows_on_the_same_instant_keep_two_rules_apart(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, FESTIVAL, 'overrides = ["S16"]\n', "")
    told = "rule 'S17': can hold together with 'S16' for dispatch at equal precedence"
    assert f"{root / FESTIVAL}: {told}; narrow one of them, or let one override the other" in lint(root)
    edit(root, FESTIVAL, 'key = "paid"\nwindow = "in-stock-purchase"', 'key = "paid"\nwindow = "presale-ten-days"')
    assert not [finding for finding in lint(root) if "together" in finding]


def test_presale_windows_that_meet_are_told(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, FESTIVAL, "from = 2024-02-18T00:00:00", "from = 2024-02-17T23:59:59")
    told = "presale 'S21': its window meets that of 'S20'; narrow one of them, or let one file supersede the other"
    assert f"{root / FESTIVAL}: {told}" in lint(root)


@pytest.mark.parametrize(
    ("dates", "together"),
    [("effective_from = 2021-01-01", True), ("effective_until = 2021-01-01", False)],
)
def test_ordinary_limits_that_can_hold_at_once_are_told(dates: str, together: bool, tmp_path: Path) -> None:
    root = copied(tmp_path)
    row = f'[[limit]]\nid = "payout/old"\nclock = "payout"\nlimit = "P2D"\non_timeout = "alert"\n{dates}\n'
    edit(root, "limits/rights.toml", "[[limit]]\n", f'{row}basis = "assumed"\nreason = "a test"\n\n[[limit]]\n')
    told = (
        "limit 'payout': can hold together with 'payout/old' for payout; narrow their `when`, or their effective_from"
    )
    assert any(told in finding for finding in lint(root)) is together


def test_conditional_limits_that_can_hold_at_once_are_told(tmp_path: Path) -> None:
    root = copied(tmp_path)
    edit(root, REVIEW, "dispatched = true, ", "")
    told = "limit 'merchant_review/reship-repair': can hold together with 'merchant_review/before-dispatch' for"
    assert any(told in finding for finding in lint(root))

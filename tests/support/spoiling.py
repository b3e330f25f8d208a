"""Ways to spoil a copy of the policy book."""

from pathlib import Path

FESTIVAL = "notices/2024-spring-festival.toml"
REVIEW = "limits/review.toml"

NOTICE = """
id = "{id}"
title = {{ en = "made for a test" }}
zone = "Asia/Shanghai"
status = "{status}"
announced = 2024-01-01
tier = "notice"
source = "made for a test"
{more}
[[rule]]
id = "N1"
says = "an escalation may take nine days"
clock = "escalation"
when = {{ {when} }}
effect = {{ set = "P9D" }}

[[example]]
name = "nine days"
given = {{ clock = "escalation", started_at = 2025-06-03T10:00:00, order = {{ region = "hebei" }} }}
due = 2025-06-12T10:00:00
rules = ["N1"]
"""


def add(
    root: Path, name: str, *, when: str = 'regions_any = ["hebei"]', status: str = "in_force", more: str = ""
) -> Path:
    """Put one more notice on its shelf: escalations of so many buyers take nine days."""
    path = root / "notices" / f"{name}.toml"
    path.write_text(NOTICE.format(id=name, when=when, status=status, more=more), encoding="utf-8")
    return path


def edit(root: Path, path: str, right: str, wrong: str) -> None:
    """Put the wrong words in the place of the right ones."""
    text = (root / path).read_text(encoding="utf-8")
    assert right in text
    (root / path).write_text(text.replace(right, wrong, 1), encoding="utf-8")


def without_example(root: Path, path: str, name: str) -> None:
    """Take the example whose name begins so out of its file."""
    blocks = (root / path).read_text(encoding="utf-8").split("\n\n")
    kept = [block for block in blocks if f'name = "{name}' not in block]
    assert len(kept) == len(blocks) - 1
    (root / path).write_text("\n\n".join(kept) + "\n", encoding="utf-8")

"""Writes what operators read of the services outside that may be called out to, from `activities.services`.

python -m trial.service_texts
"""

import re
import textwrap
from pathlib import Path

from activities.services import SERVICES

ROOT = Path(__file__).resolve().parents[1]
_LABELS = [each.labels for each in SERVICES]


def texts() -> list[tuple[Path, str]]:
    """Return each file with what should stand in it: the variables of a node, and the table of what they mean."""
    return [
        _rewritten("deploy/.env.example", r"# What may be called out (?:.+\n)+", _variables()),
        _rewritten("docs/operate.md", r"(?:\| `AFTERSALE_(?!PAYMENTS)\w+_URL`, `AFTERSALE_\w+_SECRET`.+\n)+", _rows()),
    ]


def _rewritten(name: str, there: str, wanted: str) -> tuple[Path, str]:
    text, found = re.subn(there, lambda _: wanted, (ROOT / name).read_text("utf-8"))
    assert found == 1, f"{name}: what is to be written anew stands there {found} times"
    return ROOT / name, text


def _variables() -> str:
    services = ", ".join(f"{each.meaning} (unset, {each.unset})" for each in _LABELS)
    said = f"What may be called out to beside, each with the secret that signs: {services}."
    comment = textwrap.wrap(said, 120, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*comment, *(f"{name}=" for each in _LABELS for name in each.variables), ""])


def _rows() -> str:
    return "".join(
        f"| `{each.variables[0]}`, `{each.variables[1]}` | {each.meaning}, signed alike; left out, {each.unset} |\n"
        for each in _LABELS
    )


if __name__ == "__main__":
    for path, text in texts():
        path.write_text(text, "utf-8")

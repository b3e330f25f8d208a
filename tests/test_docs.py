"""The documents: what they name exists, and what others cite of them stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from activities.services import SERVICES
from aftersale import vocabulary
from aftersale.cli import app
from aftersale.contract.request import CaseRequest, Evidence, Item, Order, OrderLine, PickupWish
from aftersale.schema import Schema
from tests.test_house import MODULES, ROOT, TRACKED, name
from trial.service_texts import texts

DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
GUIDES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
INVENTING = {"test_docs.py", "test_malformed_files.py"}
"""Where a number is tried that stands nowhere."""

CITING = [path for path in TRACKED if path.suffix in (".py", ".toml", ".md") and path.name not in INVENTING]
TERMS = [
    member
    for kind in vars(vocabulary).values()
    if isinstance(kind, type) and issubclass(kind, vocabulary.Term)
    for member in kind
]
CITATION = re.compile(r"\b([RS])(\d{1,2})(?:\s?[-–~]\s?\1?(\d{1,2}))?\b(?!-\d)")


def cited(text: str) -> Iterator[str]:
    """Every number that a text cites; a range cites all that it spans."""
    for series, first, last in CITATION.findall(text):
        yield from (f"{series}{number}" for number in range(int(first), int(last or first) + 1))


def standing() -> set[str]:
    """Every number that has a row of its own in the rules."""
    return set(re.findall(r"^\| ([RS]\d+) \|", (DOCS / "rules.md").read_text("utf-8"), flags=re.MULTILINE))


def code_of(document: Path) -> list[str]:
    """The lines of a document's code blocks, and what it sets in backticks."""
    text = document.read_text("utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [*(line for block in blocks for line in block.splitlines()), *(" ".join(each.split()) for each in spans)]


def test_every_rule_and_clause_that_is_cited_stands_in_the_rules() -> None:
    missing = {name(path): set(cited(path.read_text("utf-8"))) - standing() for path in CITING}
    assert not {document: found for document, found in missing.items() if found}


def test_a_range_cites_all_that_it_spans() -> None:
    assert [*cited("R4-R6, S22–S23 and S29-31; no SF1, no S-1001")] == [
        *("R4", "R5", "R6"),
        *("S22", "S23"),
        *("S29", "S30", "S31"),
    ]


def test_a_number_that_does_not_exist_is_found() -> None:
    assert set(cited("as R33 and S32-S35 say")) - standing() == {"R33", "S35"}


def test_rules_and_clauses_are_numbered_without_a_gap() -> None:
    for series in "RS":
        numbers = sorted(int(each[1:]) for each in standing() if each[0] == series)
        assert numbers == [*range(1, len(numbers) + 1)]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.stem[:4])
def test_the_index_of_decisions_names_each_by_number_and_title(decision: Path) -> None:
    title = decision.read_text("utf-8").splitlines()[0].removeprefix("# ")
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    assert f"| {decision.stem[:4]} | [{title}]({decision.name}) | " in index


def test_the_glossary_holds_both_words_of_a_term() -> None:
    rows = [row for row in (DOCS / "glossary.md").read_text("utf-8").splitlines() if row.startswith("|")]
    assert not [term for term in TERMS if not any(f"`{term.value}`" in row and term.zh in row for row in rows)]


@pytest.mark.parametrize("table", re.split(r"^#", (DOCS / "glossary.md").read_text("utf-8"), flags=re.MULTILINE)[1:])
def test_a_table_of_the_glossary_is_alphabetical(table: str) -> None:
    words = [re.sub(r"\W", "", row.split("|")[1]).lower() for row in table.splitlines() if row.startswith("|")][2:]
    assert words == sorted(words)


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    named = {found[1] for code in code_of(document) if (found := re.match(r"make ([a-z-]+)", code))}
    assert named <= targets


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_commands_of_the_command_line_that_are_named_exist(document: Path) -> None:
    for code in code_of(document):
        for words in re.findall(r"(?:^|[| ])(?:\.venv/bin/)?aftersale ((?:[a-z]+ ?)+)", code):
            command = typer.main.get_command(app)
            for word in words.split():
                known = getattr(command, "commands", None)
                if known is None:
                    break
                assert word in known, f"aftersale {words}"
                command = known[word]


def leaves(command: Any, path: str = "aftersale") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its path."""
    for word, below in getattr(command, "commands", {}).items():
        yield from leaves(below, f"{path} {word}")
    if not hasattr(command, "commands"):
        yield path, command


def test_the_page_on_the_command_line_names_every_command_with_its_options() -> None:
    """A command that no guide names is found by nobody; one that a guide invents misleads."""
    rows = re.findall(
        r"^\| `(aftersale [a-z ]+?)(?: [][A-Z ]+)?` \|(.*)$", (DOCS / "commands.md").read_text("utf-8"), re.M
    )
    told = {path: set(re.findall(r"`(--[a-z-]+)`", row.rpartition(" | ")[2])) for path, row in rows}
    known = {
        path: {option for each in command.params for option in each.opts if option.startswith("--")} - {"--json"}
        for path, command in leaves(typer.main.get_command(app))
    }
    assert told == known


def test_the_guide_to_policies_says_which_file_holds_each_service() -> None:
    text = (DOCS / "policies.md").read_text("utf-8")
    assert not [file.name for file in (ROOT / "policies" / "services").glob("*.toml") if f"`{name(file)}`" not in text]


def test_the_guide_to_integration_explains_every_field_of_a_request() -> None:
    shapes: list[type[Schema]] = [CaseRequest, Order, OrderLine, Item, Evidence, PickupWish]
    text = (DOCS / "integrate.md").read_text("utf-8").partition("## The request")[2].partition("\n## ")[0]
    told = {each.rstrip("?") for each in re.findall(r"`([a-z_0-9]+\??)`", text)}
    assert not {field for shape in shapes for field in shape.model_fields} - told


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_variables_that_are_named_exist(document: Path) -> None:
    code = "".join(path.read_text("utf-8") for path in MODULES if "tests" not in path.parts)
    code += (ROOT / "docker-compose.yml").read_text("utf-8")
    for variable in re.findall(r"\b(?:AFTERSALE_[A-Z_]+[A-Z]|[A-Z]+_PORT)\b", document.read_text("utf-8")):
        setting = variable.removeprefix("AFTERSALE_").lower()
        known = variable in code or re.search(rf"^    {setting}: ", code, flags=re.MULTILINE)
        of_a_service = any(variable in each.labels.variables for each in SERVICES)
        assert known or of_a_service or variable.startswith("AFTERSALE_NOTIFY_"), variable


@pytest.mark.parametrize(("document", "text"), texts(), ids=["deploy/.env.example", "docs/operate.md"])
def test_operators_read_of_every_service_outside_as_make_services_writes_it(document: Path, text: str) -> None:
    assert document.read_text("utf-8") == text


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_paths_that_are_named_exist(document: Path) -> None:
    folders = "|".join(sorted({path.relative_to(ROOT).parts[0] for path in TRACKED}))
    for code in code_of(document):
        if re.fullmatch(rf"(?:{folders})/[\w./-]*", code):
            assert (ROOT / code).exists(), code

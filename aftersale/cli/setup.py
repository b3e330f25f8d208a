"""`aftersale setup`: prepare the Temporal namespace and the database of the records."""

from typing import Any

import typer

from aftersale.cli.connections import on_cases, records_url, the_extra
from aftersale.cli.errors import AsJson, error_as_json, status, words
from aftersale.cli.output import say, say_json, warn
from aftersale.errors import AftersaleError
from aftersale.inert import inert

Done = dict[str, Any]
"""What was done so far, by the name that programs read it under; None is not done."""


def setup(as_json: AsJson = False) -> None:
    """Prepare what cases run on: Temporal's search attributes, and the tables of the records. Safe to repeat.

    Where one of them cannot be had, the other is prepared all the same, and the exit status is not 0.
    """
    done: Done = {"registered": None, "migrated": None, "records": None}
    faults = []
    for part, undone in ((_register, "no search attribute was registered"), (_migrate, "no table was changed")):
        try:
            part(done)
        except AftersaleError as error:
            error.add_note(undone)
            faults.append(error)
    if as_json:
        say_json(done | _all_told(faults))
    else:
        for line in _lines(done):
            say(inert(line))
        for fault in faults:
            warn(words(fault))
    if faults:
        raise typer.Exit(max(status(fault) for fault in faults))


def _register(done: Done) -> None:
    done["registered"] = on_cases(lambda cases: cases.namespace.setup())


def _migrate(done: Done) -> None:
    url = records_url()
    with the_extra():
        from aftersale.records import migrate
        from aftersale.records.database import name_in_words, parse_url

        done["records"] = name_in_words(parse_url(url))
        done["migrated"] = migrate(url)


def _lines(done: Done) -> list[str]:
    """Return what was done, in words."""
    lines = []
    if done["registered"] is not None:
        lines.append(f"registered: {', '.join(done['registered']) or 'nothing, all search attributes are'}")
    if done["migrated"] is not None:
        lines.append(f"migrated: {', '.join(done['migrated']) or 'nothing, all tables are up to date'}")
        lines.append(f"records: {done['records']}")
    return lines


def _all_told(faults: list[AftersaleError]) -> dict[str, Any]:
    """Return what went wrong, together as one error."""
    found = {name: value for fault in faults for name, value in error_as_json(fault).items()}
    return {**found, "error": "; ".join(words(fault) for fault in faults)} if faults else {}

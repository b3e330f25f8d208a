"""Read what a command is given: files, standard input, JSON and options, with errors that name the remedy."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from aftersale.errors import BadInput, Problem, bad_input, problems_of
from aftersale.schema import Schema
from aftersale.times import parse_instant

S = TypeVar("S", bound=Schema)


def content(file: str, wanted: str) -> bytes:
    """Return what a file holds, or standard input for `-`. Raises BadInput, which says to name what is `wanted`."""
    try:
        if file == "-":
            return sys.stdin.buffer.read() if sys.stdin else b""
        return Path(file).read_bytes()
    except OSError as error:
        said = f"cannot be read ({error.strerror}); name {wanted}, or - for standard input"
        raise bad_input(file, said) from None


def json_of(file: str) -> dict[str, Any]:
    """Return the JSON object that a file holds, or standard input for `-`. Raises BadInput."""
    try:
        text = content(file, "a file of one JSON object").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_input(file, "is not UTF-8; save it as UTF-8") from None
    return decode(text, file)


def decode(text: str, source: str) -> dict[str, Any]:
    """Return the JSON object that a text is. Raises BadInput, which names the source."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_input(source, f"is not JSON ({error}); give one JSON object") from None
    if not isinstance(given, dict):
        raise bad_input(source, "is not a JSON object; give one JSON object")
    return given


def with_actor(given: dict[str, Any], actor: str | None) -> dict[str, Any]:
    """Return a command's fields with its actor, as `--as` names it unless the fields do. Raises BadInput."""
    if actor is None and "actor" in given:
        return given
    party, separator, reference = (actor or "").partition(":")
    if not separator:
        raise bad_input("--as", "says who acts; write PARTY:ID, such as merchant:M-7")
    return {**given, "actor": {"party": party, "id": reference}}


def instant(option: str, text: str | None) -> datetime | None:
    """Return the instant that an option gives; None where it is not given. Raises BadInput, which names the option."""
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise bad_input(option, str(error)) from None


def options(shape: type[S], **given: Any) -> S:
    """Return a command's options as the trade reads them; None stands for one that is not given. Raises BadInput."""
    try:
        return shape.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise BadInput(
            Problem(field=f"--{found.field.replace('_', '-')}", message=found.message) for found in problems_of(error)
        ) from None

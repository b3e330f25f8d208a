"""The base of everything that crosses an edge: strict, frozen, unknown fields refused."""

import re
from datetime import datetime, time
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictInt

from aftersale import bounds
from aftersale.times import local, parse_instant, span


class Schema(BaseModel):
    """Closed and immutable: a misspelt field is an error at the edge, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False, allow_inf_nan=False)

    most_bytes: ClassVar[int | None] = None
    """The most bytes of it, as JSON, that are read where it comes in; None where its parts bound it."""


_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{bounds.ID}}}", re.ASCII)


def is_id(text: object) -> bool:
    """Tell whether a text can serve as a reference."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError(f"must be 1 to {bounds.ID} of the characters A-Z a-z 0-9 . _ -; shorten or replace it")
    return text


def is_request_id(text: object) -> bool:
    """Tell whether a text can serve as a request id: whatever its caller likes, as long as a log can show it."""
    return isinstance(text, str) and 1 <= len(text) <= bounds.KEY and text.isprintable()


REQUEST_ID_FORM = f"must be 1 to {bounds.KEY} printable characters; shorten or replace it"


def _request_id(text: str) -> str:
    if not is_request_id(text):
        raise ValueError(REQUEST_ID_FORM)
    return text


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character, which no database keeps; leave it out")
    return text


def _duration(text: str) -> str:
    span(text)
    return text


def _positive(text: str) -> str:
    if not span(text):
        raise ValueError("must be longer than nothing; write P5D or PT48H")
    return text


def _hour(given: object) -> object:
    try:
        found = time.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    if not isinstance(found, time) or found.tzinfo or found.second or found.microsecond:
        raise ValueError("write an hour of the day to the minute, without offset: 16:00")
    return found


Instant = Annotated[
    datetime,
    BeforeValidator(parse_instant),
    PlainSerializer(local, return_type=str, when_used="json-unless-none"),
]
"""An instant: aware, in UTC, floored to the second; written in the policy's zone (R1, R4)."""

Hour = Annotated[time, BeforeValidator(_hour)]
"""An hour of the day in the policy's zone, to the minute."""

Duration = Annotated[str, Field(strict=True, max_length=bounds.DURATION), AfterValidator(_duration)]
"""An ISO 8601 duration of fixed length, kept as it was written."""

Limit = Annotated[str, Field(strict=True, max_length=bounds.DURATION), AfterValidator(_positive)]
"""A duration longer than nothing."""

Id = Annotated[str, Field(strict=True, json_schema_extra={"maxLength": bounds.ID}), AfterValidator(_id)]
"""An opaque reference; safe in a workflow id, a search attribute and a file name."""

RequestId = Annotated[str, Field(strict=True, json_schema_extra={"maxLength": bounds.KEY}), AfterValidator(_request_id)]
"""A caller's own id of what it asks for: under it the same thing is done once, and nothing else."""

Code = Annotated[str, Field(strict=True, min_length=1, max_length=bounds.CODE), AfterValidator(_storable)]
"""A word of some vocabulary of the platform's: a reason, a label, a category."""

Note = Annotated[str, Field(strict=True, max_length=bounds.NOTE), AfterValidator(_storable)]
"""Free text of a party. Shown escaped, never interpreted."""

MOST_MINOR = 10**15

MinorUnits = Annotated[StrictInt, Field(ge=0, le=MOST_MINOR)]
"""Money in the currency's minor unit (fen for CNY)."""

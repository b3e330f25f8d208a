"""Instants and durations, read the way the rules read them (R1-R5).

Instants are aware, floored to the second on entry and stored in UTC; a zone-less text is
in the policy's zone. Durations stay the ISO 8601 text that a rule wrote, because that is
what a reader of an explanation must recognise.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

POLICY_ZONE = ZoneInfo("Asia/Shanghai")
"""The zone of every clause in force so far (R1)."""

SECOND = timedelta(seconds=1)

_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
_FORM = "write an instant as 2024-02-01T00:00:00+08:00"
_BEYOND = "beyond the calendar; write a year from 0002 to 9998"

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)


def floor(instant: datetime) -> datetime:
    """Return the instant without its fraction of a second (R4)."""
    return instant.replace(microsecond=0)


def parse_instant(text: object, zone: ZoneInfo = POLICY_ZONE) -> datetime:
    """Return an instant in UTC from an aware datetime or an ISO 8601 text; zone-less text is in `zone` (R1).

    Raises ValueError, with the form that is wanted, for anything else.
    """
    if isinstance(text, str):
        return _read(text, zone)
    if isinstance(text, datetime):
        return _in_utc(text, zone)
    raise ValueError(_FORM)


@lru_cache(maxsize=4096)
def _read(text: str, zone: ZoneInfo) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(_FORM)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("no such instant in the calendar; write 2024-02-01T00:00:00+08:00") from None
    return _in_utc(found, zone)


def _in_utc(found: datetime, zone: ZoneInfo) -> datetime:
    if found.tzinfo is UTC and not found.microsecond and _EARLIEST <= found <= _LATEST:
        return found
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    try:
        instant = floor(found.astimezone(UTC))
    except OverflowError:
        raise ValueError(_BEYOND) from None
    if not _EARLIEST <= instant <= _LATEST:
        raise ValueError(_BEYOND)
    return instant


@dataclass(frozen=True)
class Stretch:
    """From one instant to another, both in it at second resolution (R2); an end that is None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether the instant, floored to the second, lies in the stretch."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant <= self.end)

    @property
    def edges(self) -> list[tuple[datetime, datetime]]:
        """The two seconds, inside and outside, at each end that it has."""
        starts = [(self.start, self.start - SECOND)] if self.start is not None else []
        return starts + ([(self.end, self.end + SECOND)] if self.end is not None else [])

    def meets(self, other: "Stretch") -> bool:
        """Tell whether some instant lies in both."""
        return not (_before(self.end, other.start) or _before(other.end, self.start))


def _before(end: datetime | None, start: datetime | None) -> bool:
    return end is not None and start is not None and end < start


@lru_cache(maxsize=4096)
def local(instant: datetime, zone: ZoneInfo = POLICY_ZONE) -> str:
    """Return the instant as people in `zone` read it, to the second, with its offset."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def span(duration: str) -> timedelta:
    """Return the elapsed time of an ISO 8601 duration; a day is 24 hours (R3).

    Raises ValueError for years, months, fractions and signs: they have no fixed length or no meaning here.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError("write a duration as P5D, PT48H or P1DT12H; years, months and fractions have no fixed length")
    return timedelta(**{unit: int(count) for unit, count in found.groupdict().items() if count})


def duration(elapsed: timedelta) -> str:
    """Return the ISO 8601 text of an elapsed time, in days, hours, minutes and seconds."""
    minutes, seconds = divmod(int(elapsed.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    if not days and not clock:
        return "PT0S"
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def next_midnight(instant: datetime, zone: ZoneInfo = POLICY_ZONE) -> datetime:
    """Return the first local midnight strictly after the instant (R5), in UTC."""
    tomorrow = instant.astimezone(zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)

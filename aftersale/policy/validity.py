"""The two times of a text: when it is known, from announcement to repeal, and where it has effect (R14). Pure."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from aftersale.policy.clauses import Window
from aftersale.policy.rules import OrdinaryLimit, PolicyFile, Status
from aftersale.times import SECOND, Stretch


def when_known(file: PolicyFile) -> Stretch:
    """From the midnight on which the text is announced to the last second before the day of its repeal."""
    return days(file.announced, file.repealed, file.tz)


def is_known(stretch: Stretch, as_of: datetime | None) -> bool:
    """Tell whether a text known throughout the stretch stood at `as_of`.

    Absent, after all announcements and repeals.
    """
    return stretch.end is None if as_of is None else as_of in stretch


def in_force(row: OrdinaryLimit, zone: ZoneInfo) -> Stretch:
    """From midnight of its first day to the last second before the day on which it no longer holds."""
    return days(row.effective_from, row.effective_until, zone)


def stage(file: PolicyFile, at: datetime) -> Status | None:
    """Say how far the text had come at an instant, by its dates; None where it was not announced by then."""
    if not file.published:
        return file.status
    lifetime = when_known(file)
    if lifetime.start is not None and at < lifetime.start:
        return None
    if at not in lifetime:
        return "repealed"
    begun = (stretch(window, file.tz).start for window in file.window)
    return "in_force" if not file.window or any(start is None or start <= at for start in begun) else "announced"


def stretch(window: Window, zone: ZoneInfo) -> Stretch:
    """Return a window as printed, as the stretch of time it is in the file's zone."""
    start, end = (at and at.replace(tzinfo=zone).astimezone(UTC) for at in (window.start, window.end))
    return Stretch(start, end)


def midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant at which a day begins in a zone: a zone-less date of a file is in that file's (R1)."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) if day else None


def days(first: date | None, end: date | None, zone: ZoneInfo) -> Stretch:
    """Return the stretch from midnight of a first day to the last second before the day that ends it."""
    after = midnight(end, zone)
    return Stretch(midnight(first, zone), after and after - SECOND)

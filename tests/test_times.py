"""Instants and durations as the rules read them (R1-R5)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersale.times import POLICY_ZONE, SECOND, Stretch, duration, floor, local, next_midnight, parse_instant, span

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2190, 1, 1))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SPANS = st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds))


@given(SPANS)
def test_a_duration_says_the_time_that_it_was_written_for(elapsed: timedelta) -> None:
    assert span(duration(elapsed)) == elapsed


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 9999), st.integers(0, 9999))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"P{days}DT{hours}H{minutes}M{seconds}S"
    assert span(written) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@given(MOMENTS, OFFSETS)
def test_an_instant_is_the_same_wherever_it_was_written(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=zone)
    instant = parse_instant(aware.isoformat())
    assert instant == floor(aware)
    assert (instant.tzinfo, instant.microsecond) == (UTC, 0)
    assert parse_instant(local(instant)) == instant


@given(MOMENTS)
def test_the_next_midnight_is_the_first_one_strictly_after(moment: datetime) -> None:
    instant = moment.replace(tzinfo=UTC)
    midnight = next_midnight(instant)
    shown = midnight.astimezone(POLICY_ZONE)
    assert (shown.hour, shown.minute, shown.second) == (0, 0, 0)
    assert timedelta(0) < midnight - instant <= timedelta(days=1, hours=1)


def test_an_instant_without_a_zone_is_the_policy_s() -> None:
    assert parse_instant("2024-02-01T00:00:00") == datetime(2024, 1, 31, 16, tzinfo=UTC)
    assert parse_instant("2024-02-01 00:00:00.999") == datetime(2024, 1, 31, 16, tzinfo=UTC)


def test_midnight_itself_counts_to_the_next_one() -> None:
    assert local(next_midnight(parse_instant("2024-02-08T00:00:00"))) == "2024-02-09T00:00:00+08:00"
    assert local(next_midnight(parse_instant("2024-02-08T23:59:59"))) == "2024-02-09T00:00:00+08:00"


@pytest.mark.parametrize(
    "wrong", ["2024-02-01", "2024-02-01T00:00", "now", "", "２０２４-02-01T00:00:00", 1706716800, None, True]
)
def test_what_is_no_instant_is_told_how_to_write_one(wrong: object) -> None:
    with pytest.raises(ValueError, match="write an instant as 2024-02-01T00:00:00"):
        parse_instant(wrong)


@pytest.mark.parametrize("wrong", ["2024-02-30T00:00:00", "2024-01-01T25:00:00", "2024-01-01T00:00:60"])
def test_an_instant_that_never_was_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no such instant in the calendar"):
        parse_instant(wrong)


@pytest.mark.parametrize("wrong", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_an_instant_at_the_calendar_s_edge_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="beyond the calendar; write a year from 0002 to 9998"):
        parse_instant(wrong)


@pytest.mark.parametrize(
    "wrong", ["", "P", "PT", "P1DT", "P1Y", "P1M", "P1.5D", "-P1D", "P-1D", "5 days", "p1d", "P1D ", "P١D", "P100000D"]
)
def test_a_duration_without_a_fixed_length_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write a duration as P5D, PT48H or P1DT12H"):
        span(wrong)


def test_a_window_is_closed_at_both_ends() -> None:
    window = Stretch(parse_instant("2024-02-01T00:00:00"), parse_instant("2024-02-17T23:59:59"))
    assert window.start is not None
    assert window.end is not None
    assert window.start in window
    assert window.end in window
    assert window.start - SECOND not in window
    assert window.end + SECOND not in window


def test_two_windows_meet_in_a_shared_second() -> None:
    noon = parse_instant("2024-02-01T12:00:00")
    assert Stretch(None, noon).meets(Stretch(noon, None))
    assert not Stretch(None, noon).meets(Stretch(noon + SECOND, None))
    assert not Stretch(noon + SECOND, None).meets(Stretch(None, noon))
    assert Stretch().meets(Stretch(noon, noon))

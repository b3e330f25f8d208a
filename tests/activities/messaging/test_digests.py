"""Messages of a digest wait for the others of their period."""

from datetime import timedelta

import pytest

from activities.messaging.channels import Channel
from activities.messaging.digests import digest_due, period_end
from aftersale.times import SECOND, parse_instant
from aftersale.vocabulary import MessageEvent, Party
from tests.support.drawing import message

HOURLY = Channel("json://127.0.0.1:1/?aftersale-digest=PT1H")
OWED_AT = parse_instant("2024-02-01T10:20:00+08:00")
DUE = parse_instant("2024-02-01T11:00:01+08:00")


@pytest.mark.parametrize(
    ("length", "instant", "end"),
    [
        ("PT1H", "2024-02-01T10:00:00", "2024-02-01T11:00:00"),
        ("PT1H", "2024-02-01T10:59:59", "2024-02-01T11:00:00"),
        ("PT1H", "2024-02-01T11:00:00", "2024-02-01T12:00:00"),
        ("P1D", "2024-02-01T23:59:59", "2024-02-02T00:00:00"),
        ("P1D", "2024-02-02T00:00:00", "2024-02-03T00:00:00"),
        ("P7D", "2024-02-04T23:59:59", "2024-02-05T00:00:00"),  # a Sunday; weeks begin on a Monday
        ("PT8H", "2024-02-01T08:00:00", "2024-02-01T16:00:00"),
    ],
)
def test_periods_are_full_multiples_by_the_policys_clocks(length: str, instant: str, end: str) -> None:
    channel = Channel(f"json://127.0.0.1:1/?aftersale-digest={length}")
    assert channel.digest is not None
    assert period_end(parse_instant(instant), channel.digest) == parse_instant(end)


def test_a_message_waits_until_just_after_its_periods_end() -> None:
    assert digest_due(HOURLY, message("C-1", 1), OWED_AT, SECOND) == DUE
    assert digest_due(HOURLY, message("C-1", 1), OWED_AT + timedelta(minutes=40), SECOND) == DUE + timedelta(hours=1)


def test_nothing_waits_past_its_own_deadline() -> None:
    assert digest_due(HOURLY, message("C-1", 1, respond_by=DUE), OWED_AT, SECOND) is None
    assert digest_due(HOURLY, message("C-1", 1, respond_by=DUE + SECOND), OWED_AT, SECOND) == DUE


def test_an_alert_does_not_wait() -> None:
    alert = message("C-1", 1, to=Party.PLATFORM, event=MessageEvent.ALERT)
    assert digest_due(HOURLY, alert, OWED_AT, SECOND) is None


def test_a_channel_without_a_digest_lets_nothing_wait() -> None:
    assert digest_due(Channel("json://127.0.0.1:1/"), message("C-1", 1), OWED_AT, SECOND) is None

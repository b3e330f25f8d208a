"""The outbox: every message at least once, to one messenger at a time, under one id."""

from datetime import timedelta

from aftersale.records import Backlog, Records
from aftersale.times import SECOND
from tests.records.drawing import HOUR, NOW, line, owed, turn

LEASE = timedelta(seconds=30)


def leased(kept: Records, owner: str, limit: int = 10, now: object = NOW) -> list[str]:
    assert isinstance(now, type(NOW))
    return [each.message.message_id for each in kept.lease(owner, limit, now, LEASE)]


def test_a_leased_message_is_one_messengers_until_the_lease_ends(kept: Records) -> None:
    kept.write(line("C-1", 3), now=NOW)
    assert leased(kept, "a", limit=2) == ["C-1/1", "C-1/2"]
    assert leased(kept, "b") == ["C-1/3"]
    assert leased(kept, "b", now=NOW + LEASE - SECOND) == []
    assert leased(kept, "c", now=NOW + LEASE) == ["C-1/1", "C-1/2", "C-1/3"]


def test_the_longest_due_goes_first(kept: Records) -> None:
    kept.write(line("C-2", 1), now=NOW + SECOND)
    kept.write(line("C-1", 11), now=NOW)
    assert leased(kept, "a", limit=20, now=NOW + SECOND) == [*(f"C-1/{number}" for number in range(1, 12)), "C-2/1"]


def test_a_sent_message_is_not_due_again(kept: Records) -> None:
    kept.write(line("C-1", 1), now=NOW)
    leased(kept, "a")
    kept.sent("C-1/1", NOW)
    assert owed(kept, NOW + HOUR) == {}


def test_a_failed_message_is_due_again_when_it_was_told_to_be(kept: Records) -> None:
    kept.write(line("C-1", 1), now=NOW)
    leased(kept, "a")
    kept.failed("C-1/1", "a", "no answer", NOW, NOW + HOUR)
    assert leased(kept, "a", now=NOW + HOUR - SECOND) == []
    [again] = kept.lease("b", 1, NOW + HOUR, LEASE)
    assert again.attempts == 2


def test_a_messenger_that_comes_too_late_does_not_take_a_message_from_the_next_one(kept: Records) -> None:
    kept.write(line("C-1", 1), now=NOW)
    leased(kept, "slow")
    leased(kept, "next", now=NOW + LEASE)
    kept.failed("C-1/1", "slow", "no answer", NOW + LEASE, NOW + LEASE)
    assert leased(kept, "third", now=NOW + LEASE) == []


def test_what_a_messenger_gives_back_is_due_at_once(kept: Records) -> None:
    kept.write(line("C-1", 2), now=NOW)
    leased(kept, "a")
    assert kept.release("a") == 2
    assert leased(kept, "b") == ["C-1/1", "C-1/2"]
    assert kept.release("a") == 0


def test_a_channel_that_took_a_message_is_named_to_the_next_messenger(kept: Records) -> None:
    kept.write(line("C-1", 2), now=NOW)
    leased(kept, "a")
    kept.delivered("C-1/1", "dingtalk-1", NOW)
    kept.failed("C-1/1", "a", "x" * 9000 + "\0", NOW, NOW, channel="mail")
    kept.failed("C-1/2", "a", "no\0answer", NOW, NOW, channel="mail")
    first, second = kept.lease("b", 10, NOW, LEASE)
    assert [first.delivered, second.delivered] == [frozenset({"dingtalk-1"}), frozenset()]
    kept.failed("C-1/1", "b", "again", NOW, NOW, channel="dingtalk-1")
    assert kept.lease("c", 1, NOW, LEASE)[0].delivered == {"dingtalk-1"}


def test_the_backlog_counts_what_waits_and_since_when(kept: Records) -> None:
    assert kept.backlog(NOW) == Backlog(pending=0, sent=0, withdrawn=0, leased=0, oldest=None)
    kept.write(line("C-1", 3), now=NOW)
    kept.write([turn("C-2", 1)], now=NOW)
    leased(kept, "a", limit=2)
    kept.sent("C-1/1", NOW)
    assert kept.backlog(NOW) == Backlog(pending=2, sent=1, withdrawn=0, leased=1, oldest=NOW)

"""The outbox: every message at least once, to one messenger at a time, under one id."""

from datetime import timedelta

from aftersale.records import Backlog, Records, Report
from aftersale.records.tables import outbox
from aftersale.times import SECOND
from tests.support.drawing import HOUR, NOW, line, owed, turn

LEASE = timedelta(seconds=30)


def leased(kept: Records, owner: str, limit: int = 10, now: object = NOW) -> list[str]:
    assert isinstance(now, type(NOW))
    return [each.message.message_id for each in kept.outbox.lease(owner, limit, now, LEASE)]


def test_a_leased_message_is_one_messengers_until_the_lease_ends(kept: Records) -> None:
    kept.turns.write(line("C-1", 3), now=NOW)
    assert leased(kept, "a", limit=2) == ["C-1/1", "C-1/2"]
    assert leased(kept, "b") == ["C-1/3"]
    assert leased(kept, "b", now=NOW + LEASE - SECOND) == []
    assert leased(kept, "c", now=NOW + LEASE) == ["C-1/1", "C-1/2", "C-1/3"]


def test_a_renewed_lease_counts_from_its_renewal_and_takes_nothing_back_from_the_next(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    leased(kept, "a")
    assert kept.outbox.renew("a", NOW + LEASE - SECOND, LEASE) == {"C-1/1", "C-1/2"}
    assert leased(kept, "b", now=NOW + 2 * LEASE - 2 * SECOND) == []
    assert leased(kept, "b", limit=1, now=NOW + 2 * LEASE - SECOND) == ["C-1/1"]
    assert kept.outbox.renew("a", NOW + 2 * LEASE, LEASE) == {"C-1/2"}
    assert kept.outbox.renew("b", NOW + 2 * LEASE, LEASE) == {"C-1/1"}


def test_the_longest_due_goes_first(kept: Records) -> None:
    kept.turns.write(line("C-2", 1), now=NOW + SECOND)
    kept.turns.write(line("C-1", 11), now=NOW)
    assert leased(kept, "a", limit=20, now=NOW + SECOND) == [*(f"C-1/{number}" for number in range(1, 12)), "C-2/1"]


def test_a_sent_message_is_not_due_again(kept: Records) -> None:
    kept.turns.write(line("C-1", 1), now=NOW)
    leased(kept, "a")
    kept.outbox.report("a", [Report("C-1/1", ["mail"])], NOW)
    assert owed(kept, NOW + HOUR) == {}


def test_a_failed_message_is_due_again_when_it_was_told_to_be(kept: Records) -> None:
    kept.turns.write(line("C-1", 1), now=NOW)
    leased(kept, "a")
    kept.outbox.report("a", [Report("C-1/1", refused={"mail": "no answer"}, due=NOW + HOUR)], NOW)
    assert leased(kept, "a", now=NOW + HOUR - SECOND) == []
    [again] = kept.outbox.lease("b", 1, NOW + HOUR, LEASE)
    assert again.attempts == 2


def test_a_messenger_that_comes_too_late_does_not_take_a_message_from_the_next_one(kept: Records) -> None:
    kept.turns.write(line("C-1", 1), now=NOW)
    leased(kept, "slow")
    leased(kept, "next", now=NOW + LEASE)
    kept.outbox.report("slow", [Report("C-1/1", refused={"mail": "no answer"}, due=NOW)], NOW + LEASE)
    assert leased(kept, "third", now=NOW + LEASE) == []
    kept.outbox.report("slow", [Report("C-1/1", due=NOW)], NOW + LEASE)
    [again] = kept.outbox.lease("third", 1, NOW + 2 * LEASE, LEASE)
    assert again.attempts == 3


def test_a_messenger_that_comes_too_late_may_have_delivered_all_the_same(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    leased(kept, "slow", limit=1)
    leased(kept, "next", now=NOW + LEASE)
    kept.outbox.report("slow", [Report("C-1/1", ["mail"])], NOW + LEASE)
    assert kept.outbox.backlog(NOW + LEASE) == Backlog(pending=1, sent=1, withdrawn=0, leased=1, oldest=NOW)
    kept.outbox.report("next", [Report("C-1/1", ["mail"]), Report("C-1/2", ["mail"])], NOW + LEASE)
    assert kept.outbox.backlog(NOW + LEASE) == Backlog(pending=0, sent=2, withdrawn=0, leased=0, oldest=None)


def test_what_a_messenger_gives_back_is_due_at_once(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    leased(kept, "a")
    assert kept.outbox.release("a") == 2
    assert leased(kept, "b") == ["C-1/1", "C-1/2"]
    assert kept.outbox.release("a") == 0


def test_a_channel_that_took_a_message_is_named_to_the_next_messenger(kept: Records) -> None:
    kept.turns.write(line("C-1", 2), now=NOW)
    leased(kept, "a")
    half = Report("C-1/1", ["dingtalk-1"], {"mail": "x" * 9000 + "\0"}, NOW)
    kept.outbox.report("a", [half, Report("C-1/2", refused={"mail": "no\0answer"}, due=NOW)], NOW)
    first, second = kept.outbox.lease("b", 10, NOW, LEASE)
    assert [first.delivered, second.delivered] == [frozenset({"dingtalk-1"}), frozenset()]
    kept.outbox.report("b", [Report("C-1/1", refused={"dingtalk-1": "again"}, due=NOW)], NOW)
    assert kept.outbox.lease("c", 1, NOW, LEASE)[0].delivered == {"dingtalk-1"}


def test_a_lease_in_which_no_channel_was_tried_is_no_attempt(kept: Records) -> None:
    kept.turns.write(line("C-1", 1), now=NOW)
    for _ in range(3):
        [untried] = kept.outbox.lease("a", 1, NOW, LEASE)
        assert untried.attempts == 1
        kept.outbox.report("a", [Report("C-1/1", due=NOW)], NOW)


def test_messages_put_off_under_one_word_are_leased_together_beyond_the_limit(kept: Records) -> None:
    kept.turns.write(line("C-1", 4), now=NOW)
    leased(kept, "a")
    due = {"C-1/1": NOW + SECOND, "C-1/2": NOW, "C-1/3": NOW, "C-1/4": NOW}
    put_off = [Report(number, due=at, together="M-7" if number != "C-1/3" else None) for number, at in due.items()]
    kept.outbox.report("a", put_off, NOW)
    found = kept.outbox.lease("b", 1, NOW, LEASE)
    assert [(each.message.message_id, each.together) for each in found] == [("C-1/2", "M-7"), ("C-1/4", "M-7")]
    assert [each.owed_at for each in found] == [NOW, NOW]
    assert leased(kept, "c", now=NOW + SECOND) == ["C-1/3", "C-1/1"]


def test_a_message_that_only_a_later_version_can_read_keeps_no_other_waiting(kept: Records) -> None:
    kept.turns.write(line("C-1", 3), now=NOW)
    with kept.transactions.engine.begin() as connection:
        connection.execute(outbox.update().where(outbox.c.message_id == "C-1/1").values(content='{"mood": "new"}'))
    assert leased(kept, "a") == ["C-1/2", "C-1/3"]
    assert kept.outbox.backlog(NOW).pending == 3
    assert leased(kept, "a") == []


def test_the_backlog_counts_what_waits_and_since_when(kept: Records) -> None:
    assert kept.outbox.backlog(NOW) == Backlog(pending=0, sent=0, withdrawn=0, leased=0, oldest=None)
    kept.turns.write(line("C-1", 3), now=NOW)
    kept.turns.write([turn("C-2", 1)], now=NOW)
    leased(kept, "a", limit=2)
    kept.outbox.report("a", [Report("C-1/1")], NOW)
    assert kept.outbox.backlog(NOW) == Backlog(pending=2, sent=1, withdrawn=0, leased=1, oldest=NOW)

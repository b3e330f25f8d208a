"""Four workers on one database: nobody is told that it is locked, and every case's rows are gapless."""

from collections import Counter

from aftersale import records
from aftersale.records import Records
from tests.support.drawing import NOW, line
from tests.support.hands import Hands, deliver, write_cases, write_one_case

PROCESSES, CASES, TURNS, THREADS = 4, 40, 5, 8


def test_four_processes_write_many_cases_and_every_case_is_gapless(url: str, hands: Hands) -> None:
    written = hands.at_once(write_cases, [(url, hand, CASES, TURNS, THREADS) for hand in range(PROCESSES)])
    assert sum(written) == PROCESSES * CASES * TURNS
    with records.open(url) as kept:
        listed = kept.cases.find(limit=None)
        assert len(listed) == PROCESSES * CASES and {case.last_seq for case in listed} == {TURNS}
        for case in listed[::20]:
            assert [each.turn.seq for each in kept.turns.of(case.case_id, void=True)] == [*range(1, TURNS + 1)]
        assert kept.outbox.backlog(NOW).pending == PROCESSES * CASES * TURNS


def test_four_processes_write_the_same_turns_of_one_case_and_each_is_on_file_once(url: str, hands: Hands) -> None:
    hands.at_once(write_one_case, [(url, hand, 20) for hand in range(PROCESSES)])
    with records.open(url) as kept:
        assert [each.turn for each in kept.turns.of("C-1", void=True)] == line("C-1", 20)


def test_four_messengers_share_the_outbox_and_none_gets_what_another_has(url: str, kept: Records, hands: Hands) -> None:
    for number in range(40):
        kept.turns.write(line(f"C-{number}", 3), now=NOW)
    taken = hands.at_once(deliver, [(url, f"messenger-{hand}") for hand in range(PROCESSES)])
    assert Counter(each for share in taken for each in share) == {
        f"C-{number}/{seq}": 1 for number in range(40) for seq in (1, 2, 3)
    }

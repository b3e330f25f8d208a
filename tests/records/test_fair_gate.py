"""The gate before a process's writers: the first to come is the first to go."""

import threading
import time

import pytest

from aftersale.records.fair_gate import FairSemaphore, GateShut


def test_threads_pass_in_the_order_in_which_they_came() -> None:
    gate, passed = FairSemaphore(1, 5), list[int]()

    def pass_as(number: int) -> None:
        with gate.place():
            passed.append(number)

    threads = [threading.Thread(target=pass_as, args=(number,)) for number in range(8)]
    with gate.place():
        for number, thread in enumerate(threads):
            thread.start()
            while len(gate._queue) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert passed == [*range(8)]


def test_a_gate_lets_as_many_through_as_it_is_wide() -> None:
    gate = FairSemaphore(2, 0.05)
    with gate.place(), gate.place(), pytest.raises(GateShut), gate.place():
        pass
    with gate.place(), gate.place():
        pass


def test_who_gave_up_waiting_leaves_no_place_behind() -> None:
    gate = FairSemaphore(1, 0.05)
    for _ in range(3):
        with gate.place(), pytest.raises(GateShut), gate.place():
            pass
    with gate.place():
        pass


def test_an_error_inside_gives_the_place_back() -> None:
    gate = FairSemaphore(1, 0.05)
    with pytest.raises(KeyError), gate.place():
        raise KeyError
    with gate.place():
        pass

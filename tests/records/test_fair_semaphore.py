"""The semaphore of a process's writers: the first to come is the first to go."""

import threading
import time

import pytest

from aftersale.records.fair_semaphore import FairSemaphore, NoPlaceFree


def test_threads_pass_in_the_order_in_which_they_came() -> None:
    semaphore, passed = FairSemaphore(1, 5), list[int]()

    def pass_as(number: int) -> None:
        with semaphore.place():
            passed.append(number)

    threads = [threading.Thread(target=pass_as, args=(number,)) for number in range(8)]
    with semaphore.place():
        for number, thread in enumerate(threads):
            thread.start()
            while len(semaphore._queue) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert passed == [*range(8)]


def test_a_gate_lets_as_many_through_as_it_is_wide() -> None:
    semaphore = FairSemaphore(2, 0.05)
    with semaphore.place(), semaphore.place(), pytest.raises(NoPlaceFree), semaphore.place():
        pass
    with semaphore.place(), semaphore.place():
        pass


def test_who_gave_up_waiting_leaves_no_place_behind() -> None:
    semaphore = FairSemaphore(1, 0.05)
    for _ in range(3):
        with semaphore.place(), pytest.raises(NoPlaceFree), semaphore.place():
            pass
    with semaphore.place():
        pass


def test_an_error_inside_gives_the_place_back() -> None:
    semaphore = FairSemaphore(1, 0.05)
    with pytest.raises(KeyError), semaphore.place():
        raise KeyError
    with semaphore.place():
        pass

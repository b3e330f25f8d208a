"""Faults are drawn from a seed, and messages that came through are counted one by one."""

from collections import Counter
from random import Random

from chaos.disturbances import fault_of_a_service
from chaos.gathering import arrived
from trial.platform.faults import Fault


def test_whatever_is_drawn_the_stand_in_platform_knows_how_to_do() -> None:
    drawn = [Fault.model_validate(fault_of_a_service(Random(seed))) for seed in range(500)]
    assert {fault.fault for fault in drawn} == {"lose_answer", "slow", "reset", "status", "decline"}
    assert {"/refunds", "/refunds/", "/clawbacks", "/inbox"} < {fault.path for fault in drawn}


def test_one_seed_draws_the_same_faults_again() -> None:
    first, second = Random(7), Random(7)
    assert [fault_of_a_service(first) for _ in range(50)] == [fault_of_a_service(second) for _ in range(50)]


def test_messages_that_came_together_count_one_by_one() -> None:
    alone = {"message_id": "m-1", "message": "approved", "deliveries": 2}
    together = {"message_ids": "m-1,m-2", "message_id": None, "message": "two things", "deliveries": 1}
    assert arrived([alone, together]) == Counter({"m-1": 3, "m-2": 1})

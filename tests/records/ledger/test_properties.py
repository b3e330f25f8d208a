"""Whatever cases do to an order, in whatever order: no fen is refunded twice, and none is unaccounted for."""

from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersale.records import Records
from aftersale.vocabulary import CaseKind
from tests.support.bookkeeping import claim, declined, instruction, line, paid
from tests.support.drawing import NOW

_numbers = count(1)

on_both = settings(
    max_examples=30,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)

STEPS = ("open", "refund", "pay", "decline", "claw back", "release")
Step = tuple[str, int, int]
"""What is done, to which of three cases, about how much."""

lives = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(1, 1200)), min_size=5, max_size=30)
LINES = (line("L1", 1000, cash=601, points=399),)


class Lives:
    """Three cases of one order, and the instructions of theirs that are not settled yet."""

    def __init__(self, kept: Records) -> None:
        """Nothing has happened to a new order."""
        self.ledger, self.order_id = kept.ledger, f"O-{next(_numbers)}"
        self.pending: list[list[str]] = [[], [], []]
        self.numbers = count(1)

    def take(self, step: Step) -> None:
        """Take a step; the ledger may refuse it."""
        what, case, amount = step
        case_id, kind = f"{self.order_id}-{case}", list(CaseKind)[case]
        if what == "open":
            wanted = claim(case_id, amount, kind=kind, lines=LINES, order_id=self.order_id)
            self.ledger.reserve(wanted, 100, NOW)
        elif what in ("refund", "claw back"):
            purpose = "refund" if what == "refund" else "clawback"
            given_ = instruction(case_id, amount, next(self.numbers), purpose=purpose, order_id=self.order_id)
            send = self.ledger.instruct if what == "refund" else self.ledger.clawback
            if send(given_, NOW).settlement is None:
                self.pending[case].append(given_.key)
        elif what == "release":
            self.ledger.release(case_id, NOW)
        elif self.pending[case]:
            key = self.pending[case].pop(0)
            self.ledger.settle(paid(key) if what == "pay" else declined(key), 1, amount % 2 == 0, NOW)


@on_both
@given(lives)
def test_of_what_was_paid_all_is_accounted_for_after_every_step(kept: Records, steps: list[Step]) -> None:
    order = Lives(kept)
    for step in steps:
        order.take(step)
        books = kept.ledger.order_books(order.order_id)
        for each in books.lines if books else ():
            parts = (each.reserved_minor, each.processing_minor, each.settled_minor, each.left_minor)
            assert min(parts) >= 0 and sum(parts) == each.paid_minor == 1000, (step, parts)
            assert sum(each.tenders_left.values()) == 1000 - each.processing_minor - each.settled_minor
            assert all(left >= 0 for left in each.tenders_left.values())
    assert kept.ledger.check() == []

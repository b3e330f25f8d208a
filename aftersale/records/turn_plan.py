"""Plan which turns to write, given those on file, by the one rule that history is the truth. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from aftersale.case.turn import Turn, digest
from aftersale.records.errors import RecordsGap
from aftersale.vocabulary import CloseReason


class TurnMark(NamedTuple):
    """How a turn on file is known: what it says, and which attempt at a workflow task drew it."""

    digest: str
    run_id: str
    history_length: int
    at: datetime

    @classmethod
    def of(cls, turn: Turn) -> "TurnMark":
        """Return the mark of a turn."""
        return cls(digest(turn), turn.run_id, turn.history_length, turn.at)

    def outlives(self, other: "TurnMark") -> bool:
        """Tell whether the attempt that drew the other was abandoned before the one that drew this.

        Attempts of one run are told by the length of the history that they saw; those of different runs (a reset makes
        a new one) by time alone.
        """
        if self.run_id == other.run_id:
            return (self.history_length, self.at) > (other.history_length, other.at)
        return self.at > other.at


def _intrudes(turn: Turn, before: TurnMark) -> bool:
    """Tell whether a refused request comes under another run's id: it opened nothing, and takes nobody's place."""
    return turn.status.close_reason is CloseReason.REFUSED and turn.run_id != before.run_id


class WritePlan(NamedTuple):
    """What to do about a case: void its turns from `void_from` on, if it is given, then write `new`."""

    void_from: int | None
    new: tuple[tuple[Turn, TurnMark], ...]


def plan_writes(case_id: str, on_file: Mapping[int, TurnMark], turns: Sequence[Turn]) -> WritePlan:
    """Plan what to do so that the file holds these turns of a case, given in order.

    `on_file` has the marks of the turns that hold, from the one before the first given. A turn on file is left alone. A
    differing one takes its place, and voids all that follow: history having another turn n, the attempt that drew the
    one on file was abandoned, and with it everything that it drew later. A turn of an attempt that was itself abandoned
    before (a worker that was frozen and writes on) is dropped, with what follows it; so is a refused request under an
    id that another run has.

    Raises RecordsGap where a turn before the given ones is missing.
    """
    holding = dict(on_file)
    void_from: int | None = None
    new: list[tuple[Turn, TurnMark]] = []
    for turn in turns:
        last = max(holding, default=0)
        mark, rival = TurnMark.of(turn), holding.get(turn.seq)
        if rival is not None and rival.digest == mark.digest:
            continue
        before = rival or holding.get(last)
        if before is not None and (before.outlives(mark) or _intrudes(turn, before)):
            break
        if turn.seq > last + 1:
            raise RecordsGap(case_id, last, turn.seq)
        if rival is not None:
            void_from = turn.seq
            holding = {seq: kept for seq, kept in holding.items() if seq < turn.seq}
        holding[turn.seq] = mark
        new.append((turn, mark))
    return WritePlan(void_from, tuple(new))

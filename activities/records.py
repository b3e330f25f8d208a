"""Write the records, as an activity: in-house and quick, on a thread of its own since databases block."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import present
from aftersale.case.corrections import CorrectionTaken, LateFact, correction_turn, freight_turn
from aftersale.case.turn import Turn
from aftersale.contract.status import Status
from aftersale.errors import BadInput
from aftersale.guarantees.freight_insurance import FreightEnd
from aftersale.records import Records, RecordsGap
from aftersale.times import floor
from aftersale.watch.messages import Finding


class Recording:
    """The records as activities."""

    def __init__(self, records: Records) -> None:
        self._records = records

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        """All of them, for a worker."""
        return [self.record, self.correct, self.note_insurance, self.keep_violation]

    # A time limit must not raise in the midst of a transaction: the database has limits of its own.
    @activity.defn(name="record", no_thread_cancel_exception=True)
    def record(self, turns: list[Turn]) -> int:
        """Write turns of one case, in ascending order; the number of the last turn that the records hold.

        Where they miss turns before the given ones, as a database restored from a backup does, nothing is written, and
        the answer says how far they go. Raises RecordsUnavailable, retryable, where the database does not answer.
        """
        try:
            self._records.turns.write(turns, now=present.now())
        except RecordsGap as gap:
            return gap.last_seq
        return turns[-1].seq

    @activity.defn(name="correct", no_thread_cancel_exception=True)
    def correct(self, fact: LateFact) -> CorrectionTaken:
        """Add a late fact to the record of its case, once; the answer says why where it is not taken.

        Raises RecordsUnavailable, retryable, where the database does not answer.
        """
        run_id, now = activity.info().workflow_run_id or "", floor(present.now())
        own = None
        with suppress(BadInput):  # what no case could read is refused below, with all that is wrong with it
            own = fact.fingerprint
        try:
            entry = self._records.turns.append(
                fact.case_id,
                fact.entry_in,
                lambda last, over: correction_turn(fact, last, over, now, run_id),
                now=now,
            )
        except BadInput as error:
            return CorrectionTaken(problems=error.problems, fingerprint=own)
        if entry.fingerprint not in (None, own):
            return CorrectionTaken(problems=(fact.conflict,), fingerprint=own)
        return CorrectionTaken(entry=entry, fingerprint=own)

    @activity.defn(name="violated", no_thread_cancel_exception=True)
    def keep_violation(self, finding: Finding) -> None:
        """Keep a violation of a shipment as it stands now, and owe its messages; repeatable."""
        self._records.violations.keep(finding, now=present.now())

    @activity.defn(name="insured", no_thread_cancel_exception=True)
    def note_insurance(self, end: FreightEnd) -> None:
        """Add the end of a freight claim to the record of its case, once; retryable until the case has ended."""
        run_id, now = activity.info().workflow_run_id or "", floor(present.now())
        case_id = end.claim.case_id

        def draw(last: Turn, over: Status) -> Turn:
            if not over.is_final:
                raise ApplicationError(f"case {case_id} has not ended yet", type="case_open")
            return freight_turn(end.answer, last, now, run_id)

        self._records.turns.append(case_id, lambda turn: turn.entry_owing(f"{case_id}/insurance"), draw, now=now)

"""Writing the records, as an activity: in-house and quick, on a thread of its own since databases block."""

from temporalio import activity

from aftersale.records import Records, RecordsGap
from aftersale.turns import Turn


class Recording:
    """The records as activities."""

    def __init__(self, records: Records) -> None:
        """Write to these records."""
        self._records = records

    # A time limit must not raise in the midst of a transaction: the database has limits of its own.
    @activity.defn(no_thread_cancel_exception=True)
    def record(self, turns: list[Turn]) -> int:
        """Write turns of one case, in ascending order; the number of the last turn that the records hold.

        Where they miss turns before the given ones, as a database restored from a backup does, nothing is written, and
        the answer says how far they go. Raises RecordsUnavailable, retryable, where the database does not answer.
        """
        try:
            self._records.write(turns)
        except RecordsGap as gap:
            return gap.last_seq
        return turns[-1].seq

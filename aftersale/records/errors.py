"""Errors between a case and its records."""

from aftersale.errors import AftersaleError


class RecordsUnavailable(AftersaleError):
    """The database did not do what it was asked, and may later; the message says which database and what to look at.

    It never holds a password. What was asked has not been done, or, where the connection broke at its very end, may
    have been: every write can be repeated.
    """


class RecordsOutdated(RecordsUnavailable):
    """The database has no tables, or older ones than this version reads and writes."""


class RecordsNewer(RecordsUnavailable):
    """A later version has set the database up: this one does not know its tables."""


class RecordsGap(AftersaleError):
    """A turn was written before the one that comes before it. `case_id` has its turns up to `last_seq`."""

    def __init__(self, case_id: str, last_seq: int, seq: int) -> None:
        """Say from where on to write."""
        self.case_id, self.last_seq = case_id, last_seq
        super().__init__(
            f"turn {seq} of case {case_id} cannot be written: its records end with turn {last_seq}; "
            f"write its turns from {last_seq + 1} on, in order"
        )


class WordAwaited(AftersaleError):
    """An instruction that may have been sent must not be sent now; what became of it the payment service alone says."""


class LedgerFault(AftersaleError):
    """The ledger was told what contradicts its books: a mistake of the caller's, which asking again does not mend."""

"""The revisions of the policy book that a case or a watch was told of, and which of them has answered. Pure memory."""

MOST_REVISION = 10_000
"""More publications than any book has. A number beyond is a mistake: a case that believed it would wait for ever."""


class Revisions:
    """What was published, as far as one workflow knows; a revision is what a question waits for."""

    def __init__(self) -> None:
        """Any book will do."""
        self._told = {0}
        self.last_answered = 0

    @property
    def newest(self) -> int:
        """The newest revision that was told; 0 where none was."""
        return max(self._told)

    def note(self, revision: int) -> bool:
        """Keep a revision that was told; return whether it is newer than all before."""
        newest = self.newest
        self._told.add(revision)
        return revision > newest

    def forget(self, revision: int) -> None:
        """Forget one that was announced by mistake; one that has answered was published after all, and stays."""
        if revision > self.last_answered:
            self._told.discard(revision)

    def still_wants(self, revision: int) -> bool:
        """Return whether an answer of that revision is wanted still; not once it was withdrawn."""
        return revision <= self.newest

    def note_answer(self, revision: int) -> None:
        """Note that a book of that revision has answered."""
        self.last_answered = max(self.last_answered, revision)

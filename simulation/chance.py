"""Chance by seed: what is drawn, and which fault happens where one may."""

from collections import Counter
from collections.abc import Collection, Sequence
from enum import Enum
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Fault(Enum):
    """What may go wrong around a workflow, in words, with how often it does where it may."""

    AWAY = "no worker takes the case up for a while", 0.06
    EVICTION = "the case leaves the worker's memory, and is replayed when it is needed again", 0.05
    DEATH = "the worker dies after the task's local activities ran, before the task is completed", 0.03
    RENEWAL = "the task is renewed while a local activity runs, and brings what came meanwhile", 0.05
    RUNS_AHEAD = "a query comes as a task is to start, and brings its events at the time of the task before", 0.3
    LOCAL_FAILS = "records or policy book give a local activity no answer", 0.03
    LOCAL_LOST = "a local activity did its work, and its answer came too late", 0.03
    FAILS = "an activity fails before it has done anything", 0.05
    LOST = "an activity did its work, and its answer did not arrive", 0.05
    HIDDEN = "an activity that nobody waits for any more does its work all the same", 0.5
    OLD_BOOK = "a worker with an older policy book is asked", 0.3
    SERVICE_FAILS = "a service outside fails before it has done anything", 0.05
    SERVICE_LATE = "a service outside does its work after its caller has given up", 0.03
    SERVICE_CUTS = "a service outside did its work, and the connection is cut instead of an answer", 0.05
    SERVICE_DECLINES = "a service outside declines", 0.08
    SERVICE_GARBLES = "a service outside answers what cannot be read", 0.03
    SERVICE_MISTAKES = "a service outside answers about another key", 0.04
    SERVICE_REPEATS = "a service outside is reached twice by one request", 0.05
    SERVICE_ADDS = "services outside answer with a field that nobody knows, always", 0.05
    SERVICE_CHATTERS = "a service outside answers with far too many words", 0.5

    def __init__(self, words: str, often: float) -> None:
        """Keep the words and the probability."""
        self.words, self.often = words, often


class Chance:
    """Draws by one seed. `faults` are those that may happen; `happened` counts them by name."""

    def __init__(self, seed: int, faults: Collection[Fault], happened: Counter[str] | None = None) -> None:
        """Begin to draw."""
        self._random, self._faults = Random(seed), frozenset(faults)
        self.happened = happened if happened is not None else Counter()

    def reseed(self, seed: int) -> None:
        """Draw by another seed from now on, so that what a step draws does not depend on the steps before it."""
        self._random = Random(seed)

    def happens(self, fault: Fault, often: float | None = None) -> bool:
        """Say whether a fault happens here."""
        drawn = self._random.random() < (fault.often if often is None else often)
        if drawn and fault in self._faults:
            self.happened[fault.name] += 1
            return True
        return False

    def pick(self, among: Sequence[T]) -> T:
        """Return one of several."""
        return self._random.choice(among)

    def between(self, least: int, most: int) -> int:
        """Return a whole number, both ends included."""
        return self._random.randint(least, most)

    def one_in(self, times: int) -> bool:
        """Say yes once in so many times."""
        return self._random.randrange(times) == 0


class Calm(Chance):
    """Nothing goes wrong, nothing takes time, and what may be either is the first."""

    def __init__(self) -> None:
        """Draw nothing."""
        super().__init__(0, ())

    def pick(self, among: Sequence[T]) -> T:
        """Return the first of several."""
        return among[0]

    def between(self, least: int, most: int) -> int:
        """Return the least whole number."""
        return least

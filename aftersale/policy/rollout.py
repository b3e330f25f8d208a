"""The rollout of a policy book to the cases that run: what is asked for, and how far it has come. Pure."""

import re
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from aftersale.policy.revisions import MOST_REVISION
from aftersale.schema import Instant, Schema
from aftersale.times import local

POLICY_ROLLOUT: Final = "PolicyRollout"
"""The workflow type."""

Revision = Annotated[StrictInt, Field(ge=1, le=MOST_REVISION)]
"""How many times the policy book was published (R14)."""

Count = Annotated[StrictInt, Field(ge=0)]

LONGEST_BATCH = 600
"""Seconds that a batch may take: whoever stops a rollout waits for the batch in hand."""


def workflow_id(revision: int) -> str:
    """Return the id of a revision's rollout: there is one."""
    return f"rollout/{revision}"


def revision_of(id_: str) -> int | None:
    """Return the revision that the rollout of this id is for; None for another workflow's id."""
    prefix, _, number = id_.partition("/")
    return int(number) if prefix == "rollout" and number.isdecimal() else None


class Pace(Schema):
    """How fast cases are told: so many in a second, in batches of so many; with more errors than that it halts."""

    rate: Annotated[StrictInt, Field(ge=1, le=1000)] = 20
    batch: Annotated[StrictInt, Field(ge=1, le=10_000)] = 200
    most_errors: Count = 20

    @model_validator(mode="after")
    def _a_batch_ends(self) -> Self:
        if self.batch > self.rate * LONGEST_BATCH:
            most = self.rate * LONGEST_BATCH
            raise ValueError(f"batch takes more than ten minutes at that rate; write {most} at most, or a higher rate")
        return self


class Step(StrEnum):
    """The steps of a rollout, in their order; the last two are ends."""

    words: str

    WORKERS = "workers", "waits until every worker has the book"
    RECORDS = "records", "tells the cases that the records know"
    WORKERS_AGAIN = "workers_again", "makes sure that every worker has the book still"
    STRAYS = "strays", "tells dispatch watches, and the cases that the records do not know"
    NEWCOMERS = "newcomers", "tells the cases that were opened meanwhile"
    MISSED = "missed", "tries once more what failed"
    DONE = "done", "done"
    SUPERSEDED = "superseded", "superseded by a later revision"

    def __new__(cls, value: str, words: str) -> Self:
        """Return a member with the step in words."""
        member = str.__new__(cls, value)
        member._value_, member.words = value, words
        return member

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self in (Step.DONE, Step.SUPERSEDED)

    @property
    def following(self) -> "Step":
        """The step that comes after it in the course of things."""
        order = list(Step)
        return self if self.is_end else order[order.index(self) + 1]


class Missed(Schema):
    """A case that could not be told, and why."""

    case_id: str
    why: str


class Progress(Schema):
    """How far a rollout has come.

    `version` names the content of the book that it rolls out. `expected` counts the cases that were open when it
    began, `told` those that took the revision, `newcomers` those that came meanwhile, or so shortly before that they
    are told a second time, `gone` those that had ended. `after` is the place within the step. `halted` says why the
    rollout waits for somebody, `paused` that an operator wished so, `retrying` that what was missed comes next.
    """

    revision: Revision
    step: Step = Step.WORKERS
    paused: StrictBool = False
    halted: str | None = None
    retrying: StrictBool = False
    version: str | None = None
    workers: Count = 0
    began_at: Instant | None = None
    expected: Count = 0
    told: Count = 0
    newcomers: Count = 0
    gone: Count = 0
    missed: tuple[Missed, ...] = ()
    after: str = ""
    superseded_by: Revision | None = None
    pace: Pace = Pace()

    @property
    def waits(self) -> bool:
        """Whether it goes on only when somebody says so."""
        return self.paused or self.halted is not None


class RolloutInput(Schema):
    """The input of a rollout: which revision, how fast; `so_far` is where the run before had come to.

    `version` names the content that whoever publishes the revision means by it; absent, what the workers have counts.
    """

    revision: Revision
    version: str | None = None
    pace: Pace = Pace()
    so_far: Progress | None = None


class Readiness(Schema):
    """What was found before cases are told: no worker that can be seen has an older book."""

    version: str
    workers: Count
    open_cases: Count
    at: Instant


class Batch(Schema):
    """Some cases to tell: the page of a step that comes after a place, or those that were missed before."""

    revision: Revision
    step: Step
    rate: Annotated[StrictInt, Field(ge=1)]
    size: Annotated[StrictInt, Field(ge=1)]
    after: str = ""
    since: Instant | None = None
    again: tuple[str, ...] = ()


class Told(Schema):
    """What became of a batch. `after` is where the next one begins, None where the step is over."""

    told: Count = 0
    gone: Count = 0
    missed: tuple[Missed, ...] = ()
    after: str | None = None
    superseded_by: Revision | None = None


def is_other_book(version: str | None, wanted: str | None) -> bool:
    """Tell whether two names of a book, where both are known, are of two contents: workers leave out its spaces."""
    return bool(version and wanted) and "".join(str(version).split()) != "".join(str(wanted).split())


# How workers are known


_IDENTITY = re.compile(r" book-(\d+) (\S+) [0-9a-f]+$", re.ASCII)


def identity(host: str, process: int, revision: int, version: str, token: str) -> str:
    """Give the name under which a worker shows itself to the server: whoever lists workers sees which book each has."""
    return f"{process}@{host} book-{revision} {''.join(version.split())} {token}"


def book_of(name: str) -> tuple[int, str] | None:
    """Return the revision and version of the book that a worker of that name has; None where it does not say."""
    found = _IDENTITY.search(name)
    return (int(found[1]), found[2]) if found else None


# What operators see


def lines(progress: Progress) -> list[str]:
    """Say where a rollout stands, in words."""
    book = f"policy book {progress.version}" if progress.version else "policy book"
    said = [f"{book}, revision {progress.revision}: {_standing(progress)}"]
    if progress.began_at:
        came, gone, missed = progress.newcomers, progress.gone, len(progress.missed)
        said.append(f"{progress.told} told, {came} that came meanwhile, {gone} over by then, {missed} missed")
        began = local(progress.began_at)
        said.append(f"began {began}: {progress.expected} cases were open, on {progress.workers} workers")
    said += [f"missed {missed.case_id}: {missed.why}" for missed in progress.missed[:MOST_SHOWN]]
    return said


MOST_SHOWN = 10
"""How many missed cases are shown one by one."""


def _standing(progress: Progress) -> str:
    if progress.halted:
        return f"halted: {progress.halted}"
    if progress.step is Step.SUPERSEDED:
        return f"superseded by revision {progress.superseded_by}"
    return f"stopped while it {progress.step.words}" if progress.paused else progress.step.words

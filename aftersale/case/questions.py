"""The question by which a case asks the policy book for a deadline. Pure."""

from datetime import datetime
from typing import Any

from aftersale.case.case import Case
from aftersale.policy.facts import Question
from aftersale.vocabulary import Clock


def starting_question(case: Case, clock: Clock, started_at: datetime, as_of: datetime) -> Question:
    """Return the question that starts a clock of this case; facts are as they were at application (R6)."""
    facts = case.request.facts(case.kind, case.applied_at)
    known: dict[str, Any] = {name: getattr(facts, name) for name in facts.model_fields_set}
    if case.tier is not None:
        known["tier"] = case.tier
    if case.agreements.limits:
        known["agreed_limits"] = dict(case.agreements.limits)
    return Question(clock=clock, started_at=started_at, as_of=as_of, **known)

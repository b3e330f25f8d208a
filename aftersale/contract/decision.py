"""The decision on a claim: by a reviewer's command, or by the answer of the approvals service."""

from typing import Literal, Self

from pydantic import model_validator

from aftersale.money import Sum
from aftersale.schema import Code

Remedy = Literal["refund", "return"]
"""Whether a claim is paid at once, or once the goods are back."""


class Decided(Sum):
    """What is decided on a claim, and of one that is granted how it is paid, where a reviewer says so.

    That is the money, or the grade of the damage; and the remedy.
    """

    grade: Code | None = None
    remedy: Remedy | None = None
    decision: Literal["approve", "decline", "pending"] = "approve"

    @model_validator(mode="after")
    def _only_for_a_yes(self) -> Self:
        says_how = any(given is not None for given in (self.amount, self.lines, self.grade, self.remedy))
        if self.decision != "approve" and says_how:
            raise ValueError("says how to pay though nothing is approved; leave amount, lines, grade and remedy out")
        return self

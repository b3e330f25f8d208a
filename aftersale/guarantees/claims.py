"""Guarantee claims (保障赔付): what the policy says of one, what its reviewers are asked, how they answer. Pure."""

from typing import Literal

from aftersale.contract.decision import Decided, Remedy
from aftersale.contract.request import CaseRequest, Evidence, Item
from aftersale.errors import bad_input
from aftersale.guarantees.compensation import Award, MustBeStated, compensation, losses
from aftersale.money import Currency
from aftersale.policy.service_terms import Compensation
from aftersale.schema import Code, Id, Instant, MinorUnits, Note, Schema
from aftersale.vocabulary import ClaimType, Tier


class ClaimTerms(Schema):
    """What the version that was in force at the purchase (`edition`) says of a claim that is granted (S6, R14)."""

    edition: str
    compensation: Compensation
    remedies: tuple[Remedy, ...]

    def award(self, request: CaseRequest, decided: Decided | None = None) -> Award | MustBeStated:
        """Return what a granted claim pays by these terms and by what was decided; None: by the terms alone.

        Raises BadInput for an amount out of bounds, an unknown grade, and a remedy that the guarantee does not have.
        """
        said = decided or Decided()
        if said.remedy is not None and said.remedy not in self.remedies:
            message = f"is not what this guarantee brings; write {' or '.join(self.remedies)}"
            raise bad_input("remedy", message)
        currency = request.items[0].requested.currency
        lost, stated = losses(request), said.stated_minor
        award = compensation(self.compensation, lost, currency, grade=said.grade, stated_minor=stated)
        if isinstance(award, Award) and said.lines is not None:
            return award.model_copy(update={"lines": said.lines})
        return award

    def goods_back(self, decided: Decided | None) -> bool:
        """Tell whether the goods come back before anything is paid; undecided, what the guarantee names first."""
        return ((decided and decided.remedy) or self.remedies[0]) == "return"


class Filed(Schema):
    """A claim as it was filed, to be priced by the policy in force when the order was paid (R14)."""

    request: CaseRequest
    applied_at: Instant


class ClaimReview(Schema):
    """What the approvals service is asked, under a key that stays the same over retries."""

    key: str
    case_id: Id
    claim_type: ClaimType | None
    tier: Tier
    order_id: Id
    merchant_id: Id
    buyer_ref: Id
    reason_code: Code
    note: Note | None = None
    items: tuple[Item, ...]
    evidence: tuple[Evidence, ...] = ()
    terms: ClaimTerms
    most_minor: MinorUnits
    currency: Currency
    respond_by: Instant | None = None


class Approval(Decided):
    """The approvals service's answer: a decision, or that a person will decide, which comes as `decide_claim`."""

    key: str
    decision: Literal["approve", "decline", "pending"]
    note: Note | None = None

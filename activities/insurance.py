"""The insurer, called out to: what a return cost goes there, its decision comes back, however long that takes."""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import present
from activities.signed_http import Activities, OutsideService, ServiceLabels
from aftersale.guarantees.freight_insurance import FreightClaimInput, InsurerAnswer, InsurerRequest, insured_amount
from aftersale.vocabulary import Service as GuaranteeService

_LATER = timedelta(hours=1)
"""How long to wait before an insurer that has not decided is asked again."""


class Insurance(OutsideService):
    """Freight claims through an insurer that takes signed requests and answers each key alike.

    `POST /freight-claims` with an `Idempotency-Key` and a Standard Webhooks signature answers 200 and an
    `InsurerAnswer`. `amount` is the most that is claimed, by the policy; it is missing where nobody knows the cost.
    """

    labels = ServiceLabels(
        "insurer",
        "insurer",
        "is sent again",
        meaning="the freight insurer of returns",
        unset="its claims wait for one",
    )
    path = "freight-claims"

    @property
    def activities(self) -> Activities:
        """All of them, for a worker."""
        return [self.insure]

    @activity.defn(name="insure")
    async def insure(self, claim: FreightClaimInput) -> InsurerAnswer:
        """Ask for a decision. Whatever leaves it open is raised as a retryable ApplicationError."""
        if self._service is None:
            said = "no insurer is set; set AFTERSALE_INSURER_URL and AFTERSALE_INSURER_SECRET for the workers"
            raise ApplicationError(said, type="insurer_unset", next_retry_delay=_LATER)
        body = self._request(claim).model_dump_json(exclude_unset=True)
        decided = await self._service.answer(self.path, claim.key, body, InsurerAnswer)
        if decided.decision == "pending":
            raise ApplicationError("the insurer has not decided", type="insurer_pending", next_retry_delay=_LATER)
        return decided

    def _request(self, claim: FreightClaimInput) -> InsurerRequest:
        """Return the claim with the most that its cover comes to, by the version in force at the purchase."""
        if claim.cost is None:
            return InsurerRequest(key=claim.key, claim=claim)
        edition = self._book.services.at(GuaranteeService.FREIGHT_INSURANCE, claim.paid_at, present.now())
        cover = edition.settings.cover if edition else {}
        return InsurerRequest(key=claim.key, claim=claim, amount=insured_amount(cover, claim.cost))

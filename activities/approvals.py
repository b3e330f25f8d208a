"""The approvals service, called out to: a claim goes there, a decision comes back, now or through `decide_claim`."""

from temporalio import activity

from activities.signed_http import Activities, OutsideService, ServiceLabels
from aftersale.guarantees.claims import Approval, ClaimReview


class Approvals(OutsideService):
    """Reviews by a service that takes signed claims and answers each key alike, however often it is sent.

    `POST /claims` with an `Idempotency-Key` and a Standard Webhooks signature answers 200 and an `Approval`. One that
    is `pending` will be decided by a person, whose back end sends `decide_claim` to the case.
    """

    labels = ServiceLabels(
        "approvals",
        "approvals service",
        "is sent again",
        meaning="the approvals service of claims",
        unset="people decide",
    )
    path = "claims"

    @property
    def activities(self) -> Activities:
        """All of them, for a worker."""
        return [self.review]

    @activity.defn(name="approve")
    async def review(self, claim: ClaimReview) -> Approval:
        """Ask for a decision. Whatever leaves it open is raised as a retryable ApplicationError."""
        if self._service is None:
            return Approval(key=claim.key, decision="pending", note="no approvals service is set")
        return await self._service.answer(self.path, claim.key, claim.model_dump_json(exclude_defaults=True), Approval)

"""The approvals service, called out to: a claim goes there, a decision comes back, now or through `decide_claim`."""

import httpx
from temporalio import activity

from activities.signed_http import ServiceLabels, SignedService
from aftersale.guarantees.claims import Approval, ClaimReview

_MANNER = ServiceLabels("approvals", "approvals service", "is sent again")


class Approvals:
    """Reviews by a service that takes signed claims and answers each key alike, however often it is sent.

    `POST /claims` with an `Idempotency-Key` and a Standard Webhooks signature answers 200 and an `Approval`. One that
    is `pending` will be decided by a person, whose back end sends `decide_claim` to the case.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str | None, secret: str | None) -> None:
        """Call `base_url` through `http`; without one every claim is pending. Raises BadInput as `SignedService`."""
        self._service = SignedService(http, _MANNER, base_url, secret or "") if base_url else None

    @activity.defn(name="approve")
    async def review(self, claim: ClaimReview) -> Approval:
        """Ask for a decision. Whatever leaves it open is raised as a retryable ApplicationError."""
        if self._service is None:
            return Approval(key=claim.key, decision="pending", note="no approvals service is set")
        return await self._service.answer("claims", claim.key, claim.model_dump_json(exclude_defaults=True), Approval)

"""Make the request that a buyer's amendment asks for; whether it may be made is for the intake to say. Pure."""

from datetime import datetime

from aftersale.case.case import Case
from aftersale.case.intake import Application
from aftersale.contract.commands import Amend


def amendment(case: Case, act: Amend, now: datetime, owner: str) -> Application:
    """Return the request as the buyer would change it, to be judged as of the amendment: one attempt more."""
    order = {name: at for name in ("dispatched_at", "signed_for_at") if (at := getattr(act, name)) is not None}
    changes = {name: new for name in ("items", "reason_code") if (new := getattr(act, name)) is not None}
    # A claim that was ruled a return is one from then on: nothing becomes a claim again.
    changed = {**changes, "order": case.request.order.model_copy(update=order), "claim_type": None}
    return Application(
        kind=act.kind or case.kind,
        request=case.request.model_copy(update=changed),
        applied_at=act.occurred_at or now,
        now=now,
        owner=owner,
        attempt=case.attempts + 1,
    )

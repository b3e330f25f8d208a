"""Visibility of a workflow in the Temporal UI: current details for reading, search attributes for filtering."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from aftersale.case.ui import details
from aftersale.contract.markdown import escape
from aftersale.contract.request import CaseRequest
from aftersale.contract.status import Status
from aftersale.errors import Problem
from aftersale.vocabulary import CaseKind, CloseReason, State, WatchState
from aftersale.watch.status import WatchStatus
from aftersale.watch.ui import details as watch_details
from aftersale.watch.ui import respond_by

KIND = SearchAttributeKey.for_keyword("CaseKind")
STATE = SearchAttributeKey.for_keyword("CaseState")
MERCHANT = SearchAttributeKey.for_keyword("MerchantId")
ORDER = SearchAttributeKey.for_keyword("OrderId")
OUTCOME = SearchAttributeKey.for_keyword("CaseOutcome")
POLICY = SearchAttributeKey.for_keyword("PolicyVersion")
RESPOND_BY = SearchAttributeKey.for_datetime("RespondBy")
AMOUNT = SearchAttributeKey.for_int("AmountMinor")
ON_HOLD = SearchAttributeKey.for_bool("OnHold")


class Visibility:
    """Shows a case; an attribute is written only when it changed, all changes in one upsert."""

    def __init__(self) -> None:
        self._shown: dict[str, object] = {}

    def show(self, request: CaseRequest, standing: Status) -> None:
        """Show the case as it stands."""
        workflow.set_current_details(details(standing))
        self._write(_updates(request, standing))

    def show_watch(self, standing: WatchStatus) -> None:
        """Show a dispatch watch as it stands."""
        workflow.set_current_details(watch_details(standing))
        self._write(_watch_updates(standing))

    def _write(self, updates: Sequence[SearchAttributeUpdate[Any]]) -> None:
        changed = [update for update in updates if self._shown.get(update.key.name, ...) != update.value]
        if changed:
            workflow.upsert_search_attributes(changed)
            self._shown.update({update.key.name: update.value for update in changed})

    @staticmethod
    def show_refused_watch(problems: Sequence[Problem]) -> None:
        """Show why a request opened no watch."""
        workflow.set_current_details(_refusal(problems))
        workflow.upsert_search_attributes([STATE.value_set(WatchState.REFUSED.value)])

    @staticmethod
    def show_refusal(kind: CaseKind, problems: Sequence[Problem]) -> None:
        """Show why a request opened no case; nothing that it named is written, since it may be malformed."""
        workflow.set_current_details(_refusal(problems))
        ended = CloseReason.REFUSED.value
        workflow.upsert_search_attributes(
            [KIND.value_set(kind.value), STATE.value_set(State.CLOSED.value), OUTCOME.value_set(ended)]
        )


def _refusal(problems: Sequence[Problem]) -> str:
    return "\n".join(["## refused 不予受理", *(f"- {escape(str(each))}" for each in problems)])


def _watch_updates(standing: WatchStatus) -> list[SearchAttributeUpdate[Any]]:
    due = respond_by(standing)
    return [
        STATE.value_set(standing.state.value),
        RESPOND_BY.value_set(due) if due else RESPOND_BY.value_unset(),
        *([MERCHANT.value_set(standing.merchant_id)] if standing.merchant_id else []),
        *([ORDER.value_set(standing.order_id)] if standing.order_id else []),
        *([POLICY.value_set(standing.policy_version)] if standing.policy_version else []),
    ]


def _updates(request: CaseRequest, standing: Status) -> list[SearchAttributeUpdate[Any]]:
    ended = standing.outcome or standing.close_reason
    respond_by = standing.next.respond_by
    return [
        KIND.value_set(standing.kind.value),
        STATE.value_set(standing.state.value),
        MERCHANT.value_set(request.merchant_id),
        ORDER.value_set(request.order_id),
        AMOUNT.value_set(standing.refund.amount_minor),
        ON_HOLD.value_set(standing.held_since is not None),
        RESPOND_BY.value_set(respond_by) if respond_by else RESPOND_BY.value_unset(),
        *([POLICY.value_set(standing.policy_version)] if standing.policy_version else []),
        *([OUTCOME.value_set(ended.value)] if ended else []),
    ]

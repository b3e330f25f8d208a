"""Snapshots that a rule may read (R6): the order as it was bought, the case as it was filed."""

from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from aftersale import bounds
from aftersale.schema import Code, Duration, Hour, Instant, Limit, Schema
from aftersale.vocabulary import CaseKind, Clock, MerchantClass, SaleMode, Service, Tier


class MerchantDelay(Schema):
    """The dispatch delay that a merchant set for its own shop (S17): a limit from payment, or a fixed instant."""

    set_at: Instant
    limit: Limit | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "MerchantDelay":
        if (self.limit is None) == (self.until is None):
            raise ValueError("give either limit (P3D) or until (an instant), not both")
        return self


class OrderFacts(Schema):
    """What was true of the order when it was bought.

    `same_day_cut_off` is the merchant's own hour of same-day dispatch, where the service sets none for everybody (S2).
    """

    paid_at: Instant | None = None
    labels: Annotated[tuple[Code, ...], Field(max_length=bounds.FACTS)] = ()
    sale_mode: SaleMode = SaleMode.IN_STOCK
    merchant_class: MerchantClass = MerchantClass.SHOP
    shop_type: Code | None = None
    services: Annotated[tuple[Service, ...], Field(max_length=bounds.FACTS)] = ()
    categories: Annotated[tuple[Code, ...], Field(max_length=bounds.FACTS)] = ()
    dispatch_promise: Limit | None = None
    same_day_cut_off: Hour | None = None
    merchant_delay: MerchantDelay | None = None
    delay_cancelled_at: Instant | None = None
    region: Code | None = None
    carrier: Code | None = None


class Facts(Schema):
    """All that a rule may read, beside the clock and its start.

    `dispatched` is judged at application or amendment, and `applied_at` says when that was. `agreed_limits` holds what
    both parties sent, or the platform attested (R17). `extensions` and `held` lengthen the asked clock (R10, R16).
    `tier` matters to claim_review alone.
    """

    kind: CaseKind = CaseKind.RETURN
    dispatched: StrictBool = True
    applied_at: Instant | None = None
    dispatch_clicked_at: Instant | None = None
    tier: Tier = Tier.MERCHANT
    agreed_limits: dict[Clock, Limit] = {}
    extensions: Annotated[tuple[Limit, ...], Field(max_length=bounds.FACTS)] = ()
    held: Duration | None = None
    order: OrderFacts = OrderFacts()


class Question(Facts):
    """One question to the policy book: when does this clock run out?

    `started_at` is the instant the clock counts from: for `dispatch` the payment, for the scan clocks the click or
    the first pickup scan. `as_of` is what was known then; absent, all that is announced (R14).
    """

    clock: Clock
    started_at: Instant
    as_of: Instant | None = None

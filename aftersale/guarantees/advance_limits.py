"""Limits on what the platform advances by itself (极速退款, S1). Pure."""

from collections.abc import Mapping

from aftersale.money import Currency, Money
from aftersale.policy.service_terms import Advance


def advance_refused(
    limits: Advance | None, amount: Money, *, on_order_minor: int = 0, to_buyer_minor: int = 0
) -> str | None:
    """Say why the platform may not advance this refund by itself, or None where it may.

    `on_order_minor` and `to_buyer_minor` are what it advanced already and did not get back, in the same currency.
    Where nothing is set it is its own money that would go out without a bound, so a person decides.
    """
    if limits is None:
        return "the policy sets no bound for advances, so a person must decide; add settings.advance to instant_refund"
    for name, caps, advanced in (
        ("one order", limits.per_order, on_order_minor),
        ("one buyer", limits.per_buyer, to_buyer_minor),
    ):
        if refused := _above(caps, amount, advanced, name):
            return refused
    return None


def _above(caps: Mapping[Currency, int], amount: Money, advanced: int, whom: str) -> str | None:
    if not caps:
        return None
    cap = caps.get(amount.currency)
    if cap is None:
        known = ", ".join(sorted(caps))
        return f"advances to {whom} are bounded in {known} alone, not in {amount.currency}; a person must decide"
    if advanced + amount.amount_minor > cap:
        total = f"{advanced} advanced before and {amount.amount_minor} now"
        return f"{total} are more than the {cap} that {whom} may be advanced; a person must decide"
    return None

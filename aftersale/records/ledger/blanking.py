"""Blanking: taking a buyer's reference and all free text out of what was written of a case. Pure.

Works on the JSON as it was written, so that it needs no version that can read it.
"""

from typing import Any

ERASED = "erased"
"""What stands where something was erased: a fine reference, too, so that what it stood in can still be read."""

FREE_TEXT = frozenset({"says", "message", "reason", "field", "note", "text"})
"""Fields that hold words of a party, or of a service about one."""

KEPT = frozenset(
    {
        "agreed_limits",
        "because",
        "buyer_ref",
        "carrier",
        "case_id",
        "categories",
        "close_reason",
        "code",
        "commands",
        "corrects",
        "currency",
        "dispatch_promise",
        "event",
        "extensions",
        "held",
        "key",
        "labels",
        "limit",
        "merchant_id",
        "message_id",
        "order_id",
        "order_line_id",
        "payer",
        "policy_version",
        "provider_ref",
        "reason_code",
        "recipient",
        "region",
        "rules",
        "run_id",
        "shipment_id",
        "shop_type",
        "tender",
    }
)
"""Fields of text that stay: keys, references but the buyer's own, words of vocabularies, clauses, the facts of rules.

A test holds both sets together complete.
"""


def blank(written: Any, buyer_ref: str) -> Any:
    """What was written, without free text and without the reference, wherever that stands by itself."""
    if isinstance(written, dict):
        return {name: ERASED if _tells(name, value) else blank(value, buyer_ref) for name, value in written.items()}
    if isinstance(written, list):
        return [blank(each, buyer_ref) for each in written]
    return ERASED if written == buyer_ref else written


def _tells(name: str, value: Any) -> bool:
    return name in FREE_TEXT and isinstance(value, str) and value != ""

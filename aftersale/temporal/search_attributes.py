"""The search attributes of a case: what an operator filters lists of workflows by."""

from typing import Literal

Type = Literal["Keyword", "Datetime", "Int", "Bool"]

ATTRIBUTES: dict[str, Type] = {
    "CaseKind": "Keyword",
    "CaseState": "Keyword",
    "MerchantId": "Keyword",
    "OrderId": "Keyword",
    "CaseOutcome": "Keyword",
    "PolicyVersion": "Keyword",
    "RespondBy": "Datetime",
    "AmountMinor": "Int",
    "OnHold": "Bool",
}
"""Name and type of each; registered by `aftersale setup`."""

"""Requests and commands with every text at its length and every list at its count, as a hostile party would send."""

from collections.abc import Iterator
from typing import Any

from aftersale import bounds

LONG = "字"
"""A letter of three bytes, as most are here."""

NOTE = LONG * bounds.NOTE
CODE = LONG * bounds.CODE
PICTURE = {
    "uri": ("https://evidence.example/" + LONG * bounds.URI)[: bounds.URI],
    "media_type": "i" * bounds.MEDIA_TYPE,
    "sha256": "0" * 64,
}
PICTURES = [PICTURE] * bounds.EVIDENCE


def reference(name: str) -> str:
    """A reference of that name, as long as one may be."""
    return name.ljust(bounds.ID, ".")


def money(amount_minor: int) -> dict[str, Any]:
    """So many fen."""
    return {"amount_minor": amount_minor, "currency": "CNY"}


def items() -> list[dict[str, Any]]:
    """What is claimed: of every line everything."""
    return [{"order_line_id": line, "quantity": 10**6, "requested": money(10**12)} for line in _lines()]


def full_request(case_id: str, order: dict[str, Any]) -> dict[str, Any]:
    """A request of every line that an order may have, with all the evidence and metadata that it may bring."""
    lines = [
        {
            "order_line_id": line,
            "quantity": 10**6,
            "paid": money(10**12),
            "category": "c" * bounds.CODE,
            "labels": [f"{place:03}".ljust(bounds.CODE, "l")],
        }
        for place, line in enumerate(_lines())
    ]
    return {
        "case_id": reference(case_id),
        "order_id": reference(f"O-{case_id}"),
        "merchant_id": reference("M-7"),
        "buyer_ref": reference("B-5"),
        "reason_code": CODE,
        "note": NOTE,
        "items": items(),
        "evidence": [PICTURE] * (7 * bounds.EVIDENCE // 10),
        "metadata": {f"{name:02}" + CODE[2:]: LONG * bounds.METADATA for name in range(bounds.METADATA_ENTRIES)},
        "order": {**order, "lines": lines},
    }


def full_evidence() -> Iterator[list[dict[str, Any]]]:
    """What a party adds to use up its updates and its pieces of evidence at once."""
    most = bounds.PIECES - (bounds.EVIDENCE_GIVEN - 1)
    for _ in range(bounds.EVIDENCE_GIVEN):
        pieces = min(bounds.EVIDENCE, most)
        most -= pieces - 1
        yield [PICTURE] * pieces


def _lines() -> list[str]:
    return [reference(f"L{place}") for place in range(bounds.ITEMS)]

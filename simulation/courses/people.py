"""People and goods of a course: one merchant, one buyer, an officer, and an order of their own."""

from typing import Any

from aftersale.vocabulary import Party
from simulation.chance import Chance

MERCHANT = ("merchant", "M-7")
BUYER = ("buyer", "B-5")
PLATFORM = ("platform", "officer-3")

ACTORS = {Party.MERCHANT: MERCHANT, Party.BUYER: BUYER, Party.PLATFORM: PLATFORM}


def yuan(amount_minor: object = 12900, currency: object = "CNY") -> dict[str, object]:
    """Return an amount, right or wrong."""
    return {"amount_minor": amount_minor, "currency": currency}


def lines(chance: Chance) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return one or two lines of an order, paid in cash and points, and what is claimed of them: all pieces or some."""
    bought, claimed = [], []
    for number in range(1, chance.between(1, 2) + 1):
        quantity, paid = chance.between(1, 3), chance.between(1, 30_000)
        points = chance.between(0, paid)
        tenders = [{"tender": "points", "amount_minor": points}, {"tender": "cash", "amount_minor": paid - points}]
        line = {"order_line_id": f"L{number}", "quantity": quantity, "paid": yuan(paid), "tenders": tenders}
        bought.append(line)
        claimed.append(
            {
                "order_line_id": f"L{number}",
                "quantity": chance.between(1, quantity),
                "requested": yuan(chance.between(1, paid)),
            }
        )
    return bought, claimed

"""The policy books of a course: one in use from its beginning, and the next, which is published on the way."""

from datetime import date, datetime

from aftersale.policy.book import Book
from aftersale.policy.load import default_book
from aftersale.policy.rules import PolicyFile
from simulation.courses.decisions import WORTH
from trial.pricing import priced


def books() -> list[Book]:
    """Return the book in the checkout.

    With prices for some claims, and its successor, which a notice has been added to.
    """
    first = priced(default_book(), WORTH)
    files = [*first.files, _notice()]
    return [first, Book(files, first.services.files, name=first.name, revision=first.revision + 1)]


def _notice() -> PolicyFile:
    """Return a notice that lengthens some clocks of merchants in June 2024."""
    return PolicyFile.model_validate(
        {
            "id": "simulated",
            "title": {"en": "a notice made for simulations"},
            "zone": "Asia/Shanghai",
            "tier": "notice",
            "announced": date(2024, 1, 1),
            "source": "made for simulations",
            "window": [{"id": "june", "from": datetime(2024, 6, 1), "to": datetime(2024, 6, 30, 23, 59, 59)}],  # noqa: DTZ001
            "rule": [
                {
                    "id": "X1",
                    "says": "merchants have nine days to answer, to take in and to inspect",
                    "clock": ["merchant_review", "merchant_receipt", "merchant_inspection"],
                    "key": "started",
                    "window": "june",
                    "effect": {"set": "P9D"},
                }
            ],
        }
    )

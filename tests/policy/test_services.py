"""The version of a service that applies is the one in force when the order was paid (R14, S7)."""

from datetime import date

import pytest

from aftersale.policy.book import Book
from aftersale.policy.services import Services
from aftersale.vocabulary import ClaimType, Service
from tests.support.books import BOOK
from tests.support.cases import at
from tests.support.offers import service, with_service

NINE = set(Service) - {Service.REMOTE_AREA_LOGISTICS}

OLD = {
    "id": "old",
    "status": "repealed",
    "effective_until": date(2024, 7, 1),
    "claim": [{"type": "fresh_damage", "says": "…", "evidence": 3, "compensation": {"payer": "merchant"}}],
}


def test_the_nine_services_have_the_roles_of_the_clauses() -> None:
    roles = {file.service: file.role for file in BOOK.services.files if file.service}
    assert set(roles) == NINE
    assert {name for name, role in roles.items() if role == "required"} == {
        Service.AUTHENTICITY,
        Service.NO_REASON_RETURN,
        Service.INSTANT_REFUND,
        Service.FREIGHT_INSURANCE,
        Service.HOME_PICKUP,
    }
    assert {name for name, role in roles.items() if role == "optional"} == {
        Service.SAME_DAY_DISPATCH,
        Service.DISPATCH_IN_24H,
    }
    categories = {file.service: file.categories for file in BOOK.services.files if file.role == "category"}
    assert categories == {Service.FRESH_DAMAGE: ("fresh",), Service.COSMETIC_ALLERGY: ("cosmetics",)}


@pytest.mark.parametrize("name", sorted(NINE))
@pytest.mark.parametrize(
    ("paid_at", "version"),
    [
        ("2021-08-09 23:59:59", None),
        ("2021-08-10 00:00:00", "launch"),
        ("2021-09-12 23:59:59", "launch"),
        ("2021-09-13 00:00:00", "standard-2021"),
        ("2022-08-25 00:00:00", "standard-2021"),
        ("2023-02-07 23:59:59", "standard-2021"),
        ("2023-02-08 00:00:00", "standard-2023"),
    ],
)
def test_an_order_comes_under_the_version_in_force_when_it_was_paid(
    name: Service, paid_at: str, version: str | None
) -> None:
    found = BOOK.services.at(name, at(paid_at))
    assert (found and found.version.id) == version


def test_a_version_that_keeps_another_says_the_same() -> None:
    paid = at("2024-06-01 09:00:00")
    found = BOOK.services.guarantee_for(ClaimType.FRESH_DAMAGE, paid)
    assert found is not None
    edition, guarantee = found
    assert (edition.version.id, edition.terms.id, guarantee.evidence) == ("standard-2023", "launch", 1)


def test_every_claim_has_its_terms_and_none_has_a_price_that_no_text_gives() -> None:
    for claim_type in ClaimType:
        found = BOOK.services.guarantee_for(claim_type, at("2024-06-01 09:00:00"))
        assert found is not None, claim_type
        compensation = found[1].compensation
        assert (compensation.rate, compensation.floor, compensation.cap, compensation.grades) == (None, {}, {}, {})


def test_a_repealed_service_keeps_its_old_orders() -> None:
    services = Services([service(OLD)])
    assert services.at(Service.FRESH_DAMAGE, at("2024-06-30 23:59:59")) is not None
    assert services.at(Service.FRESH_DAMAGE, at("2024-07-01 00:00:00")) is None


@pytest.mark.parametrize("status", ["draft", "consultation"])
def test_what_is_not_published_binds_nobody(status: str) -> None:
    services = Services([service({"status": status})])
    assert services.at(Service.FRESH_DAMAGE, at("2024-06-30 23:59:59")) is None
    assert len(services.files) == 1


def test_what_was_announced_later_was_not_known_before() -> None:
    services = Services([service({"announced": date(2024, 6, 1), "effective_from": date(2024, 7, 1)})])
    bought = at("2024-07-02 00:00:00")
    assert services.at(Service.FRESH_DAMAGE, bought, at("2024-05-31 23:59:59")) is None
    assert services.at(Service.FRESH_DAMAGE, bought, at("2024-06-01 00:00:00")) is not None
    assert services.at(Service.FRESH_DAMAGE, bought) is not None


def test_the_books_version_names_what_its_services_say() -> None:
    changed = with_service(service({"says": "other words"}))
    assert changed.version != BOOK.version
    assert Book(BOOK.files, BOOK.services.files[::-1], name=BOOK.name).version == BOOK.version

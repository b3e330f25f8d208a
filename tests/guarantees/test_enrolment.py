"""A merchant's sign-up: five services for everyone, two for who wants to, two for their categories (S1-S3)."""

from typing import Any

import pytest
from pydantic import ValidationError

from aftersale.guarantees.enrolment import SignUp, enrolled_editions, enrolment_problems
from aftersale.policy.service_terms import Settings
from aftersale.policy.services import Services
from aftersale.vocabulary import Service
from tests.support.books import BOOK

FIVE = (
    Service.AUTHENTICITY,
    Service.NO_REASON_RETURN,
    Service.INSTANT_REFUND,
    Service.FREIGHT_INSURANCE,
    Service.HOME_PICKUP,
)


def _sign_up(*more: str, without: str | None = None, **given: Any) -> SignUp:
    chosen: dict[str, Any] = {name: {} for name in (*FIVE, *more) if name != without}
    chosen |= given.pop("services", {})
    plain = {"merchant_id": "M-7", "signed_at": "2024-06-01T09:00:00", "categories": ["apparel"], "services": chosen}
    return SignUp.model_validate({**plain, **given})


def _found(sign_up: SignUp, services: Services = BOOK.services) -> dict[str, str]:
    return {problem.field: problem.message for problem in enrolment_problems(services, sign_up)}


def test_five_services_make_a_sign_up() -> None:
    assert _found(_sign_up()) == {}
    assert {edition.version.id for edition in enrolled_editions(BOOK.services, _sign_up())} == {"standard-2023"}
    assert [edition.file.service for edition in enrolled_editions(BOOK.services, _sign_up())] == list(FIVE)


@pytest.mark.parametrize("name", FIVE)
def test_each_of_the_five_is_required(name: Service) -> None:
    assert _found(_sign_up(without=name)) == {f"services.{name}": f"{name.zh} is required of every merchant; add it"}


@pytest.mark.parametrize(
    ("name", "category"), [(Service.FRESH_DAMAGE, "fresh"), (Service.COSMETIC_ALLERGY, "cosmetics")]
)
def test_a_category_service_is_required_in_its_category_and_only_there(name: Service, category: str) -> None:
    sells = ["apparel", category]
    assert _found(_sign_up(name, categories=sells)) == {}
    said = f"{name.zh} is required of whoever sells {category}; add it"
    assert _found(_sign_up(categories=sells)) == {f"services.{name}": said}
    (field, told), *_ = _found(_sign_up(name)).items()
    assert (field, told.partition(",")[0]) == (f"services.{name}", f"is for {category}")


def test_same_day_dispatch_cannot_be_enabled_without_its_cut_off_hour() -> None:
    said = _found(_sign_up("same_day_dispatch"))["services.same_day_dispatch.cut_off"]
    assert said.startswith("is required, since no cut-off hour is published: without it the service cannot be enabled")
    assert _found(_sign_up(services={"same_day_dispatch": {"cut_off": "16:00"}})) == {}
    assert _found(_sign_up("dispatch_in_24h")) == {}


def test_an_hour_that_the_service_sets_holds_for_every_merchant() -> None:
    files = []
    for file in BOOK.services.files:
        if file.service is Service.SAME_DAY_DISPATCH:
            settings = Settings.model_validate({"cut_off": "16:00"})
            changed = tuple(each.model_copy(update={"settings": settings, "keeps": None}) for each in file.version)
            files.append(file.model_copy(update={"version": changed}))
        else:
            files.append(file)
    services = Services(files)
    assert _found(_sign_up("same_day_dispatch"), services) == {}
    later = _sign_up(services={"same_day_dispatch": {"cut_off": "18:00"}})
    said = "is 16:00 for every merchant, as standard-2023 sets it; leave it out"
    assert _found(later, services) == {"services.same_day_dispatch.cut_off": said}


def test_an_hour_belongs_to_same_day_dispatch_alone() -> None:
    found = _found(_sign_up(services={"home_pickup": {"cut_off": "16:00"}}))
    assert found == {"services.home_pickup.cut_off": "belongs to same_day_dispatch alone; leave it out"}


def test_a_service_that_is_no_guarantee_is_not_enrolled() -> None:
    found = _found(_sign_up("remote_area_logistics"))
    said = "is no guarantee service of the policy book; leave it out"
    assert found == {"services.remote_area_logistics": said}


@pytest.mark.parametrize(("signed_at", "early"), [("2021-08-09T23:59:59", True), ("2021-08-10T00:00:00", False)])
def test_nobody_signs_up_before_the_services_begin(signed_at: str, early: bool) -> None:
    found = _found(_sign_up(signed_at=signed_at))
    assert bool(found) == early
    if early:
        assert found["signed_at"].startswith("no guarantee service was in force at 2021-08-09T23:59:59+08:00")
        assert "the book knows launch for orders from 2021-08-10" in found["services.authenticity"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = _found(_sign_up("same_day_dispatch", "cosmetic_allergy", without="home_pickup", categories=["fresh"]))
    assert set(found) == {
        "services.home_pickup",
        "services.fresh_damage",
        "services.cosmetic_allergy",
        "services.same_day_dispatch.cut_off",
    }


@pytest.mark.parametrize("hour", ["25:00", "16:00:01", "16:00+08:00", 16, "four"])
def test_an_hour_is_written_to_the_minute(hour: object) -> None:
    with pytest.raises(ValidationError, match="write an hour of the day to the minute, without offset: 16:00"):
        _sign_up(services={"same_day_dispatch": {"cut_off": hour}})

"""A merchant's sign-up for the guarantee services: what it offers, and whether that is complete (S1-S3). Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field

from aftersale.errors import Problem
from aftersale.policy.service_terms import SETTINGS
from aftersale.policy.services import Edition, Services
from aftersale.schema import Code, Hour, Id, Instant, Schema
from aftersale.times import local
from aftersale.vocabulary import Service


class Chosen(Schema):
    """One service that a merchant offers; `cut_off` is its own hour of same-day dispatch (S2)."""

    cut_off: Hour | None = None


class SignUp(Schema):
    """What a merchant signs up with: when, what it sells, what it offers."""

    merchant_id: Id
    signed_at: Instant
    categories: Annotated[tuple[Code, ...], Field(min_length=1)]
    services: dict[Service, Chosen]


def enrolment_problems(services: Services, sign_up: SignUp) -> list[Problem]:
    """Everything that is wrong with a sign-up, by the versions in force then; empty where the merchant is enrolled."""
    return [*_too_early(services, sign_up), *_left_out(services, sign_up), *_chosen(services, sign_up)]


def enrolled_editions(services: Services, sign_up: SignUp) -> list[Edition]:
    """Return the versions that the merchant's choices come under, in the services' own order."""
    return [found for service in Service if service in sign_up.services and (found := _at(services, service, sign_up))]


def _at(services: Services, service: Service, sign_up: SignUp) -> Edition | None:
    return services.at(service, sign_up.signed_at, sign_up.signed_at)


def _too_early(services: Services, sign_up: SignUp) -> Iterator[Problem]:
    if not any(
        _at(services, file.service, sign_up) for file in services.files if file.service and file.role == "required"
    ):
        said = f"no guarantee service was in force at {local(sign_up.signed_at)}; correct it, or publish the services"
        yield Problem(field="signed_at", message=said)


def _left_out(services: Services, sign_up: SignUp) -> Iterator[Problem]:
    for file in services.files:
        service = file.service
        if service is None or service in sign_up.services or _at(services, service, sign_up) is None:
            continue
        sold = [category for category in sign_up.categories if category in file.categories]
        if file.role == "required":
            yield Problem(field=f"services.{service}", message=f"{service.zh} is required of every merchant; add it")
        elif sold:
            said = f"{service.zh} is required of whoever sells {' or '.join(sold)}; add it"
            yield Problem(field=f"services.{service}", message=said)


def _chosen(services: Services, sign_up: SignUp) -> Iterator[Problem]:
    for service, chosen in sign_up.services.items():
        edition, field = _at(services, service, sign_up), f"services.{service}"
        if edition is None:
            yield Problem(field=field, message=_absent(services, service, sign_up.signed_at))
            continue
        wanted = edition.file.categories
        if wanted and not set(wanted) & set(sign_up.categories):
            said = f"is for {' or '.join(wanted)}, which categories does not name; leave it out, or add the category"
            yield Problem(field=field, message=said)
        yield from _cut_off(edition, service, chosen, f"{field}.cut_off")


def _absent(services: Services, service: Service, at: datetime) -> str:
    if services.file(service) is None:
        return "is no guarantee service of the policy book; leave it out"
    spans = ", ".join(services.spans(service)) or "no version that binds"
    return f"was not in force at {local(at)}; the book knows {spans}; leave it out, or correct signed_at"


def _cut_off(edition: Edition, service: Service, chosen: Chosen, field: str) -> Iterator[Problem]:
    has_one = SETTINGS.get(service) == "cut_off"
    ours = edition.settings.cut_off
    if chosen.cut_off is not None and not has_one:
        yield Problem(field=field, message="belongs to same_day_dispatch alone; leave it out")
    elif chosen.cut_off is not None and ours is not None and chosen.cut_off != ours:
        said = f"is {ours.isoformat('minutes')} for every merchant, as {edition.version.id} sets it; leave it out"
        yield Problem(field=field, message=said)
    elif has_one and chosen.cut_off is None and ours is None:
        said = "is required, since no cut-off hour is published: without it the service cannot be enabled; write 16:00"
        yield Problem(field=field, message=said)

"""Claims, sign-ups and service files that the tests of the guarantee services speak of."""

from datetime import date, datetime
from typing import Any

from aftersale.contract.request import CaseRequest
from aftersale.errors import Problem
from aftersale.guarantees import eligibility
from aftersale.policy.book import Book
from aftersale.policy.service_terms import Compensation
from aftersale.policy.services import ServiceFile, Version
from aftersale.vocabulary import CaseKind, ClaimType
from tests.support.books import BOOK
from tests.support.cases import line, request

SIGNED_FOR = "2024-06-03T10:00:00"
PHOTO = {"uri": "oss://photo", "media_type": "image/jpeg"}


def claim(claim_type: str | None = "fresh_damage", **changes: Any) -> CaseRequest:
    """A claim for one line of fresh goods, bought with the guarantee on 2024-06-01, signed for on 06-03 at ten."""
    order = {
        "paid_at": "2024-06-01T09:00:00",
        "dispatched_at": "2024-06-02T09:00:00",
        "signed_for_at": SIGNED_FOR,
        "services": ["fresh_damage"],
        "lines": [line(category="fresh")],
    }
    given = {"evidence": [PHOTO], **changes, "order": {**order, **changes.pop("order", {})}}
    return CaseRequest.model_validate(request(claim_type=claim_type, **given))


def cosmetics(**changes: Any) -> CaseRequest:
    """The same for cosmetics that caused an allergy."""
    order = {"services": ["cosmetic_allergy"], "lines": [line(category="cosmetics")], **changes.pop("order", {})}
    return claim("cosmetic_allergy", order=order, **changes)


def service(*versions: dict[str, Any], **changes: Any) -> ServiceFile:
    """The file of a service made for one test."""
    plain = {
        "id": "made-up",
        "title": {"en": "a service made for a test"},
        "zone": "Asia/Shanghai",
        "service": "fresh_damage",
        "role": "category",
        "categories": ["fresh"],
        "version": [version(**each) for each in versions or ({},)],
    }
    return ServiceFile.model_validate({**plain, **changes})


def version(**changes: Any) -> dict[str, Any]:
    """A version in force since 2021 that says nothing."""
    plain = {
        "id": "first",
        "says": "made for a test",
        "status": "in_force",
        "effective_from": date(2021, 1, 1),
        "basis": "sourced",
        "source": "made for a test",
    }
    return {**plain, **changes}


def with_service(file: ServiceFile) -> Book:
    """The book of the checkout with another file for one of its services."""
    others = (each for each in BOOK.services.files if each.service is not file.service)
    return Book(BOOK.files, [*others, file], name=BOOK.name, revision=BOOK.revision)


def priced(*claim_types: ClaimType, **terms: Any) -> Book:
    """The book of the checkout, but for what claims of these types pay."""
    worth = Compensation(payer="merchant", **terms)

    def rows(old: Version) -> Version:
        changed = (
            row.model_copy(update={"compensation": worth}) if row.type in claim_types else row for row in old.claim
        )
        return old.model_copy(update={"claim": tuple(changed)})

    files = [file.model_copy(update={"version": tuple(map(rows, file.version))}) for file in BOOK.services.files]
    return Book(BOOK.files, files, name=BOOK.name, revision=BOOK.revision)


def codes(problems: list[Problem]) -> list[str]:
    """What is wrong, in one word each."""
    return [problem.code for problem in problems]


def claim_problems(book: Book, request: CaseRequest, applied_at: datetime) -> list[Problem]:
    """What speaks against a claim that is made at an instant."""
    return eligibility.claim_problems(book, request, request.facts(CaseKind.CLAIM, applied_at), applied_at)


def no_reason_problems(book: Book, request: CaseRequest, applied_at: datetime) -> list[Problem]:
    """What speaks against a return without a reason that is asked for at an instant."""
    return eligibility.no_reason_problems(book, request, request.facts(CaseKind.RETURN, applied_at), applied_at)

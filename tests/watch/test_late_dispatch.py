"""Claims that open by themselves: what is asked, of whom, and where nothing is."""

from typing import Any

import pytest

from aftersale.contract.request import CaseRequest
from aftersale.guarantees.automatic_claims import non_performance, price_claim
from aftersale.guarantees.claims import Filed
from aftersale.vocabulary import ClaimType
from aftersale.watch.claim import late_dispatch
from aftersale.watch.request import WatchRequest
from aftersale.watch.shipment import Shipment
from tests.support.books import BOOK
from tests.support.cases import at, request
from tests.support.offers import priced as pricing
from tests.support.shipments import shipment

JUNE, LATE = "2024-06-03 10:00:00", "2024-06-05 10:00:01"
TENTH = pricing(ClaimType.LATE_DISPATCH, base="paid", rate=1_000)


def late(**changes: Any) -> CaseRequest:
    """The claim of a shipment of which nothing left by LATE."""
    return late_dispatch(Shipment(WatchRequest.model_validate(shipment(JUNE, **changes))), at(LATE))


def asked(claim: CaseRequest | None) -> list[tuple[str, int, int]] | None:
    items = claim.items if claim else ()
    return [(item.order_line_id, item.quantity, item.requested.amount_minor) for item in items] or None


def filed(claim: CaseRequest) -> Filed:
    return Filed(request=claim, applied_at=at(LATE))


def test_a_claim_asks_for_what_the_policy_sets_and_holds_no_more_of_the_order_s_money() -> None:
    claim = late()
    assert asked(price_claim(TENTH, filed(claim))) == [("L1", 2, 1290)]
    assert claim.case_id.endswith(".late") and claim.requested_at == at(LATE)


def test_a_rate_of_what_is_asked_for_sees_it_whole() -> None:
    book = pricing(ClaimType.LATE_DISPATCH, base="requested", rate=1_000)
    assert asked(price_claim(book, filed(late()))) == [("L1", 2, 12900)]


def test_only_the_pieces_of_the_shipment_are_claimed_for() -> None:
    part = late(lines=[{"order_line_id": "L1", "quantity": 1}])
    assert asked(price_claim(TENTH, filed(part))) == [("L1", 1, 645)]


@pytest.mark.parametrize("terms", [{}, {"rate": 1_000, "grades": {"all": 100}}], ids=["no rate", "by grade"])
def test_nothing_opens_where_a_person_states_the_amount(terms: dict[str, Any]) -> None:
    assert price_claim(pricing(ClaimType.LATE_DISPATCH, **terms), filed(late())) is None
    assert price_claim(BOOK, filed(late())) is None


def test_nothing_opens_for_what_cost_nothing() -> None:
    gift = [{"order_line_id": "L1", "quantity": 1, "paid": {"amount_minor": 0, "currency": "CNY"}}]
    assert price_claim(TENTH, filed(late(order={"lines": gift}))) is None


def test_nothing_opens_that_the_intake_would_refuse() -> None:
    too_early = Filed(request=late(), applied_at=at("2024-06-05 10:00:00"))
    assert price_claim(TENTH, too_early) is None, "the shipment is not late yet"


def test_a_claim_for_what_a_case_did_not_send_is_over_what_the_case_is_over() -> None:
    case = CaseRequest.model_validate(request())
    book = pricing(ClaimType.NON_PERFORMANCE, base="paid", rate=2_000)
    claim = non_performance(case, at(LATE))
    assert (claim.case_id, claim.claim_type) == (f"{case.case_id}.unsent", "non_performance")
    assert asked(price_claim(book, filed(claim))) == [("L1", 2, 2580)]


def test_a_claim_s_id_is_always_the_same_and_never_too_long() -> None:
    long = "S" * 64
    one, other = late(shipment_id=long), late(shipment_id=long)
    assert one.case_id == other.case_id and len(one.case_id) <= 64
    assert late(shipment_id="T" * 64).case_id != one.case_id

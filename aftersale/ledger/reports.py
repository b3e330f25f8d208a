"""Reports of the ledger: the account of an order, postings, differences, erasures. Pure."""

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr, ValidationError

from aftersale import bounds
from aftersale.errors import BadInput, problems_of
from aftersale.ledger.reservation import Chargeback
from aftersale.money import Currency, Purpose
from aftersale.schema import Code, Id, Instant, MinorUnits, Schema
from aftersale.vocabulary import CaseKind, RefundState

Balance = StrictInt
"""An amount in minor units that has a sign."""


class ProviderPayment(Schema):
    """One line of the payment service's statement: what it holds under a key of ours. Only a success moved money."""

    key: Annotated[StrictStr, Field(min_length=1, max_length=bounds.KEY)]
    status: Literal["succeeded", "declined"]
    amount_minor: MinorUnits
    currency: Currency
    provider_ref: Annotated[StrictStr, Field(max_length=bounds.KEY)] | None = None


def read_payments(lines: Iterable[str | bytes], where: str) -> Iterator[ProviderPayment]:
    """Return the payments of a statement. Raises BadInput, which names the line after `where`, and repeats no value."""
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                yield ProviderPayment.model_validate_json(text)
            except ValidationError as error:
                raise BadInput(problems_of(error, f"{where}{number}")) from None


class DifferenceKind(StrEnum):
    """What can be wrong with the books."""

    LINE_OVERPAID = "line_overpaid"
    TENDER_OVERPAID = "tender_overpaid"
    ORDER_OVERPAID = "order_overpaid"
    CLAWED_BACK_TOO_MUCH = "clawed_back_too_much"
    NOT_ALLOCATED = "not_allocated"
    NO_PAYMENT = "no_payment"
    DECLINED_UNHEARD = "declined_unheard"
    PAYMENT_SHARED = "payment_shared"
    NOT_IN_STATEMENT = "not_in_statement"
    TWICE_IN_STATEMENT = "twice_in_statement"
    STATEMENT_DIFFERS = "statement_differs"
    UNKNOWN_PAYMENT = "unknown_payment"
    PAID_UNSETTLED = "paid_unsettled"
    RESERVATION_OUTLIVES_CASE = "reservation_outlives_case"


class LedgerDifference(Schema):
    """One thing that is wrong with the books: whose, and in words both figures and what to do."""

    kind: DifferenceKind
    order_id: str | None = None
    case_id: str | None = None
    key: str | None = None
    says: str


class Posting(Schema):
    """One line for accountants: what an instruction moves of one tender of one order line.

    `amount_minor` is what the buyer gets, so negative for a clawback; those that succeeded add up to the ledger.
    `paid_to` is where an operator had it sent instead, `payer` who bears it where a guarantee names somebody. An
    instruction that the ledger itself refused has a line without order line and tender.
    """

    order_id: str
    order_line_id: str | None
    tender: str | None
    case_id: str
    kind: CaseKind | None
    key: str
    n: int
    purpose: Purpose
    state: RefundState
    amount_minor: Balance
    currency: str
    paid_to: str | None
    payer: str | None
    instructed_at: Instant
    settled_at: Instant | None
    provider_ref: str | None
    merchant_id: str | None


class LineBooks(Schema):
    """One order line in minor units: paid is the sum of reserved, on its way, settled (less clawbacks), and left."""

    order_line_id: Id
    quantity: int
    currency: Currency
    paid_minor: MinorUnits
    reserved_minor: Balance
    processing_minor: Balance
    settled_minor: Balance
    left_minor: Balance
    attempts: int
    tenders_left: dict[Code, MinorUnits]


class CaseBooks(Schema):
    """What one case reserved of an order in minor units, and what the buyer got by it, less what was taken back."""

    case_id: Id
    kind: CaseKind
    reserved_at: Instant
    closed_at: Instant | None
    reserved_minor: MinorUnits
    given_minor: Balance


class InstructionBooks(Schema):
    """One instruction, with how many attempts sent it to the payment service, or found it settled there."""

    key: str
    case_id: Id
    purpose: Purpose
    state: RefundState
    amount_minor: MinorUnits
    currency: Currency
    tender: Code | None
    attempts: int
    instructed_at: Instant
    settled_at: Instant | None
    provider_ref: str | None
    reason: str | None


class OrderBooks(Schema):
    """The account of one order: its lines, the cases on them, every instruction, and what freezes it."""

    order_id: Id
    merchant_id: Id | None
    lines: tuple[LineBooks, ...]
    cases: tuple[CaseBooks, ...]
    instructions: tuple[InstructionBooks, ...]
    chargebacks: tuple[Chargeback, ...]


class Adopted(Schema):
    """What a ledger took over that it had forgotten: the cases whose reservation, and the keys whose instruction."""

    reservations: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()

    def plus(self, other: "Adopted") -> "Adopted":
        """Return both, each named once."""
        return Adopted(
            reservations=tuple(dict.fromkeys(self.reservations + other.reservations)),
            instructions=tuple(dict.fromkeys(self.instructions + other.instructions)),
        )


class Erasure(Schema):
    """That a buyer's reference and all free text of its cases were erased: of how many, and when the last had closed.

    The reference itself is not kept, but `digest`, the SHA-256 of `salt` and reference: who knows the reference can
    prove that it was erased.
    """

    digest: str
    salt: str
    cases: int
    orders: int
    last_closed_at: Instant | None
    erased_at: Instant

    def proves(self, buyer_ref: str) -> bool:
        """Tell whether the reference is the one that was erased."""
        return digest(self.salt, buyer_ref) == self.digest


def digest(salt: str, buyer_ref: str) -> str:
    """Return the SHA-256 of salt and reference: by it an erased buyer is known again, and cannot be found out."""
    return hashlib.sha256(f"{salt}{buyer_ref}".encode()).hexdigest()

"""Instant refund (极速退款): when the platform pays before a case is decided, and when that is owed (S1). Pure."""

from aftersale.case.case import Case
from aftersale.case.moves import MOVES
from aftersale.contract.status import Completed, Ending
from aftersale.vocabulary import CaseKind, Command, Outcome, Service

_OWED = frozenset({Outcome.REFUNDED, Outcome.COMPENSATED})


def is_promised(case: Case) -> bool:
    """Tell whether the order was bought with the service, whatever the case is about (R14)."""
    return Service.INSTANT_REFUND in case.request.facts(case.kind, case.applied_at).order.services


def is_due(case: Case) -> bool:
    """Tell whether the platform is to pay now: on the application where nothing was dispatched, else on the first scan.

    Not while an operator holds the case, and not where its own refund has begun or it is over.
    """
    if case.refunds.instructions or case.held_since or Command.WITHDRAW not in MOVES[case.state]:
        return False
    match case.kind:
        case CaseKind.REFUND:
            return not case.request.facts(case.kind, case.applied_at).dispatched
        case CaseKind.RETURN:
            return case.parcels.is_moving("return")
        case CaseKind.EXCHANGE | CaseKind.RESHIP | CaseKind.REPAIR | CaseKind.CLAIM:
            return False


def is_owed_after(ending: Ending) -> bool:
    """Tell whether a case that ends so owes its buyer money: else what was advanced goes back."""
    return isinstance(ending, Completed) and ending.outcome in _OWED

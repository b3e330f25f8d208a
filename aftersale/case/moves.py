"""The one table of moves: who may do what in which state, and where that leads.

It feeds the validators, the offered commands, and the diagrams in docs/states.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from aftersale.vocabulary import CaseKind, Command, Party, State


class Onward(Enum):
    """The step of the case's own kind that follows the agreement, or the step at hand."""

    ONWARD = "onward"


ONWARD = Onward.ONWARD

Goal = State | Onward | CaseKind
"""Where a move leads: a state, the next step of the case's kind, or what follows the agreement in a kind."""


@dataclass(frozen=True)
class Move:
    """A legal command: who may give it, where it leads (nowhere: the stage goes on), and in which kinds of case."""

    parties: frozenset[Party]
    leads: tuple[Goal, ...] = ()
    kinds: frozenset[CaseKind] = frozenset(CaseKind)


def _by(*parties: Party, leads: tuple[Goal, ...] = (), kinds: frozenset[CaseKind] = frozenset(CaseKind)) -> Move:
    return Move(frozenset(parties), leads, kinds)


_BUYER, _MERCHANT, _PLATFORM = Party.BUYER, Party.MERCHANT, Party.PLATFORM

_KINDS_OF_OFFERS = (CaseKind.REFUND, CaseKind.RETURN, CaseKind.EXCHANGE, CaseKind.RESHIP, CaseKind.REPAIR)

_GRANTED = (State.REFUNDING, State.AWAITING_BUYER_RETURN)
"""What follows a granted claim, as its terms say."""

_ALWAYS = {
    Command.WITHDRAW: _by(_BUYER, leads=(State.CLOSED,)),
    Command.ADD_EVIDENCE: _by(_BUYER, _MERCHANT, _PLATFORM),
    Command.AGREE_LIMIT: _by(_BUYER, _MERCHANT, _PLATFORM),
    Command.HOLD: _by(_PLATFORM),
}
"""Legal in every state that waits for a party, before the refund starts."""

STEPS: Mapping[CaseKind, tuple[State, ...]] = {
    CaseKind.REFUND: (State.AWAITING_MERCHANT_REVIEW, State.REFUNDING),
    CaseKind.RETURN: (
        State.AWAITING_MERCHANT_REVIEW,
        State.AWAITING_BUYER_RETURN,
        State.AWAITING_MERCHANT_RECEIPT,
        State.REFUNDING,
    ),
    CaseKind.EXCHANGE: (
        State.AWAITING_MERCHANT_REVIEW,
        State.AWAITING_BUYER_RETURN,
        State.AWAITING_MERCHANT_RECEIPT,
        State.AWAITING_MERCHANT_DISPATCH,
        State.AWAITING_BUYER_RECEIPT,
    ),
    CaseKind.RESHIP: (
        State.AWAITING_MERCHANT_REVIEW,
        State.AWAITING_MERCHANT_DISPATCH,
        State.AWAITING_BUYER_RECEIPT,
    ),
    CaseKind.REPAIR: (
        State.AWAITING_MERCHANT_REVIEW,
        State.AWAITING_BUYER_RETURN,
        State.AWAITING_MERCHANT_RECEIPT,
        State.AWAITING_MERCHANT_DISPATCH,
        State.AWAITING_BUYER_RECEIPT,
    ),
    CaseKind.CLAIM: (
        State.AWAITING_CLAIM_REVIEW,
        State.AWAITING_BUYER_RETURN,
        State.AWAITING_MERCHANT_RECEIPT,
        State.REFUNDING,
    ),
}
"""The way of each kind where nobody objects: what waits for whom, in this order."""

MOVES: Mapping[State, Mapping[Command, Move]] = {
    State.OPENING: {},
    State.AWAITING_MERCHANT_REVIEW: {
        Command.APPROVE: _by(_MERCHANT, leads=(ONWARD,)),
        Command.REJECT: _by(_MERCHANT, leads=(State.MERCHANT_REJECTED,)),
        Command.OFFER: _by(_MERCHANT, leads=(State.AWAITING_BUYER_CONFIRMATION,)),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_CONFIRMATION: {
        Command.ACCEPT_OFFER: _by(_BUYER, leads=_KINDS_OF_OFFERS),
        Command.DECLINE_OFFER: _by(_BUYER, leads=(State.MERCHANT_REJECTED,)),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_RETURN: {
        Command.SHIP_BACK: _by(_BUYER, leads=(ONWARD,)),
        **_ALWAYS,
    },
    State.AWAITING_MERCHANT_RECEIPT: {
        Command.CONFIRM_RECEIPT: _by(_MERCHANT, leads=(ONWARD,)),
        Command.REFUSE_RECEIPT: _by(_MERCHANT, leads=(State.MERCHANT_REJECTED,)),
        Command.EXTEND: _by(_MERCHANT),
        **_ALWAYS,
    },
    State.AWAITING_MERCHANT_DISPATCH: {
        Command.DISPATCH: _by(_MERCHANT, leads=(ONWARD,)),
        Command.REPORT_IRREPARABLE: _by(
            _MERCHANT, leads=(State.AWAITING_BUYER_CONFIRMATION,), kinds=frozenset({CaseKind.REPAIR})
        ),
        Command.AMEND: _by(_BUYER, leads=(CaseKind.REFUND,)),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_RECEIPT: {
        Command.CONFIRM_DELIVERY: _by(_BUYER, leads=(ONWARD,)),
        **_ALWAYS,
    },
    State.AWAITING_CLAIM_REVIEW: {
        Command.DECIDE_CLAIM: _by(_MERCHANT, _PLATFORM, leads=(*_GRANTED, State.AWAITING_CLAIM_REVIEW, State.CLOSED)),
        **_ALWAYS,
    },
    State.MERCHANT_REJECTED: {
        Command.AMEND: _by(_BUYER, leads=(State.AWAITING_MERCHANT_REVIEW,), kinds=frozenset(_KINDS_OF_OFFERS)),
        Command.ESCALATE: _by(_BUYER, leads=(State.IN_ARBITRATION,)),
        **_ALWAYS,
    },
    State.IN_ARBITRATION: {
        Command.RULE: _by(_PLATFORM, leads=(CaseKind.REFUND, CaseKind.RETURN, CaseKind.RESHIP, State.CLOSED)),
        **_ALWAYS,
    },
    State.REFUNDING: {
        Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
    },
    State.REFUND_FAILED: {
        Command.RETRY_REFUND: _by(_PLATFORM, leads=(State.REFUNDING,)),
        Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
    },
    State.COMPLETED: {},
    State.CLOSED: {},
}

WHILE_HELD: Mapping[Command, Move] = {
    Command.RESUME: _by(_PLATFORM),
    Command.WITHDRAW: _ALWAYS[Command.WITHDRAW],
    Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
}
"""All that is legal while an operator holds the case (R16)."""

BY_ITSELF: Mapping[State, Mapping[str, tuple[Goal, ...]]] = {
    State.OPENING: {"admitted": tuple({steps[0]: None for steps in STEPS.values()}), "refused": (State.CLOSED,)},
    State.AWAITING_MERCHANT_REVIEW: {"silence": (ONWARD,)},
    State.AWAITING_BUYER_CONFIRMATION: {"silence": (State.MERCHANT_REJECTED,)},
    State.AWAITING_BUYER_RETURN: {"silence": (State.CLOSED,)},
    State.AWAITING_MERCHANT_RECEIPT: {"silence": (ONWARD,)},
    State.AWAITING_MERCHANT_DISPATCH: {"silence (a breach)": (State.AWAITING_MERCHANT_DISPATCH,)},
    State.AWAITING_BUYER_RECEIPT: {"silence after the sign-off": (ONWARD,)},
    State.AWAITING_CLAIM_REVIEW: {"silence": (*_GRANTED, State.AWAITING_CLAIM_REVIEW)},
    State.MERCHANT_REJECTED: {"silence": (State.CLOSED,)},
    State.IN_ARBITRATION: {"silence (an alert)": (State.IN_ARBITRATION,)},
    State.REFUNDING: {"paid": (State.COMPLETED,), "declined": (State.REFUND_FAILED,)},
    State.REFUND_FAILED: {},
    State.COMPLETED: {},
    State.CLOSED: {},
}
"""Where a state leads without a command."""

AWAITED: Mapping[State, Party | None] = {
    State.OPENING: Party.SYSTEM,
    State.AWAITING_MERCHANT_REVIEW: _MERCHANT,
    State.AWAITING_BUYER_RETURN: _BUYER,
    State.AWAITING_MERCHANT_RECEIPT: _MERCHANT,
    State.AWAITING_MERCHANT_DISPATCH: _MERCHANT,
    State.AWAITING_BUYER_RECEIPT: _BUYER,
    State.AWAITING_BUYER_CONFIRMATION: _BUYER,
    State.AWAITING_CLAIM_REVIEW: _MERCHANT,
    State.MERCHANT_REJECTED: _BUYER,
    State.IN_ARBITRATION: _PLATFORM,
    State.REFUNDING: Party.SYSTEM,
    State.REFUND_FAILED: _PLATFORM,
    State.COMPLETED: None,
    State.CLOSED: None,
}
"""Whose move it is; a claim that the merchant has not granted awaits the platform in the same state."""

PARTIES: Mapping[Command, frozenset[Party]] = {
    command: frozenset().union(*(moves[command].parties for moves in [*MOVES.values(), WHILE_HELD] if command in moves))
    for command in Command
}
"""Who may ever give a command."""


def legal(state: State, kind: CaseKind, *, held: bool) -> Mapping[Command, Move]:
    """Return the commands that are legal now in a case of that kind, by whoever may give them."""
    moves = WHILE_HELD if held else MOVES[state]
    return {command: move for command, move in moves.items() if kind in move.kinds}


def destination(state: State, goal: Goal, kind: CaseKind) -> State:
    """Return the state to which a move leads in a case of that kind.

    Where it leads to a kind, the first step of that kind.
    """
    match goal:
        case State():
            return goal
        case CaseKind():
            return _following(State.AWAITING_MERCHANT_REVIEW, goal)
        case Onward():
            return _following(state, kind)


def _following(state: State, kind: CaseKind) -> State:
    following = dict(pairwise((*STEPS[kind], State.COMPLETED)))
    return following[state]

"""The one table of legal moves: who may do what in which state. It feeds the validators and the offered commands."""

from collections.abc import Mapping
from dataclasses import dataclass

from aftersale.kinds import Command, Party, State


@dataclass(frozen=True)
class Move:
    """A legal command: who may give it, and whether it ends the stage."""

    parties: frozenset[Party]
    ends_stage: bool = True


def _by(*parties: Party, ends_stage: bool = True) -> Move:
    return Move(frozenset(parties), ends_stage)


_BUYER, _MERCHANT, _PLATFORM = Party.BUYER, Party.MERCHANT, Party.PLATFORM

_ALWAYS = {
    Command.WITHDRAW: _by(_BUYER),
    Command.ADD_EVIDENCE: _by(_BUYER, _MERCHANT, _PLATFORM, ends_stage=False),
    Command.AGREE_LIMIT: _by(_BUYER, _MERCHANT, _PLATFORM, ends_stage=False),
    Command.HOLD: _by(_PLATFORM, ends_stage=False),
}
"""Legal in every state that waits for a party, before the refund starts."""

MOVES: Mapping[State, Mapping[Command, Move]] = {
    State.AWAITING_MERCHANT_REVIEW: {
        Command.APPROVE: _by(_MERCHANT),
        Command.REJECT: _by(_MERCHANT),
        Command.OFFER: _by(_MERCHANT),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_CONFIRMATION: {
        Command.ACCEPT_OFFER: _by(_BUYER),
        Command.DECLINE_OFFER: _by(_BUYER),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_RETURN: {
        Command.SHIP_BACK: _by(_BUYER),
        **_ALWAYS,
    },
    State.AWAITING_MERCHANT_RECEIPT: {
        Command.CONFIRM_RECEIPT: _by(_MERCHANT),
        Command.REFUSE_RECEIPT: _by(_MERCHANT),
        Command.EXTEND: _by(_MERCHANT, ends_stage=False),
        **_ALWAYS,
    },
    State.AWAITING_MERCHANT_DISPATCH: {
        Command.DISPATCH: _by(_MERCHANT),
        Command.AMEND: _by(_BUYER),
        **_ALWAYS,
    },
    State.AWAITING_BUYER_RECEIPT: {
        Command.CONFIRM_DELIVERY: _by(_BUYER),
        **_ALWAYS,
    },
    State.MERCHANT_REJECTED: {
        Command.AMEND: _by(_BUYER),
        Command.ESCALATE: _by(_BUYER),
        **_ALWAYS,
    },
    State.IN_ARBITRATION: {
        Command.RULE: _by(_PLATFORM),
        **_ALWAYS,
    },
    State.REFUNDING: {
        Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
    },
    State.REFUND_FAILED: {
        Command.RETRY_REFUND: _by(_PLATFORM),
        Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
    },
    State.COMPLETED: {},
    State.CLOSED: {},
}

WHILE_HELD: Mapping[Command, Move] = {
    Command.RESUME: _by(_PLATFORM, ends_stage=False),
    Command.WITHDRAW: _ALWAYS[Command.WITHDRAW],
    Command.ADD_EVIDENCE: _ALWAYS[Command.ADD_EVIDENCE],
}
"""All that is legal while an operator holds the case (R16)."""

AWAITED: Mapping[State, Party | None] = {
    State.AWAITING_MERCHANT_REVIEW: _MERCHANT,
    State.AWAITING_BUYER_RETURN: _BUYER,
    State.AWAITING_MERCHANT_RECEIPT: _MERCHANT,
    State.AWAITING_MERCHANT_DISPATCH: _MERCHANT,
    State.AWAITING_BUYER_RECEIPT: _BUYER,
    State.AWAITING_BUYER_CONFIRMATION: _BUYER,
    State.MERCHANT_REJECTED: _BUYER,
    State.IN_ARBITRATION: _PLATFORM,
    State.REFUNDING: Party.SYSTEM,
    State.REFUND_FAILED: _PLATFORM,
    State.COMPLETED: None,
    State.CLOSED: None,
}
"""Whose move it is."""

PARTIES: Mapping[Command, frozenset[Party]] = {
    command: frozenset().union(*(moves[command].parties for moves in [*MOVES.values(), WHILE_HELD] if command in moves))
    for command in Command
}
"""Who may ever give a command."""


def legal(state: State, *, held: bool) -> Mapping[Command, Move]:
    """The commands that are legal now, by whoever may give them."""
    return WHILE_HELD if held else MOVES[state]

"""The table of legal moves: complete, and known to everything that reads it."""

from pathlib import Path

import pytest
from temporalio import workflow

from aftersale.case import diagrams
from aftersale.case.intake import CLOCKS
from aftersale.case.moves import AWAITED, BY_ITSELF, MOVES, PARTIES, STEPS, WHILE_HELD, destination, legal
from aftersale.contract.commands import PAYLOADS
from aftersale.vocabulary import CaseKind, Clock, Command, Party, State
from workflows.cases.apply import EVENTS
from workflows.cases.types import Return

WAITING = [
    State.AWAITING_MERCHANT_REVIEW,
    State.AWAITING_BUYER_RETURN,
    State.AWAITING_MERCHANT_RECEIPT,
    State.AWAITING_MERCHANT_DISPATCH,
    State.AWAITING_BUYER_RECEIPT,
]
FINAL = [State.COMPLETED, State.CLOSED]


@pytest.mark.parametrize("command", Command)
def test_a_command_is_known_everywhere(command: Command) -> None:
    updates = workflow._Definition.must_from_class(Return).updates
    assert command in PAYLOADS
    assert command.value in updates, "it has no update on the case"
    assert updates[command.value].validator is not None, "nobody refuses it at the door"
    assert command in EVENTS
    assert PARTIES[command], "nobody may ever give it"
    assert any(command in moves for moves in [*MOVES.values(), WHILE_HELD])


def test_every_command_has_its_own_payload_and_event() -> None:
    assert len(set(PAYLOADS.values())) == len(Command)
    assert len(set(EVENTS.values())) == len(Command)


@pytest.mark.parametrize("state", State)
def test_a_state_says_who_is_awaited_and_what_is_legal(state: State) -> None:
    assert state in MOVES
    assert state in AWAITED


@pytest.mark.parametrize("state", FINAL)
def test_nothing_is_legal_once_a_case_is_final(state: State) -> None:
    assert (MOVES[state], AWAITED[state]) == ({}, None)


@pytest.mark.parametrize("state", [state for state in State if AWAITED[state] not in (None, Party.SYSTEM)])
def test_whoever_is_awaited_can_do_something(state: State) -> None:
    assert [command for command, move in MOVES[state].items() if AWAITED[state] in move.parties]


@pytest.mark.parametrize("state", [*WAITING, State.MERCHANT_REJECTED])
def test_the_buyer_may_withdraw_wherever_a_party_is_awaited(state: State) -> None:
    assert MOVES[state][Command.WITHDRAW].parties == {Party.BUYER}


@pytest.mark.parametrize("state", [State.REFUNDING, State.REFUND_FAILED])
def test_nobody_may_withdraw_or_hold_once_the_refund_has_started(state: State) -> None:
    assert not {Command.WITHDRAW, Command.HOLD, Command.AGREE_LIMIT} & MOVES[state].keys()


@pytest.mark.parametrize("command", [Command.HOLD, Command.RESUME, Command.RETRY_REFUND])
def test_what_only_the_platform_may_do(command: Command) -> None:
    assert PARTIES[command] == {Party.PLATFORM}


def test_a_hold_leaves_three_commands() -> None:
    assert set(WHILE_HELD) == {Command.RESUME, Command.WITHDRAW, Command.ADD_EVIDENCE}
    assert legal(State.AWAITING_BUYER_RETURN, CaseKind.RETURN, held=True) == WHILE_HELD
    assert legal(State.AWAITING_BUYER_RETURN, CaseKind.RETURN, held=False) == MOVES[State.AWAITING_BUYER_RETURN]


def test_a_case_is_split_by_every_clock_that_its_parties_run() -> None:
    for kind, clocks in CLOCKS.items():
        assert Clock.MERCHANT_REVIEW in clocks
        sent_back = {Clock.BUYER_RETURN, Clock.MERCHANT_RECEIPT} & set(clocks)
        assert len(sent_back) == (2 if kind in (CaseKind.RETURN, CaseKind.EXCHANGE, CaseKind.REPAIR) else 0)
        assert (Clock.BUYER_RECEIPT in clocks) == (kind in (CaseKind.EXCHANGE, CaseKind.RESHIP, CaseKind.REPAIR))


@pytest.mark.parametrize("state", State)
def test_a_state_that_is_not_final_leads_on_by_itself_or_by_a_command(state: State) -> None:
    leads = [goal for move in MOVES[state].values() for goal in move.leads] + [
        goal for goals in BY_ITSELF[state].values() for goal in goals
    ]
    assert bool(leads) == (state not in FINAL)


@pytest.mark.parametrize("kind", STEPS)
def test_from_every_state_of_a_kind_a_final_one_is_reached_though_nobody_moves(kind: CaseKind) -> None:
    alerts = {State.AWAITING_MERCHANT_DISPATCH, State.IN_ARBITRATION, State.REFUND_FAILED}
    for state in STEPS[kind]:
        while state not in FINAL and state not in alerts:
            goals = next(iter(BY_ITSELF[state].values()))
            state = destination(state, goals[0], kind)
        assert state in [*FINAL, *alerts], "nobody is called"


def test_an_item_may_be_beyond_repair_in_a_repair_alone() -> None:
    for kind in STEPS:
        offered = legal(State.AWAITING_MERCHANT_DISPATCH, kind, held=False)
        assert (Command.REPORT_IRREPARABLE in offered) == (kind is CaseKind.REPAIR)


def test_the_diagrams_in_the_docs_are_those_of_the_table() -> None:
    assert Path("docs/states.md").read_text(encoding="utf-8") == diagrams.page(), "run: make diagrams"


@pytest.mark.parametrize("kind", STEPS)
def test_every_state_of_a_kind_s_way_is_on_its_diagram(kind: CaseKind) -> None:
    drawn = diagrams.diagram(kind)
    for state in STEPS[kind]:
        assert f"as {state}" in drawn

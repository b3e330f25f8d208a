"""A state diagram of each kind of case in Mermaid, drawn from the table of moves: docs/states.md.

python -m aftersale.case.diagrams > docs/states.md
"""

from collections import defaultdict
from collections.abc import Iterator

from aftersale.case.moves import BY_ITSELF, STEPS, Goal, destination, legal
from aftersale.vocabulary import CaseKind, Command, State

_ELSEWHERE = "another_kind"

_HEAD = """# The states of a case

Drawn from `aftersale/case/moves.py` by `python -m aftersale.case.diagrams`; a test compares both. An arrow names who
gives a command, or what happens by itself. Commands that leave a case where it stands are not drawn: `add_evidence`,
`agree_limit`, `extend`, `hold` and `resume`. The buyer may `withdraw` from every state that waits for a party, which
closes the case; that is not drawn either. Nor is that `refunding` stands before every end at which a refund that was
paid ahead (极速退款) turns out not to be owed: it is taken back then.
"""


def page() -> str:
    """Return the page of all diagrams."""
    return "\n".join([_HEAD, *(f"## {kind.words}\n\n```mermaid\n{diagram(kind)}\n```\n" for kind in STEPS)])


def diagram(kind: CaseKind) -> str:
    """Return the states that a case of the kind may pass, and what leads from one to another."""
    arrows = _arrows(kind)
    seen = dict.fromkeys(each for arrow in arrows for each in arrow)
    named = [f'    state "{state.words}" as {state}' for state in State if state in seen]
    if _ELSEWHERE in seen:
        named.append(f'    state "as another kind" as {_ELSEWHERE}')
    drawn = [f"    {start} --> {end}: {' / '.join(labels)}" for (start, end), labels in arrows.items()]
    final = [f"    {state} --> [*]" for state in (State.COMPLETED, State.CLOSED) if state in seen]
    return "\n".join(["stateDiagram-v2", *named, f"    [*] --> {STEPS[kind][0]}", *drawn, *final])


def _arrows(kind: CaseKind) -> dict[tuple[str, str], list[str]]:
    """Return what leads from one state to the next, over all states that can be reached from the first."""
    arrows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    ahead, passed = [STEPS[kind][0]], set[State]()
    while ahead:
        state = ahead.pop(0)
        if state in passed:
            continue
        passed.add(state)
        for label, goal in _leads(state, kind):
            end = _end(state, goal, kind)
            if end is not None:
                ahead.append(end)
            arrows[state, end or _ELSEWHERE].append(label)
    return {ends: list(dict.fromkeys(labels)) for ends, labels in arrows.items()}


def _end(state: State, goal: Goal, kind: CaseKind) -> State | None:
    """Say where a move leads, unless the case goes on as another kind whose way is drawn there."""
    end = destination(state, goal, kind)
    elsewhere = isinstance(goal, CaseKind) and goal is not kind and end is not State.REFUNDING
    return None if elsewhere else end


def _leads(state: State, kind: CaseKind) -> Iterator[tuple[str, Goal]]:
    for label, goals in BY_ITSELF[state].items():
        yield from ((label, goal) for goal in goals)
    for command, move in legal(state, kind, held=False).items():
        if command is not Command.WITHDRAW:
            who = " or ".join(sorted(move.parties))
            yield from ((f"{who} {command}", goal) for goal in move.leads)


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201

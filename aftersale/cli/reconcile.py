"""`aftersale reconcile`: hold records, outbox and ledger against Temporal and the payment service, by hand."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aftersale.cli.connections import on_cases, on_records
from aftersale.cli.errors import REFUSED, AsJson, report_errors
from aftersale.cli.output import draw, say, say_json, table, warn
from aftersale.errors import Refusal, bad_input
from aftersale.inert import inert
from aftersale.reconciliation.closing import closing_turn
from aftersale.reconciliation.discrepancies import Reconciled, RecordedDiscrepancy
from aftersale.reconciliation.judgement import Execution, ExecutionState
from aftersale.schema import is_id
from aftersale.times import floor, local

if TYPE_CHECKING:
    from aftersale.records import Records

PATIENCE = timedelta(minutes=3)
"""How long is waited for a reconciliation that workers do."""


def reconcile(
    close: Annotated[
        str | None, typer.Option(metavar="CASE", help="Only close this case, which Temporal no longer knows.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what does not agree: open cases that nothing runs, failing tasks, late lapses, waiting messages, the books.

    Workers look; what is new is told to the platform once, and a case that Temporal ended is closed. Exit status 1
    while anything stands; each line says what, and the command that mends it.
    """
    with report_errors(as_json), on_records() as kept:
        if close is not None:
            _close(kept, close)
            say_json({"case_id": close, "closed": True}) if as_json else say(
                f"case {close} is closed, and holds nothing"
            )
            return
        came_to = on_cases(lambda cases: cases.reconciliations.run(PATIENCE))
        standing = kept.reconciliation.open_discrepancies()
    _show(came_to, standing, as_json)
    raise typer.Exit(REFUSED if standing or came_to.unanswered else 0)


def _close(kept: "Records", case_id: str) -> None:
    """Close a case that Temporal does not know any more. Raises BadInput for one that it knows, Refusal if over."""
    if not is_id(case_id):
        raise bad_input("--close", "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -; correct it")
    if on_cases(lambda cases: cases.is_known(case_id)):
        said = (
            f"{case_id} is known to Temporal: cancel it there if it runs; `aftersale reconcile` closes what has ended"
        )
        raise bad_input("--close", said)
    if not kept.cases.is_running(case_id):
        raise Refusal("illegal_move", f"the records show no open case {case_id}; see `aftersale show {case_id}`")
    now = floor(datetime.now(UTC))
    gone = Execution(ExecutionState.UNKNOWN, "unknown", says="is not known to Temporal any more")
    kept.ledger.release(case_id, now)
    message_id = f"{case_id}/terminated/{gone.run_id}/buyer"
    kept.reconciliation.add_closing_turn(case_id, message_id, partial(closing_turn, execution=gone, now=now), now)


def _show(came_to: Reconciled, standing: list[RecordedDiscrepancy], as_json: bool) -> None:
    if as_json:
        found = [each.model_dump(mode="json") for each in standing]
        say_json({**came_to.model_dump(mode="json"), "ok": not standing, "discrepancies": found})
        return
    if standing:
        rows = [[each.kind.words, local(each.found_at), each.says, each.command] for each in standing]
        draw(table("Discrepancies", ("what", "since", "which", "command"), rows))
    said = f"{len(standing)} discrepancies, {came_to.new} of them new" if standing else "all agrees"
    say(inert(f"{said}; {came_to.closed} cases closed"))
    for part, why in came_to.unanswered.items():
        warn(f"{part} could not be looked at: {why}")

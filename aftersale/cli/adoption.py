"""`aftersale ledger adopt`: after a restore, have the ledger take over what it has forgotten."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aftersale.cli.connections import on_cases, on_records
from aftersale.cli.errors import REFUSED, AsJson, report_errors
from aftersale.cli.ledger import PATIENCE, payments_in
from aftersale.cli.output import say, say_json
from aftersale.inert import inert
from aftersale.times import floor


def adopt(
    statement: Annotated[
        str, typer.Option(metavar="FILE|-", help="All that the payment service ever paid, as JSON Lines.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a restored ledger whole: by what Temporal's cases know, and what the payment service says it paid.

    With all workers stopped; safe to repeat. Exit status 1 where the books still differ from the statement.
    """
    with report_errors(as_json), on_records(PATIENCE) as kept:
        payments = list(payments_in(statement))
        now = floor(datetime.now(UTC))
        adopted = on_cases(lambda cases: cases.restores.adopt(kept, payments, now))
        left = kept.ledger.check(payments)
    if as_json:
        differences = [each.model_dump(mode="json") for each in left]
        say_json({"ok": not left, **adopted.model_dump(mode="json"), "differences": differences})
    else:
        ending = f"{len(left)} differences are left" if left else "the books are right; start the workers"
        lines = [
            *(f"reserved again: case {case_id}" for case_id in adopted.reservations),
            *(f"taken over: {key}" for key in adopted.instructions),
            *(f"{each.kind}: {each.says}" for each in left),
        ]
        say(inert("\n".join([*lines, ending])))
    raise typer.Exit(REFUSED if left else 0)

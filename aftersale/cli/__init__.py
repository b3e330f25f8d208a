"""The `aftersale` command: open cases, look at them, list them, move them on; ask the ledger and the policy book.

Answers are tables for people, or JSON with `--json`. Exit status 0: done; 1: refused by the case; 2: wrong input, or
no answer. Temporal and the database are loaded only by the commands that need them.
"""

import io
import sys

import typer

from aftersale.cli import adoption, cases, lists
from aftersale.cli.errors import Answering
from aftersale.cli.ledger import ledger
from aftersale.cli.policy.book import policy
from aftersale.cli.reconcile import reconcile
from aftersale.cli.services import services
from aftersale.cli.setup import setup
from aftersale.cli.watch import watch

__all__ = ["app", "main"]

app = typer.Typer(help="After-sale cases, and the policy book that sets their clocks.", no_args_is_help=True)
app.command("open", cls=Answering)(cases.open_)
app.command("show", cls=Answering)(cases.show)
app.command("list", cls=Answering)(lists.list_)
app.command("due", cls=Answering)(lists.list_due)
app.command("act", cls=Answering)(cases.act)
app.command("reconcile", cls=Answering)(reconcile)
app.command("setup", cls=Answering)(setup)
ledger.command(cls=Answering)(adoption.adopt)
app.add_typer(ledger)
app.add_typer(policy)
app.add_typer(services)
app.add_typer(watch)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has no Chinese is no reason to fail
    app(prog_name="aftersale")

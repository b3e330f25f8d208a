"""Ends of a command: an answer, or what went wrong in words or in JSON, with an exit status for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from aftersale.cli.output import say_json, warn
from aftersale.errors import AftersaleError, NoAnswer, Refusal, bad_input

REFUSED = 1
"""The exit status where a case does not take what it is given, or a policy book has something to mend."""

FAULTY = 2
"""The exit status where a question, an option or the book itself is wrong, or no answer is to be had."""

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
AlwaysJson = Annotated[bool, typer.Option("--json", help="Taken for likeness: the answer is JSON always.")]


class Answering(TyperCommand):
    """A command that answers in JSON where it is asked to, or always does, even if it cannot read its own options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; say in JSON what is wrong with them to a program that reads JSON."""
        asked = any(word.partition("=")[0] == "--json" for word in args)
        always = any(option.name == "as_json" and option.default is True for option in self.params)
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if not (asked or always):
                raise
            said = f"{error.format_message().rstrip('.')}; see {ctx.command_path} --help"
            leave(bad_input("", said), as_json=True)


@contextmanager
def report_errors(as_json: bool) -> Iterator[None]:
    """Turn this package's errors into words, or into JSON, and an exit status; other errors pass."""
    try:
        yield
    except AftersaleError as error:
        leave(error, as_json=as_json)


def leave(error: AftersaleError, *, as_json: bool) -> NoReturn:
    """Say what went wrong, with what a program needs to go on, and leave."""
    if as_json:
        say_json(error_as_json(error))
    else:
        warn(words(error))
    raise typer.Exit(status(error)) from None


def error_as_json(error: AftersaleError) -> dict[str, Any]:
    """Return an error as programs read it."""
    found: dict[str, Any] = {"error": words(error)}
    if isinstance(error, Refusal):
        found["code"] = error.code
    if isinstance(error, NoAnswer) and error.request_id:
        found["request_id"] = error.request_id
    return found


def words(error: AftersaleError) -> str:
    """Return an error as people read it, with the hints that were noted on its way."""
    return "; ".join([str(error), *getattr(error, "__notes__", ())])


def status(error: AftersaleError) -> int:
    """Return the exit status that an error asks for: 1 for a refusal, 2 for all else."""
    return REFUSED if isinstance(error, Refusal) else FAULTY

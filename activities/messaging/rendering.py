"""Messages in words: a template for every event and language, the operator's own before ours."""

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from aftersale.contract.message import Message
from aftersale.errors import BadInput, Problem
from aftersale.inert import inert
from aftersale.times import POLICY_ZONE, parse_instant
from aftersale.vocabulary import CaseKind, Command, MessageEvent, OnTimeout, Party, State, Term

SETTING = "templates.folder"
"""How an error names the folder."""

DIGEST = "digest"
"""The template that lists several messages."""

_OURS = Path(__file__).parent / "templates"
_FILES = (*(event.value for event in MessageEvent), DIGEST)

_OF_SHIPMENTS = (MessageEvent.VIOLATION, MessageEvent.VIOLATION_CLEARED)
"""What is told of a watched shipment, which is no case."""

_LOG = logging.getLogger("aftersale.messenger")


class Language(StrEnum):
    """The languages that messages are written in."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class RenderedMessage(NamedTuple):
    """A title of one line, and a body of as many as it needs; plain text."""

    title: str
    body: str


class Templates:
    """The templates of every language, each tried once before the first message needs it.

    A template knows the facts of a message under the names of its fields, terms and instants in the reader's own words,
    what is absent as an empty text. `digest.txt` has a list of such facts, `messages`, with `to` and `recipient`. The
    first line is the title. Nothing in a template can reach further than these values.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Read `<language>/<event>.txt` in the folder where it has such a file, and ours where not.

        Files that begin with an underscore are there to be included. Raises BadInput, which names every file and line
        that cannot be used.
        """
        self._ours = {language: _environment([_OURS], language) for language in Language}
        self._first = {language: _environment([folder, _OURS], language) for language in Language} if folder else {}
        problems = [*_misplaced(folder)] if folder else []
        problems += [problem for language in Language for problem in self._spoiled(language)]
        if problems:
            raise BadInput(problems)

    def tell(self, language: Language, message: Message) -> RenderedMessage:
        """Return a message in words."""
        return self._written(language, message.event, facts(message, language))

    def digest(self, language: Language, messages: Sequence[Message]) -> RenderedMessage:
        """Several messages to one recipient, in words. There is at least one."""
        listed = [facts(message, language) for message in messages]
        about = {name: listed[0][name] for name in ("to", "recipient")}
        return self._written(language, DIGEST, {"messages": listed, **about})

    def _written(self, language: Language, name: str, values: Mapping[str, Any]) -> RenderedMessage:
        if own := self._first.get(language):
            try:
                return _rendered(own, name, values)
            except Exception as error:  # an operator's template may do anything
                said = f"template {_place(error, language, name)} failed ({type(error).__name__}); ours is used"
                _LOG.warning("%s; see that it allows for facts that are empty", said)
        return _rendered(self._ours[language], name, values)

    def _spoiled(self, language: Language) -> Iterator[Problem]:
        environment = self._first.get(language) or self._ours[language]
        for name in _FILES:
            try:
                for values in _samples(name, language):
                    _rendered(environment, name, values)
            except Exception as error:  # whatever a template can do wrong
                yield Problem(field=SETTING, message=f"{_place(error, language, name)}: {_said(error)}")


def facts(message: Message, language: Language) -> dict[str, Any]:
    """Return what a template knows of a message: its fields, in the reader's words; what is absent is an empty text."""

    def told(fact: object) -> object:
        match fact:
            case Term():
                return fact.zh if language is Language.CHINESE else fact.value.replace("_", " ")
            case datetime():
                return readable(fact)
            case tuple():
                return [told(each) for each in fact]
            case _:
                return fact or ""

    says = inert(" ".join(message.says.split()))  # a party's words cannot begin a line of their own
    return {name: told(fact) for name, fact in message} | {"says": says}


def readable(instant: datetime) -> str:
    """Return an instant as people in the policy's zone read it, with the zone: 2024-02-04 00:00:00 (UTC+8)."""
    here = instant.astimezone(POLICY_ZONE)
    offset = here.utcoffset()
    assert offset is not None
    hours, minutes = divmod(int(offset.total_seconds()) // 60, 60)
    return f"{here:%Y-%m-%d %H:%M:%S} (UTC{hours:+d}{f':{minutes:02d}' if minutes else ''})"


def _environment(folders: Sequence[Path], language: Language) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder / language) for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        autoescape=False,  # plain text; channels that show HTML or Markdown escape it as a whole
    )


def _rendered(environment: ImmutableSandboxedEnvironment, name: str, values: Mapping[str, Any]) -> RenderedMessage:
    title, _, body = environment.get_template(f"{name}.txt").render(values).strip().partition("\n")
    if not title:
        raise ValueError("nothing is in it; write the title on the first line")
    return RenderedMessage(title.strip(), body.strip())


def _samples(name: str, language: Language) -> Iterator[Mapping[str, Any]]:
    """Return what a template must be able to write: a message with every fact, and one with as few as there can be."""
    event = next((event for event in MessageEvent if event.value == name), MessageEvent.MOVE_AWAITED)
    lean = _of_a_shipment(event) if event in _OF_SHIPMENTS else _of_a_case(event)
    if event is MessageEvent.DISCREPANCY:
        lean = Message(message_id="reconciliation/1", discrepancy_id="outbox", to=Party.PLATFORM, event=event)
    full: dict[str, Any] = {
        "order_id": "O-88",
        "recipient": "M-7",
        "says": "return requested",
        "commands": (Command.APPROVE, Command.REJECT),
        "respond_by": parse_instant("2024-02-04T00:00:00+08:00"),
        "on_timeout": OnTimeout.AUTO_APPROVE,
        "corrects": "C-1/0",
    }
    if name == DIGEST:
        both = [facts(each, language) for each in (_of_a_case(event), _of_a_shipment(MessageEvent.VIOLATION))]
        yield {"messages": both, "to": both[0]["to"], "recipient": ""}
    for known in ([facts(lean.model_copy(update=full), language)], [facts(lean, language)]):
        yield {"messages": known, "to": known[0]["to"], "recipient": ""} if name == DIGEST else known[0]


def _of_a_case(event: MessageEvent) -> Message:
    state = State.AWAITING_MERCHANT_REVIEW
    return Message(message_id="C-1/1", case_id="C-1", to=Party.MERCHANT, event=event, kind=CaseKind.RETURN, state=state)


def _of_a_shipment(event: MessageEvent) -> Message:
    return Message(message_id="watch/S-1/1", shipment_id="S-1", to=Party.MERCHANT, event=event)


def _misplaced(folder: Path) -> Iterator[Problem]:
    """Files that no message would ever be written with."""
    if not folder.is_dir():
        yield Problem(field=SETTING, message="is no folder; name one that holds <language>/<event>.txt")
    for path in sorted(folder.rglob("*.txt")):
        place = path.relative_to(folder)
        if str(place.parent) not in [*Language] or not (path.stem in _FILES or path.stem.startswith("_")):
            known = f"write {' or '.join(Language)}, then one of {', '.join(f'{name}.txt' for name in _FILES)}"
            yield Problem(field=SETTING, message=f"{place}: no message is written with it; {known}")


def _place(error: Exception, language: Language, name: str) -> str:
    """Say which line of which template the error is about, as far as that can be told."""
    if isinstance(error, TemplateSyntaxError):
        return f"{language}/{error.name or f'{name}.txt'}, line {error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(".txt"):
            return f"{language}/{Path(frame.filename).name}, line {frame.lineno}"
    return f"{language}/{name}.txt"


def _said(error: Exception) -> str:
    known = f"a message has {', '.join(_KNOWN)}; {DIGEST}.txt has messages, to, recipient"
    return f"{str(error) or type(error).__name__}; correct it, or remove the file for our own words ({known})"


_KNOWN = tuple(next(_samples(MessageEvent.ALERT, Language.ENGLISH)))

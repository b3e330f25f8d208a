"""Channels: the apprise URLs through which parties are told, each with what it is to carry, and in which words."""

import copy
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.common import OverflowMode

from activities.messaging.channel_http import bind_requests
from activities.messaging.rendering import Language, RenderedMessage
from activities.outside_http import is_loopback
from aftersale.contract.message import Message
from aftersale.errors import BadInput, Problem
from aftersale.times import span
from aftersale.vocabulary import MessageEvent, Party

EVENTS, LANGUAGE, DIGEST = "aftersale-events", "aftersale-language", "aftersale-digest"
"""Our own options in a URL's query. The prefix keeps them apart from those of apprise, of which `language` is one."""

AT_ONCE = 4
"""How many messages an endpoint for programs is sent at a time. Others get one after the other, paced as they ask."""

# Endpoints for programs, whose payload takes every fact as a field.
_DATA_SCHEMES = ("json", "jsons", "form", "forms", "xml", "xmls")


class Notification(NamedTuple):
    """What is sent: words for people, and for programs the facts, as texts."""

    title: str
    body: str
    message_ids: tuple[str, ...]
    fields: Mapping[str, str]

    @classmethod
    def of(cls, message: Message, words: RenderedMessage) -> Self:
        """Return a message by itself. Lists are joined by commas; what is absent has no field."""
        told = message.model_dump(mode="json", exclude_none=True).items()
        fields = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in told}
        kept = {name: value for name, value in fields.items() if value}
        return cls(words.title, words.body, (message.message_id,), kept)

    @classmethod
    def digest(cls, messages: Sequence[Message], words: RenderedMessage) -> Self:
        """Several messages to one recipient, known by their ids."""
        ids = tuple(message.message_id for message in messages)
        fields = {"event": "digest", "message_ids": ",".join(ids), "to": str(messages[0].to)}
        if messages[0].recipient:
            fields["recipient"] = messages[0].recipient
        return cls(words.title, words.body, ids, fields)


class Channel:
    """One way to reach parties: an apprise URL, which may hold secrets and is therefore never shown.

    `name` tells channels apart and says nothing of the URL but its scheme; it is the same in every process, and another
    one once the URL, or an option in it, has changed. `events` are all that go through (None: every one), `digest` the
    length of the periods whose messages go out as one, `pace` the seconds that it leaves between two messages, `width`
    how many it takes at a time.
    """

    def __init__(self, url: str) -> None:
        """Prepare the channel; raises ValueError, with the remedy, for a URL or an option that cannot be used."""
        plain, options = _parted(url)
        scheme = plain.partition("://")[0].lower()
        self._service = _opened(plain)
        self._plugin = self._service[0]
        self._takes_fields = scheme in _DATA_SCHEMES
        if self._takes_fields and not (self._plugin.secure or is_loopback(self._plugin.host)):
            raise ValueError(
                f"would be told in the clear, which is for this machine alone; write {scheme}s://host/path"
            )
        if not self._takes_fields and "overflow=" not in plain:
            self._plugin.overflow_mode = OverflowMode.SPLIT  # what is too long would be refused for ever
        self.name = _name(scheme, url)
        self.events = _events(options.get(EVENTS))
        self.language = _language(options.get(LANGUAGE))
        self.digest = _period(options.get(DIGEST))
        self.pace = float(self._plugin.request_rate_per_sec)  # the name misleads: apprise means seconds per request
        self.width = AT_ONCE if self._takes_fields else 1
        self.settings: list[str] = []

    def __repr__(self) -> str:
        return f"<Channel {self.name} of {', '.join(self.settings)}>"

    def takes(self, event: MessageEvent) -> bool:
        """Tell whether messages of this event go through the channel."""
        return self.events is None or event in self.events

    def send(self, notification: Notification) -> bool:
        """Send it, with the ids by which a receiver knows a repeat; False where the channel did not take it.

        Blocks for as long as apprise's own time limits and the channel's pace let it.
        """
        text = f"{notification.body}\n\n[{', '.join(notification.message_ids)}]"
        service = self._with(notification.fields) if self._takes_fields else self._service
        return bool(service.notify(text, notification.title, body_format=NotifyFormat.TEXT))

    def _with(self, fields: Mapping[str, str]) -> Apprise:
        plugin: Any = copy.copy(self._plugin)
        plugin.payload_extras = {**plugin.payload_extras, **fields}
        return Apprise(plugin, asset=self._service.asset)


class Channels:
    """The channels of every party: DingTalk, Feishu, WeCom, e-mail, `json://` endpoints, one URL each."""

    def __init__(self, channels: Mapping[Party, Sequence[str]], fallback: Sequence[str] = ()) -> None:
        """Tell each party through its own channels, or through `fallback` where it has none.

        Raises BadInput, which names every setting that cannot be used and does not repeat its URL.
        """
        self._opened: dict[str, Channel] = {}
        settings = {str(party): channels.get(party, ()) for party in Party} | {"fallback": fallback}
        problems: list[Problem] = []
        found = {name: self._open_all(name, urls, problems) for name, urls in settings.items()}
        if problems:
            raise BadInput(problems)
        self._of = {party: found[party] or found["fallback"] for party in Party}

    @property
    def all(self) -> list[Channel]:
        """Every channel once, whatever the number of settings that name it."""
        return list(self._opened.values())

    def of(self, message: Message) -> list[Channel]:
        """Return the channels that a message goes through; none where its party has none for such an event."""
        return [channel for channel in self._of[message.to] if channel.takes(message.event)]

    def _open_all(self, name: str, urls: Sequence[str], problems: list[Problem]) -> list[Channel]:
        opened: dict[str, Channel] = {}
        for place, url in enumerate(urls):
            setting = f"notifications.{name}.{place}"
            try:
                channel = self._opened.get(url) or Channel(url)
            except ValueError as error:
                problems.append(Problem(field=setting, message=str(error)))
            else:
                self._opened[url] = opened[url] = channel
                channel.settings.append(setting)
        return list(opened.values())


def _parted(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without our own options, and those."""
    address, _, query = url.partition("?")
    parts = [part for part in query.split("&") if part]
    ours = [part for part in parts if part.lower().startswith("aftersale-")]
    options = {name.lower(): unquote(value) for name, _, value in (part.partition("=") for part in ours)}
    if unknown := options.keys() - {EVENTS, LANGUAGE, DIGEST}:
        raise ValueError(f"has {len(unknown)} unknown option(s); write {EVENTS}, {LANGUAGE} or {DIGEST}")
    others = "&".join(part for part in parts if part not in ours)
    return f"{address}?{others}" if others else address, options


def _opened(url: str) -> Apprise:
    bind_requests()
    service = Apprise(asset=AppriseAsset(app_id="aftersale"))
    if not service.add(url) or len(service) != 1:
        raise ValueError("is no channel that apprise can read; write one such as jsons://host:port/path")
    return service


def _name(scheme: str, url: str) -> str:
    """Return the scheme and eight hexadecimal digits, from which a short password cannot be guessed in a useful time.

    Not apprise's own `url_id`: it is the same for two addresses at one provider.
    """
    digest = hashlib.scrypt(url.encode(), salt=b"aftersale channel", n=2**13, r=8, p=1, dklen=4)
    return f"{re.sub(r'[^a-z0-9]', '', scheme)}-{digest.hex()}"


def _events(said: str | None) -> frozenset[MessageEvent] | None:
    if said is None:
        return None
    known = {event.value: event for event in MessageEvent}
    names = [name.strip() for name in said.split(",")]
    if not all(name in known for name in names):
        raise ValueError(f"names an unknown event in {EVENTS}; write some of {', '.join(known)}, parted by commas")
    wanted = frozenset(known[name] for name in names)
    # What a reconciliation finds is an alert, whatever its words.
    return wanted | {MessageEvent.DISCREPANCY} if MessageEvent.ALERT in wanted else wanted


def _language(said: str | None) -> Language:
    known = {language.lower(): language for language in Language}
    if said is not None and said.lower() not in known:
        raise ValueError(f"names an unknown language in {LANGUAGE}; write {' or '.join(Language)}")
    return known[said.lower()] if said is not None else Language.CHINESE


def _period(said: str | None) -> timedelta | None:
    if said is None:
        return None
    try:
        length = span(said)
    except ValueError:
        length = timedelta()
    if not length:
        raise ValueError(f"has no period in {DIGEST}; write a duration such as PT1H or P1D")
    return length

"""The parties, told: each message goes out through the channels of the party that it is for."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from apprise import Apprise, AppriseAsset, NotifyFormat
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.alive import signs_of_life
from aftersale.errors import BadInput, Problem
from aftersale.kinds import Party
from aftersale.messages import Message

# Endpoints for programs, whose payload takes further fields from URL parameters that begin with a colon.
_DATA_SCHEMES = ("json://", "jsons://", "form://", "forms://", "xml://", "xmls://")


class Channel:
    """One way to reach a party: an apprise URL, which may hold secrets and is therefore never shown."""

    def __init__(self, url: str) -> None:
        """Prepare the channel; raises ValueError for a URL that apprise cannot read."""
        self._url = url
        self._service = _opened(url)  # kept, since it paces its messages as the provider asks

    async def deliver(self, message: Message) -> bool:
        """Send the message with its id; False when the channel did not take it."""
        service = _opened(self._with_fields(message)) if self._url.startswith(_DATA_SCHEMES) else self._service
        text = f"{message.body}\n\n[{message.message_id}]"
        return bool(await service.async_notify(text, message.title, body_format=NotifyFormat.TEXT))

    def _with_fields(self, message: Message) -> str:
        told = message.model_dump(mode="json", exclude={"title", "body"}, exclude_none=True)
        fields = urlencode({f":{name}": value for name, value in told.items()})
        return f"{self._url}{'&' if '?' in self._url else '?'}{fields}"


class Notifications:
    """Messages to the parties through apprise: DingTalk, Feishu, WeCom, e-mail, `json://` endpoints, one URL each."""

    def __init__(self, channels: Mapping[Party, Sequence[str]], fallback: Sequence[str] = ()) -> None:
        """Tell each party through its own channels, or through `fallback` where it has none.

        Raises BadInput, which names every setting that apprise cannot read and does not repeat its URL.
        """
        settings = {str(party): channels.get(party, ()) for party in Party} | {"fallback": fallback}
        opened = _opened_all(settings)
        self._channels = {party: opened[party] or opened["fallback"] for party in Party}

    @activity.defn(name="notify")
    async def notify(self, messages: list[Message]) -> None:
        """Send every message to its party, at least once; a party without a channel is not told.

        Each message carries its id, by which a receiver knows a repeat. A broken channel does not keep the others
        waiting: all are tried, and then a retryable ApplicationError names the parties and messages that failed. A
        retry finds in the heartbeat what has been delivered, channel by channel, and sends only the rest.
        """
        delivered: list[str] = list(activity.info().heartbeat_details)
        async with signs_of_life(delivered):
            failed = await self._send(messages, delivered)
        if failed:
            raise _undelivered(failed)

    async def _send(self, messages: list[Message], delivered: list[str]) -> list[Message]:
        """Send what is not delivered yet, and note what is; what no channel took is returned."""
        failed: list[Message] = []
        for message in messages:
            for place, channel in enumerate(self._channels[message.to]):
                mark = f"{message.message_id} {place}"
                if mark in delivered:
                    continue
                if await channel.deliver(message):
                    delivered.append(mark)
                    activity.heartbeat(*delivered)
                else:
                    failed.append(message)
        return failed


def _undelivered(failed: Sequence[Message]) -> ApplicationError:
    named = ", ".join(dict.fromkeys(f"{message.to} ({message.message_id})" for message in failed))
    return ApplicationError(
        f"a channel did not take the message for {named}; it is sent again, what was delivered is not",
        type="notifications_undelivered",
    )


def _opened_all(settings: Mapping[str, Sequence[str]]) -> dict[str, list[Channel]]:
    opened: dict[str, list[Channel]] = {name: [] for name in settings}
    problems = []
    for name, urls in settings.items():
        for place, url in enumerate(urls):
            try:
                opened[name].append(Channel(url))
            except ValueError as error:
                problems.append(Problem(field=f"notifications.{name}.{place}", message=str(error)))
    if problems:
        raise BadInput(problems)
    return opened


def _opened(url: str) -> Apprise:
    service = Apprise(asset=AppriseAsset(app_id="aftersale"))
    if not service.add(url):
        raise ValueError("is no channel that apprise can read; write one such as json://host:port/path")
    return service

"""The house that is simulated: production's own activities over records in memory, with stand-ins outside only."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
from temporalio.worker import WorkflowRunner

from activities import present
from activities.messaging.channels import Notification
from activities.messaging.deliver import Messenger
from activities.messaging.relay import RelaySettings
from activities.messaging.rendering import Templates
from aftersale.client import Cases
from aftersale.policy.book import Book
from aftersale.records.memory import MemoryRecords
from simulation.chance import Chance
from simulation.channels import diverted
from simulation.loop import Inline, VirtualLoop
from simulation.platform import URL, Platform
from simulation.temporal.activities import Hand, hand
from simulation.temporal.instance import definition_of
from simulation.temporal.server import Server, connected
from simulation.temporal.service import Service
from trial.environment import settings_for
from worker import WORKFLOWS, hands

_RELAY = RelaySettings(idle=timedelta(hours=6), lease=timedelta(days=1))
"""How messengers look for messages where an hour passes in no time."""


class House:
    """What is kept from one course to the next, since it takes long to make: records, activities, stand-ins."""

    def __init__(self, books: Sequence[Book]) -> None:
        """Wire the activities of a worker with each of these policy books, the newest last."""
        self.books = list(books)
        self.records = MemoryRecords()
        self.platform = Platform(Chance(0, ()))
        self.service = Service()
        settings = settings_for(URL, "sqlite:///memory")
        self.inbox = Inbox(settings.fallback)
        http, client = httpx.AsyncClient(transport=self.platform), connected(self.service)
        made = [hands(client, settings, book, self.records, http) for book in books]
        self.identities = [identity for _, identity in made]
        self._templates = Templates()
        self._hands = [hand(activities) for activities, _ in made]
        self._prepared: list[WorkflowRunner] = []

    def begin(self, runner: WorkflowRunner, chance: Chance, answers: Mapping[str, dict[str, Any]]) -> "World":
        """Forget the course before, and begin another; a loop must run."""
        self.records.clear()
        self.platform.begin(chance, answers)
        self.inbox.clear()
        self._prepare(runner)
        messenger = Messenger(self.records, self.inbox.channels, self._templates, _RELAY, Inline())
        carrying = hand([messenger.deliver])
        server = Server(WORKFLOWS, runner, self.service, chance)
        world = World(self, server, [{**each, **carrying} for each in self._hands])
        world.employ(0)
        return world

    def _prepare(self, runner: WorkflowRunner) -> None:
        """Have a runner validate every workflow, as a worker does when it starts."""
        if not any(each is runner for each in self._prepared):
            for workflow in WORKFLOWS:
                runner.prepare_workflow(definition_of(workflow))
            self._prepared.append(runner)


class World:
    """One course's world, from its first instant on."""

    def __init__(self, house: House, server: Server, hands: Sequence[Hand]) -> None:
        """Nothing has happened yet."""
        self.house, self.server, self._hands = house, server, hands
        self.cases = Cases(server.client, timeout=timedelta(days=30), now=lambda: server.now)
        self._stack = ExitStack()
        self._stack.enter_context(present.read_from(lambda: server.now))

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def loop(self) -> VirtualLoop:
        """The loop on whose time everything happens."""
        return self.server.loop

    def employ(self, *books: int) -> None:
        """Have workers with these policy books at work, by their places, the newest last."""
        self.server.activities.hands = [self._hands[book] for book in books]
        self.house.service.identities = [self.house.identities[book] for book in books]

    def publish(self, overlap: timedelta) -> None:
        """Put workers with the last policy book to work; those with the first leave after a while."""
        self.employ(0, -1)
        self.loop.call_later(overlap.total_seconds(), self.employ, -1)


class Inbox:
    """The parties' channel: keeps what it is sent."""

    def __init__(self, urls: Sequence[str]) -> None:
        """Nothing has come yet."""
        self.ids: list[str] = []
        self.channels = diverted(urls, self._keep)

    def clear(self) -> None:
        """Forget what has come."""
        self.ids.clear()

    def _keep(self, notification: Notification) -> bool:
        self.ids.extend(notification.message_ids)
        return True

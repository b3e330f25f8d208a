"""Disturbances, at random from a seed: kills, freezes, locks, and services whose answers are late, lost or none."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import httpx

from chaos.database import Database
from chaos.workforce import Workforce
from trial.platform.services import PAYMENTS, STAND_INS

HANDS = 3
"""How many workers there are, unless some are dead."""

_DISTURBANCES = [*["kill"] * 4, *["freeze"] * 3, *["lock"] * 3, *["service"] * 8]
_PAID = [f"/{path}{looked_up}" for path in PAYMENTS for looked_up in ("", "/")]
_ASKED = [f"/{path}" for service in STAND_INS.values() for path in service.paths]
_LATE = (2.0, 9.5, 15.0)
"""Seconds: in time, at the edge of our client's patience, and after it, so that the work is done all the same."""


class Disturbances:
    """Disturbs until it is cancelled; `tried` counts what was done, by its name."""

    def __init__(self, workers: Workforce, database: Database, platform_url: str, tried: Counter[str]) -> None:
        """Do nothing yet."""
        self._workers, self._database, self._tried = workers, database, tried
        self._platform_url = platform_url
        self._armed = 0

    async def run(self, chance: Random) -> None:
        """Disturb again and again; what lasts goes on beside what comes next."""
        async with httpx.AsyncClient(base_url=self._platform_url) as http, asyncio.TaskGroup() as going_on:
            while True:
                await asyncio.sleep(chance.uniform(0.2, 1.6))
                going_on.create_task(self._disturb(chance.choice(_DISTURBANCES), chance, http))

    async def let_go(self) -> None:
        """Have services behave and all workers at work again, and count the faults that found somebody."""
        async with httpx.AsyncClient(base_url=self._platform_url) as http:
            left = (await http.get("/faults")).json()["armed"]
            (await http.delete("/faults")).raise_for_status()
        self._tried["fault of services that somebody met"] = self._armed - sum(fault["times"] for fault in left)
        await self._workers.fill(HANDS)

    async def _disturb(self, name: str, chance: Random, http: httpx.AsyncClient) -> None:
        match name:
            case "kill":
                if await self._workers.kill(chance):
                    self._count("kill")
                await asyncio.sleep(chance.uniform(0, 3))
                await self._workers.fill(HANDS)
            case "freeze":
                await self._workers.freeze(chance, chance.choice([0.5, 3, 12]), lambda: self._count("freeze"))
            case "lock":
                self._count("lock")
                await self._database.lock(chance.choice([0.3, 2, 5]))
            case _:
                fault = fault_of_a_service(chance)
                with suppress(httpx.TransportError):
                    (await http.post("/faults", json=fault)).raise_for_status()
                    self._armed += fault["times"]
                    self._tried[f"fault {fault['fault']}"] += fault["times"]

    def _count(self, name: str) -> None:
        self._tried[f"disturbance {name}"] += 1


def fault_of_a_service(chance: Random) -> dict[str, Any]:
    """Draw a fault of the stand-in platform; payments are met most, since money is what must not be lost."""
    path = chance.choice([*["/refunds"] * 12, *_PAID, *_ASKED, "/inbox"])
    fault = chance.choice(["lose_answer", "lose_answer", "slow", "slow", "reset", "status", *_declining(path)])
    drawn: dict[str, Any] = {"path": path, "fault": fault, "times": chance.choice([1, 1, 2])}
    match fault:
        case "slow":
            drawn["seconds"] = chance.choice(_LATE)
        case "status":
            drawn["status"] = chance.choice([429, 500, 503])
        case _:
            pass
    return drawn


def _declining(path: str) -> Sequence[str]:
    return ["decline"] if path.removeprefix("/") in PAYMENTS else []

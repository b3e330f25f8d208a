"""`python -m chaos`: disturb everything for some minutes, from a seed; then let go, and check all that is left.

Prints what was tried, what was found, and the command that tries it again. Exit status 1 where a rule does not hold.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

from aftersale import records
from aftersale.temporal.worker import run
from chaos.checks import Found, check
from chaos.crowd import Crowd
from chaos.database import Database, database
from chaos.disturbances import HANDS, Disturbances
from chaos.evidence import Left
from chaos.gathering import Gathering
from chaos.workforce import workforce
from trial.dev import worker_environment
from trial.environment import grounds
from trial.server import ServerUnavailable

_MOST_FOUND, _MOST_CHARACTERS = 30, 600


async def disturbed(seed: int, minutes: float, base: Database, folder: Path, tried: Counter[str]) -> Left:
    """Disturb for some minutes, let go, and gather what is left."""
    async with grounds(folder, base.url) as place:
        address = place.client.service_client.config.target_host
        told = worker_environment(address, place.platform_url, base.url)
        async with workforce(told, folder / "workers.log", HANDS) as workers:
            with records.open(base.url) as kept:
                crowd = Crowd(place, kept, seed, tried)
                await _lived(crowd, Disturbances(workers, base, place.platform_url, tried), seed, minutes)
                return await _gathered(Gathering(place, kept, base, folder), crowd)


async def _lived(crowd: Crowd, disturbances: Disturbances, seed: int, minutes: float) -> None:
    living = asyncio.create_task(crowd.live())
    disturbing = asyncio.create_task(disturbances.run(Random(seed)))
    await asyncio.wait({living, disturbing}, timeout=60 * minutes, return_when=asyncio.FIRST_COMPLETED)
    if disturbing.done():
        await disturbing  # what broke it is why nothing was tried
    disturbing.cancel()
    await asyncio.gather(disturbing, return_exceptions=True)
    await disturbances.let_go()
    crowd.be_calm()
    await living
    await crowd.end_others()


async def _gathered(gathering: Gathering, crowd: Crowd) -> Left:
    await gathering.until_settled()
    return await gathering.all(crowd)


def report(tried: Counter[str], left: Left, found: Sequence[Found], took: float) -> str:
    """Tell what was tried, so that it can be seen what was not, and what was found."""
    sorts: dict[str, list[str]] = {}
    for name, times in sorted(tried.items()):
        sort, _, value = name.partition(" ")
        sorts.setdefault(sort, []).append(f"{value} {times}".strip())
    endings = Counter(
        str(case.told.outcome or case.told.close_reason or case.told.state) for case in left.cases if case.told
    )
    sorts["ending"] = [f"{ending} {times}" for ending, times in sorted(endings.items())]
    lines = [f"{sort}: {', '.join(values)}" for sort, values in sorts.items()]
    more = [f"… and {len(found) - _MOST_FOUND} more"] if len(found) > _MOST_FOUND else []
    broken = [f"BROKEN {each.rule}: {each.says}"[:_MOST_CHARACTERS] for each in found[:_MOST_FOUND]]
    head = (
        f"{len(left.cases)} cases and {len(left.watches)} watches in {took:.0f} s, {len(left.payments)} payments asked"
        f" for, {len(left.outbox)} messages owed, {sum(left.inbox.values())} deliveries"
    )
    return "\n".join([head, *lines, *broken, *more, "every rule held" if not found else f"{len(found)} found"])


def main() -> int:
    """Disturb, check, and print."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Disturb everything at random on a server.")
    parser.add_argument("--seed", type=int, help="what all is drawn from; another one each time where it is left out")
    parser.add_argument("--minutes", type=float, default=4, help="for how long to disturb")
    parser.add_argument("--records", choices=["sqlite", "postgresql"], default="sqlite", help="the records' database")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else SystemRandom().randrange(10**6)
    folder, tried, began = Path(tempfile.mkdtemp(prefix="aftersale-chaos-")), Counter[str](), monotonic()
    try:
        with database(chosen.records, folder) as base:
            left = run(disturbed(seed, chosen.minutes, base, folder, tried))
    except (ServerUnavailable, FileNotFoundError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    found = check(left)
    print(f"seed {seed}, records in {chosen.records}: {report(tried, left, found, monotonic() - began)}")
    print(f"try it again:  make chaos SEED={seed} MINUTES={chosen.minutes:g} RECORDS={chosen.records}")
    if found:
        print(f"what is left lies in {folder}: the workers' log, the records, every history")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m trial.platform --port N --db FILE`: the stand-in platform as a process of its own."""

import argparse
import asyncio
import signal
from pathlib import Path

from trial.platform import TRIAL_SECRET, create_app, serve


async def _run(port: int, db: Path) -> None:
    stop = asyncio.Event()
    for received in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(received, stop.set)
    async with serve(create_app(db, TRIAL_SECRET), port) as url:
        print(f"ready: stand-in platform on {url}, kept in {db}", flush=True)
        await stop.wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM; the line beginning `ready` names the address."""
    parser = argparse.ArgumentParser(prog="python -m trial.platform", description="The stand-in platform, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (the default) picks a free one")
    parser.add_argument("--db", type=Path, required=True, help="the SQLite file; made where it is missing")
    chosen = parser.parse_args()
    asyncio.run(_run(chosen.port, chosen.db))


if __name__ == "__main__":
    main()

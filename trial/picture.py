"""Take the picture of a waiting case in the Temporal UI: `python -m trial.picture docs/case-in-the-ui.png`.

It runs what `make dev` runs, on free ports and in a folder of its own, opens a return, approves it, and has a headless
Chromium draw the page. The page asks the server for news without end, so that Chromium's own `--screenshot` takes it
either too early or never: Chromium is spoken to over a pipe instead, and draws once the page says what is awaited.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client

from aftersale import records
from aftersale.client import Cases
from aftersale.contract.commands import Act, Actor, Approve
from aftersale.errors import AftersaleError
from aftersale.temporal.plugin import plugin
from aftersale.temporal.worker import run
from aftersale.vocabulary import CaseKind, Party
from trial.server import HOST, NAMESPACE, ServerUnavailable, free_port

ROOT: Final = Path(__file__).resolve().parents[1]
_WIDTH, _HEIGHT = 1480, 1400
_MENU, _HEAD = 256, 48
"""How much of the page, from the left and from the top, is the UI's own menu: that is left out."""

_WITHIN = 60.0
"""How long, in seconds, each part may take before it counts as one that does not come."""


# The UI renders the case's Markdown in frames of its own.
_FRAMES = "[...document.querySelectorAll('iframe')]"
_SHOWN = f"{_FRAMES}.map(frame => frame.contentDocument?.body?.innerText ?? '').join()"
_BOTTOM = f"Math.max(...{_FRAMES}.map(frame => frame.getBoundingClientRect().bottom)) + 24"


class NoPicture(RuntimeError):
    """What is missing; the message says what to do about it."""


def chromium_command() -> str:
    """Return where Chromium is. Raises NoPicture where there is none."""
    found = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    if found is None:
        raise NoPicture("Chromium is not installed; on Debian run `apt-get install chromium fonts-noto-cjk`")
    return found


def request(now: datetime) -> dict[str, Any]:
    """Return a request for a return that a case takes at `now`."""
    example: dict[str, Any] = json.loads((ROOT / "docs" / "examples" / "return.json").read_text("utf-8"))
    days_ago = {"paid_at": 12, "dispatched_at": 11, "signed_for_at": 9}
    example["order"] |= {name: (now - timedelta(days=days)).isoformat() for name, days in days_ago.items()}
    return example


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[tuple[str, str]]:
    """Run what `make dev` runs, with its files in `folder`; give the addresses of the server and of its UI."""
    port, ui_port = free_port(), free_port()
    given = {
        "TEMPORAL_PORT": str(port),
        "TEMPORAL_UI_PORT": str(ui_port),
        "AFTERSALE_LOCAL": str(folder),
        records.VARIABLE: f"sqlite:///{folder / 'records.db'}",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trial", "dev"), cwd=ROOT, env={**os.environ, **given}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_WITHIN):
            while not (line := await process.stdout.readline()).startswith(b"ready"):
                if not line:
                    raise NoPicture("`make dev` ended before it was ready; what it says above is why")
        yield f"{HOST}:{port}", f"http://{HOST}:{ui_port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def waiting_case(address: str) -> tuple[str, str]:
    """Open a return and approve it; give the path of its page in the UI, and what the page says once it is drawn."""
    client = await Client.connect(address, namespace=NAMESPACE, plugins=[plugin()])
    cases, example = Cases(client), request(datetime.now(UTC))
    await cases.open(CaseKind.RETURN, example)
    merchant = Actor(party=Party.MERCHANT, id=example["merchant_id"])
    approval: Act = Approve(actor=merchant)
    status = await cases.act(example["case_id"], approval, request_id="approve-1")
    workflow_id = f"case/{example['case_id']}"
    found = await client.get_workflow_handle(workflow_id).describe()
    page = f"namespaces/{NAMESPACE}/workflows/{workflow_id.replace('/', '%2F')}/{found.run_id}"
    return page, status.state.words


class Browser:
    """A headless Chromium, spoken to in the DevTools protocol over a pipe: JSON, each message ended by a NUL."""

    def __init__(self, reader: asyncio.StreamReader, writer: int) -> None:
        """Speak over these ends of its pipes."""
        self._reader, self._writer = reader, writer
        self._calls = 0
        self._session: str | None = None

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Return the result of one call; whatever else Chromium says meanwhile is passed over."""
        self._calls += 1
        asked: dict[str, Any] = {"id": self._calls, "method": method, "params": given}
        if self._session is not None:
            asked["sessionId"] = self._session
        os.write(self._writer, json.dumps(asked).encode() + b"\0")
        while True:
            said = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            if said.get("id") == self._calls:
                if "error" in said:
                    raise NoPicture(f"Chromium refused {method}: {said['error'].get('message')}")
                result: dict[str, Any] = said["result"]
                return result

    async def visit(self, address: str) -> None:
        """Open a page, and speak to it from now on."""
        target = await self.call("Target.createTarget", url=address)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]

    async def asked(self, script: str) -> Any:
        """Return what a script of the page comes to."""
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    async def drawn(self) -> bytes:
        """Return what the page shows down to the end of its frames, as PNG."""
        bottom = float(await self.asked(_BOTTOM))
        part = {"x": _MENU, "y": _HEAD, "width": _WIDTH - _MENU, "height": bottom - _HEAD, "scale": 0.75}
        picture = await self.call("Page.captureScreenshot", format="png", clip=part)
        return base64.b64decode(picture["data"])


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    """Run Chromium without a window; its profile is a folder of its own."""
    to_it, from_us = os.pipe()
    from_it, to_us = os.pipe()
    options = ["--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--remote-debugging-pipe"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses its sandbox to root
    # It reads descriptor 3 and writes 4. A plain shell cannot copy a descriptor above 9, but can open it by its name.
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'exec "$0" "$@" 3</dev/fd/{to_it} 4>/dev/fd/{to_us}', chromium_command(), *options),
        *(f"--user-data-dir={profile}", f"--window-size={_WIDTH},{_HEIGHT}"),
        pass_fds=(to_it, to_us),
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(to_it)
    os.close(to_us)
    reader = asyncio.StreamReader(limit=2**26)
    pipe = os.fdopen(from_it, "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield Browser(reader, from_us)
    finally:
        transport.close()
        os.close(from_us)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def picture_of_a_case() -> bytes:
    """Return the picture of a case that waits, as PNG."""
    chromium_command()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with house(Path(folder) / "files") as (address, ui), browser(Path(folder) / "profile") as chromium:
            page, awaited = await waiting_case(address)
            async with asyncio.timeout(_WITHIN):
                await chromium.visit(f"{ui}/{page}/user-metadata")
                while awaited not in str(await chromium.asked(_SHOWN)):
                    await asyncio.sleep(0.2)
                await asyncio.sleep(1)  # a frame takes its height after its text
                return await chromium.drawn()


def main() -> int:
    """Take the picture; what cannot be had is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m trial.picture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="where the PNG is written")
    given = parser.parse_args()
    try:
        given.file.write_bytes(run(picture_of_a_case()))
    except TimeoutError:
        print(f"picture: the server or the page did not come within {_WITHIN:.0f} s", file=sys.stderr)
        return 1
    except (NoPicture, ServerUnavailable, AftersaleError, OSError) as error:
        print(f"picture: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A PostgreSQL server of a test's or trial's own, from Debian's package, on a free port of the loopback.

It is spoken to by the programs that come with it: only the records know the database by a library.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trial.server import free_port

ABSENT = "no PostgreSQL server here; install Debian's package: apt-get install postgresql"


DICTIONARY = {"locale": "C.UTF-8", "locale-provider": "icu", "icu-locale": "en-US"}
"""Words in the order of a dictionary (cash, Coupon), which is not Python's; since PostgreSQL 15."""


def binaries() -> Path | None:
    """Return the folder of the newest server that is installed; Debian keeps it off the path."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(versions, key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0)
    initdb = str(found[-1]) if found else shutil.which("initdb")
    return Path(initdb).parent if initdb else None


class Server:
    """A running server; `url(name)` is that of one of its databases."""

    def __init__(self, folder: Path, binary: Path) -> None:
        """Make a cluster in the folder."""
        self.data, self.binary = folder / "data", binary
        # A server refuses to run as root.
        self.who: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        options = {"pgdata": self.data, "username": "aftersale", "auth": "trust", "encoding": "UTF8", **DICTIONARY}
        made = [str(binary / "initdb"), "--no-sync", *(f"--{name}={value}" for name, value in options.items())]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **self.who)

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "timezone": "Asia/Shanghai",  # no instant may depend on it
            "max_connections": 200,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self.binary / "postgres", "-D", self.data, *options],
            cwd=self.data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.who,
        )
        until = time.monotonic() + 60
        while True:
            if not subprocess.run([self.binary / "pg_isready", "--quiet", "--dbname", self.url("postgres")]).returncode:
                return
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"the PostgreSQL server in {self.data} does not answer; look for what its port has")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop at once, as in a crash: connections break, nothing is rolled up."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
            self.process = None

    def processes(self) -> list[int]:
        """Return the server's processes, those behind connections among them."""
        assert self.process is not None
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    def url(self, database: str) -> str:
        """Return the URL of a database, as a user would write it."""
        return f"postgresql://aftersale@127.0.0.1:{self.port}/{database}"

    def database(self, name: str, template: str = "template1") -> str:
        """Make a database, empty or a copy of another, and return its URL."""
        made = f'CREATE DATABASE "{name}" TEMPLATE "{template}"'
        subprocess.run([self.binary / "psql", "--quiet", "--command", made, self.url("postgres")], check=True)
        return self.url(name)


@contextmanager
def server(binary: Path) -> Iterator[Server]:
    """Run a server for as long as the block runs, in a folder that its user may enter."""
    with tempfile.TemporaryDirectory(prefix="aftersale-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        running = Server(folder, binary)
        running.start()
        try:
            yield running
        finally:
            running.stop()

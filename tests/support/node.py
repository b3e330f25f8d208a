"""Find what is wrong with docker-compose.yml, as far as that can be known of a file that is not run."""

import re
import shlex
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer.main
from ruamel.yaml import YAML  # what check-jsonschema reads with

from aftersale.cli import app
from aftersale.errors import BadInput
from trial.server import temporal_command
from worker import DRAIN, Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / ".env.example"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_SECRET = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|KEY")
_ADDRESS = re.compile(r"(?:^|[@/])([a-z][a-z-]*):(\d+)(?=/|$)")


class Node:
    """The services of a compose file, and the variables that an environment file beside it names."""

    def __init__(self, text: str, example: str) -> None:
        """Read both."""
        read = YAML(typ="safe", pure=True).load(text)
        self.services: dict[str, dict[str, Any]] = read["services"]
        self.volumes: set[str] = set(read["volumes"])
        self.variables: list[tuple[str, str, str]] = _VARIABLE.findall(text)
        self.given = dict(re.findall(r"^(\w+)=(.*)$", example, flags=re.MULTILINE))
        self.offered = dict(re.findall(r"^#(\w+)=(.*)$", example, flags=re.MULTILINE))

    def environments(self) -> Iterator[tuple[str, str, str]]:
        """Each service with each variable that it is told, and the value."""
        for name, service in self.services.items():
            for variable, value in service.get("environment", {}).items():
                yield name, variable, value

    def image(self, service: str) -> str:
        """The image of a service, without its tag."""
        return filled(self.services[service]["image"]).partition(":")[0]


def filled(value: str) -> str:
    """A value as compose reads it where nobody sets a variable that has a default."""
    return _VARIABLE.sub(lambda found: found[3] if found[2] == "-" else "", value)


@cache
def server() -> bytes:
    """The program that the tests run as their server. It carries the template that the server's image reads."""
    return Path(temporal_command()).read_bytes()


@cache
def asked() -> frozenset[str]:
    """The variables that a worker asks its environment for."""

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            names.add(name)
            return default

    names: set[str] = set()
    try:
        Settings.read(Environment())
    except BadInput:
        return frozenset(names)
    raise AssertionError("a worker begins without any setting")


@cache
def template() -> dict[str, str]:
    """The variables that a Temporal server reads, each with its default."""
    found = {}
    # Split first: an expression that begins with what may be absent tries every byte of a hundred million.
    for before, after in pairwise(server().split(b'env "')):
        if name := re.match(rb'([A-Z0-9_]+)"', after):
            default = re.search(rb'default "([^"]*)" \($', before[-200:])
            found[name[1].decode()] = default[1].decode() if default else ""
    return found


def serves(image: str) -> str | None:
    """The port that an image serves."""
    frontend = template()["FRONTEND_GRPC_PORT"]
    return {"temporalio/server": frontend, "temporalio/ui": "8080", "postgres": "5432"}.get(image)


def variables(node: Node) -> Iterator[str]:
    for name, kind, word in node.variables:
        if kind != "-" and name not in node.given:
            yield f"{name}: neither has a default nor stands in .env.example"
        if kind == "-" and name not in node.offered:
            yield f"{name}: is not offered in .env.example"
        if kind == "-" and word and node.offered.get(name, word) != word:
            yield f"{name}: is {word}, and .env.example says {node.offered[name]}"
    used = {name for name, _, _ in node.variables} | asked()
    yield from (f"{name}: stands in .env.example for nobody" for name in {*node.given, *node.offered} - used)


def settings(node: Node) -> Iterator[str]:
    for service, name, _ in node.environments():
        if name.startswith("AFTERSALE_") and name not in asked():
            yield f"{service}: {name} is read by no worker"
        if node.image(service) == "temporalio/server" and name not in template():
            yield f"{service}: {name} is read by no Temporal server"


def addresses(node: Node) -> Iterator[str]:
    for service, name, value in node.environments():
        found = _ADDRESS.findall(filled(value))
        if name in ("POSTGRES_SEEDS", "SQL_HOST"):
            told = node.services[service]["environment"]
            found = [(value, told.get("DB_PORT") or told.get("SQL_PORT"))]
        for host, port in found:
            if host != "localhost" and (host not in node.services or port != serves(node.image(host))):
                yield f"{service}: {name} leads to {host}:{port}, where nobody is"


def ports(node: Node) -> Iterator[str]:
    for service, said in node.services.items():
        for port in map(filled, said.get("ports", [])):
            outside, _, inside = port.rpartition(":")
            if not re.fullmatch(r"127\.0\.0\.1:\d+", outside):
                yield f"{service}: {port} is open to others than this machine"
            if inside != serves(node.image(service)):
                yield f"{service}: {port} leads to a port that is not served"


def paths(node: Node) -> Iterator[str]:
    used = set()
    for service, said in node.services.items():
        mounted = {}
        for volume in said.get("volumes", []):
            source, target, *_ = volume.split(":")
            mounted[target] = source
            if source.startswith("./") and not (ROOT / source).is_file():
                yield f"{service}: {source} does not exist"
        used |= {source for source in mounted.values() if not source.startswith("./")}
        started = [*said.get("entrypoint", []), *said.get("command", [])]
        yield from (f"{service}: {word} is not there" for word in started if word[0] == "/" and word not in mounted)
        if started[:1] == ["aftersale"] and started[1] not in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
            yield f"{service}: there is no command `{shlex.join(started)}`"
        if "build" in said and not (ROOT / said["build"]["context"] / "Dockerfile").is_file():
            yield f"{service}: there is no Dockerfile"
    yield from (f"{name}: is a volume of one side only" for name in used ^ node.volumes)


def secrets(node: Node) -> Iterator[str]:
    for service, name, value in node.environments():
        passwords = re.findall(r"://[^/@]*?:(.*)@", value)
        for secret in [value] if _SECRET.search(name) else passwords:
            if _VARIABLE.sub("", secret):
                yield f"{service}: {name} is written down"
    worker = node.services["worker"]["environment"]
    for name in filter(_SECRET.search, node.given):
        if node.given[name]:
            yield f"{name}: is written down in .env.example"
        mentioned = any(f"${{{name}:" in value for value in worker.values())
        if name not in asked() and not mentioned and worker.get(name) != "":
            yield f"worker: is told {name}, which is none of its business"


def images(node: Node) -> Iterator[str]:
    for service, said in node.services.items():
        name, _, tag = filled(said["image"]).partition(":")
        if "." in name.partition("/")[0]:
            yield f"{service}: names a registry"
        if "build" not in said and not re.match(r"\d", tag):
            yield f"{service}: may be another image tomorrow"


def waiting(node: Node) -> Iterator[str]:
    for service, said in node.services.items():
        for other, how in said.get("depends_on", {}).items():
            ends = node.services[other]["restart"].startswith("on-failure")
            met = (
                ends if how["condition"] == "service_completed_successfully" else "healthcheck" in node.services[other]
            )
            if not met:
                yield f"{service}: waits for {other} for ever"


def workers(node: Node) -> Iterator[str]:
    worker = node.services["worker"]
    yield from (f"worker: {key} forbids a second one" for key in ("container_name", "ports") if key in worker)
    if worker["stop_signal"] != "SIGTERM" or duration(worker["stop_grace_period"]) <= DRAIN:
        yield "worker: is killed before it has drained"


def promises(node: Node) -> Iterator[str]:
    if node.services["temporal"]["environment"]["NUM_HISTORY_SHARDS"] != "512":
        yield "temporal: begins with another number of shards than 512"
    if duration(filled(node.services["temporal-namespace"]["environment"]["RETENTION"])) < timedelta(days=30):
        yield "temporal-namespace: forgets cases within 30 days"


def duration(text: str) -> timedelta:
    """A duration as compose and Temporal write it."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    return timedelta(**{units[text[-1]]: int(text[:-1])})


CHECKS: tuple[Callable[[Node], Iterator[str]], ...] = (
    variables,
    settings,
    addresses,
    ports,
    paths,
    secrets,
    images,
    waiting,
    workers,
    promises,
)


def faults(text: str, example: str) -> list[str]:
    """All that is wrong with a compose file and the environment file that is handed out with it."""
    node = Node(text, example)
    return [fault for check in CHECKS for fault in check(node)]

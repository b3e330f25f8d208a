"""The node of docker-compose.yml: no container runs here, so all that the file says is held against what there is."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from aftersale.temporal.plugin import DEFAULT_ADDRESS
from tests.support.market import Market, market
from tests.support.node import COMPOSE, EXAMPLE, ROOT, Node, faults, filled, server, template
from tests.support.program import finished, working
from trial.server import free_port, temporal_command
from worker import runtime

TEXT, GIVEN = COMPOSE.read_text("utf-8"), EXAMPLE.read_text("utf-8")
NODE = Node(TEXT, GIVEN)


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    async with market(tmp_path_factory.mktemp("node"), working=False) as running:
        yield running


def specified(file: Path) -> subprocess.CompletedProcess[str]:
    """What the compose specification says to a file."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(check, capture_output=True, text=True)


def test_the_file_keeps_to_the_compose_specification(tmp_path: Path) -> None:
    assert specified(COMPOSE).returncode == 0
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(TEXT.replace("stop_signal:", "stop_sign:"))
    refused = specified(misspelt)
    assert refused.returncode == 1 and "stop_sign" in refused.stdout


def test_all_that_the_file_names_is_there() -> None:
    assert faults(TEXT, GIVEN) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("      DB: postgres12", "      DATABASE: postgres12", "temporal: DATABASE is read by no Temporal server"),
        ("AFTERSALE_RECORDS_URL:", "AFTERSALE_RECORDS:", "worker: AFTERSALE_RECORDS is read by no worker"),
        ("${RECORDS_DB_PASSWORD:?set it in .env}@", "hunter2@", "setup: AFTERSALE_RECORDS_URL is written down"),
        ("PWD: ${TEMPORAL_DB_PASSWORD:?set it in .env}", "PWD: hunter2", "temporal: POSTGRES_PWD is written down"),
        ('TEMPORAL_DB_PASSWORD: ""', 'NOTHING: ""', "worker: is told TEMPORAL_DB_PASSWORD, which is none of"),
        ("${TEMPORAL_DB_PASSWORD:?", "${DB_PASSWORD:?", "DB_PASSWORD: neither has a default nor stands in"),
        (":-1.32.0}", ":-1.31.0}", "TEMPORAL_VERSION: is 1.31.0, and .env.example says 1.32.0"),
        (":${POSTGRES_VERSION:-16-bookworm}", "", "records-db: may be another image tomorrow"),
        ("temporalio/ui:", "registry.example/ui:", "temporal-ui: names a registry"),
        ("127.0.0.1:${TEMPORAL_PORT", "${TEMPORAL_PORT", "temporal: 7233:7233 is open to others than this machine"),
        (":8080", ":8081", "temporal-ui: 127.0.0.1:8233:8081 leads to a port that is not served"),
        ("  TEMPORAL_ADDRESS: temporal:7233", "  TEMPORAL_ADDRESS: temporal:7234", "worker: TEMPORAL_ADDRESS leads to"),
        ("SQL_HOST: temporal-db", "SQL_HOST: postgres", "temporal-schema: SQL_HOST leads to postgres:5432"),
        ("./deploy/schema.sh", "./schema.sh", "temporal-schema: ./schema.sh does not exist"),
        ("sh, /deploy/schema.sh", "sh, /schema.sh", "temporal-schema: /schema.sh is not there"),
        ("aftersale, setup", "aftersale, set-up", "setup: there is no command `aftersale set-up`"),
        ("records-data:/var", "record-data:/var", "record-data: is a volume of one side only"),
        ("healthcheck: *answers", "labels: {}", "setup: waits for records-db for ever"),
        ("restart: on-failure:10", "restart: always", "worker: waits for setup for ever"),
        ("stop_grace_period: 30s # ", "stop_grace_period: 20s # ", "worker: is killed before it has drained"),
        ("stop_signal: SIGTERM", "stop_signal: SIGKILL", "worker: is killed before it has drained"),
        ("env_file: .env", "container_name: worker", "worker: container_name forbids a second one"),
        ('"512"', '"4"', "temporal: begins with another number of shards than 512"),
        (":-30d}", ":-29d}", "temporal-namespace: forgets cases within 30 days"),
    ],
)
def test_a_slip_is_noticed(right: str, wrong: str, fault: str) -> None:
    assert right in TEXT
    assert any(found.startswith(fault) for found in faults(TEXT.replace(right, wrong), GIVEN))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("AFTERSALE_NOTIFY_COURIER=", "AFTERSALE_NOTIFY_COURIER: stands in .env.example for nobody"),
        ("AFTERSALE_PAYMENTS_SECRET=whsec_1", "AFTERSALE_PAYMENTS_SECRET: is written down in .env.example"),
    ],
)
def test_a_slip_in_the_example_is_noticed(line: str, fault: str) -> None:
    assert fault in faults(TEXT, f"{GIVEN}{line}\n")


def test_the_environment_file_is_named_to_workers_alone_and_never_committed() -> None:
    assert [name for name, said in NODE.services.items() if said.get("env_file") == ".env"] == ["worker"]
    subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=True)


def test_it_runs_the_server_that_the_tests_run_on() -> None:
    said = subprocess.run([temporal_command(), "--version"], capture_output=True, text=True, check=True).stdout
    versions = {name: filled(NODE.services[name]["image"]).partition(":")[2] for name in ("temporal", "temporal-ui")}
    assert f"(Server {versions['temporal']}, UI {versions['temporal-ui']})" in said


def test_the_server_finds_its_dynamic_configuration_and_knows_its_keys() -> None:
    (volume,) = NODE.services["temporal"]["volumes"]
    source, target, _ = volume.split(":")
    assert target == template()["DYNAMIC_CONFIG_FILE_PATH"]
    keys = re.findall(r"^([\w.]+):$", (ROOT / source).read_text("utf-8"), flags=re.MULTILINE)
    assert keys and all(key.encode() in server() for key in keys)


def test_it_is_reached_where_the_command_line_and_the_readme_look() -> None:
    (frontend,), (ui,) = (map(filled, NODE.services[name]["ports"]) for name in ("temporal", "temporal-ui"))
    assert frontend.rpartition(":")[0] == DEFAULT_ADDRESS
    assert f"<http://{ui.rpartition(':')[0]}>" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").glob("*.sh")), ids=lambda path: path.name)
def test_a_script_can_be_read_by_a_plain_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)


async def test_the_namespace_is_made_once_and_keeps_closed_cases_for_a_month(place: Market) -> None:
    assert "registered" in named("node", place.address).stdout
    async with asyncio.timeout(60):
        # A server takes a moment to know its new namespace everywhere; compose starts a job that failed once more.
        while "update succeeded" not in (again := named("node", place.address)).stdout:
            assert again.returncode == 1
            await asyncio.sleep(0.5)
    found = await place.client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="node"))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)


def test_without_a_server_no_namespace_counts_as_made() -> None:
    assert named("node", f"127.0.0.1:{free_port()}").returncode == 1


def named(namespace: str, address: str) -> subprocess.CompletedProcess[str]:
    """What the job that makes the namespace says, at another address than in the node."""
    told = {name: filled(value) for name, value in NODE.services["temporal-namespace"]["environment"].items()}
    environment = {
        **told,
        "PATH": f"{Path(temporal_command()).parent}:/usr/bin:/bin",
        "TEMPORAL_ADDRESS": told["TEMPORAL_ADDRESS"].replace("temporal:7233", address),
        "TEMPORAL_NAMESPACE": namespace,
    }
    script = ["sh", "deploy/namespace.sh"]
    return subprocess.run(script, cwd=ROOT, env=environment, capture_output=True, text=True)


async def test_a_worker_is_healthy_while_it_polls_and_not_when_it_is_gone(place: Market) -> None:
    metrics = {"AFTERSALE_METRICS_ADDRESS": f"0.0.0.0:{free_port()}"}
    async with working(place, **metrics):
        assert await finished("deploy/healthy.py", environment=metrics) == (0, "", "")
    status, _, said = await finished("deploy/healthy.py", environment=metrics)
    assert status == 1 and said.startswith("AFTERSALE_METRICS_ADDRESS: nothing is to be read there (")


async def test_who_polls_for_nothing_is_not_healthy() -> None:
    metrics = {"AFTERSALE_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"}
    idle = runtime(metrics["AFTERSALE_METRICS_ADDRESS"])
    assert await finished("deploy/healthy.py", environment=metrics) == (1, "", "polls for nothing")
    del idle

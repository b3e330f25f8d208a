"""The image of the worker: its Dockerfile is followed step by step in a folder, and what comes of it is run."""

import re
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.support.dockerfile import BASE, Image, allowed, sources, steps
from tests.support.program import ROOT
from trial.server import free_port

STEPS = steps((ROOT / "Dockerfile").read_text("utf-8"))
LOCKS = {name: (ROOT / "deploy" / name).read_text("utf-8") for name in ("worker.lock", "build.lock")}

_PIN = re.compile(r"^([a-z0-9-]+==\S+)", flags=re.MULTILINE)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    built = Image(tmp_path_factory.mktemp("image"))
    built.build(STEPS)
    return built


def test_the_worker_begins_and_says_what_it_was_not_told(image: Image) -> None:
    ended = image.run(*image.command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "worker: AFTERSALE_PAYMENTS_URL: is required; add it; AFTERSALE_PAYMENTS_SECRET: is required; add it\n"
    )


def test_the_command_line_is_in_it_with_the_policy_book(image: Image) -> None:
    helped = image.run("aftersale", "--help")
    assert helped.returncode == 0 and "setup" in helped.stdout
    checked = image.run("aftersale", "policy", "check")
    assert checked.returncode == 0 and "all is well" in checked.stdout


def test_setup_reaches_for_temporal_and_for_postgresql(image: Image) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    records = f"postgresql://aftersale:secret@{nowhere}/aftersale"
    ended = image.run("aftersale", "setup", TEMPORAL_ADDRESS=nowhere, AFTERSALE_RECORDS_URL=records)
    assert ended.returncode == 2
    assert f"no Temporal server answers at {nowhere}" in ended.stderr
    assert f"the PostgreSQL database aftersale at {nowhere}" in ended.stderr and "secret" not in ended.stderr


def test_health_is_asked_of_the_address_that_the_image_names(image: Image) -> None:
    assert image.environment["AFTERSALE_METRICS_ADDRESS"].startswith("127.0.0.1:")
    asked = image.run(*image.health, AFTERSALE_METRICS_ADDRESS=f"127.0.0.1:{free_port()}")
    assert asked.returncode == 1 and asked.stderr.startswith("AFTERSALE_METRICS_ADDRESS: ")


def test_it_does_not_run_as_root(image: Image) -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.user)


def test_nothing_that_builds_or_tests_is_left_in_it(image: Image) -> None:
    tools = (
        "import importlib.util as u; print([n for n in ('pip', 'setuptools', 'hatchling', 'pytest') if u.find_spec(n)])"
    )
    assert image.run("python", "-c", tools).stdout == "[]\n"
    assert sorted(path.name for path in image.workdir.iterdir() if path.name != "__pycache__") == [
        "activities",
        "healthy.py",
        "worker.py",
        "workflows",
    ]


def test_the_second_stage_takes_environment_and_worker_and_runs_nothing() -> None:
    last = [step for step in STEPS if step.stage == 1]
    assert [step.rest for step in last if step.word == "COPY"] == [
        f"--from=build {taken} {taken}" for taken in ("/srv/python", "/srv/worker")
    ]
    assert not [step for step in last if step.word == "RUN"]


def test_its_code_is_compiled(image: Image) -> None:
    """Whoever runs it may not write what it compiles."""
    sources = [path for path in image.workdir.rglob("*.py") if path.read_bytes()]
    assert sources and all(Path(cache_from_source(str(path))).is_file() for path in sources)


def test_signals_reach_python_and_no_shell() -> None:
    said = {step.word: step.rest for step in STEPS}
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert said["CMD"] == '["python", "worker.py"]' and "ENTRYPOINT" not in said


def test_what_it_copies_exists_and_is_all_that_may_come_in() -> None:
    copied = [name for step in STEPS if step.word == "COPY" and "--from" not in step.rest for name in sources(step)[0]]
    assert all((ROOT / name).exists() for name in copied)
    assert set(copied) == allowed()


def test_everything_in_it_lies_where_the_test_can_move_it() -> None:
    for step in STEPS:
        for path in re.findall(r"(?:^|[ =])(/[a-z]\S*)", step.rest):
            assert path.startswith(f"{BASE}/"), path


@pytest.mark.parametrize("name", LOCKS)
def test_it_holds_what_was_tested(name: str) -> None:
    pins = set(_PIN.findall(LOCKS[name]))
    assert len(pins) >= 5 and pins <= set(_PIN.findall((ROOT / "requirements.lock").read_text("utf-8")))
    assert "://" not in LOCKS[name] and "--index-url" not in LOCKS[name]
    assert LOCKS[name].count("--hash=sha256:") >= len(pins)


def test_every_pip_that_fetches_checks_hashes() -> None:
    fetching = [part for step in STEPS if step.word == "RUN" for part in step.rest.split("&&") if "/pip" in part]
    assert len(fetching) == 4
    assert all("--require-hashes" in part or "--no-deps" in part for part in fetching)


def test_a_step_that_cannot_be_followed_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"):
        Image(tmp_path).build(steps("FROM python:3\nWORKDIR /srv/worker\nCOPY gone gone\n"))
    with pytest.raises(AssertionError, match="no-such-program"):
        Image(tmp_path).build(steps("FROM python:3\nRUN true \\\n    && no-such-program\n"))
    with pytest.raises(NotImplementedError, match="ADD"):
        Image(tmp_path).build(steps("FROM python:3\nADD a b\n"))


def test_python_is_the_one_that_is_promised() -> None:
    (version,) = [step.rest.partition("=")[2] for step in STEPS if step.word == "ARG"]
    assert f'requires-python = ">={version}"' in (ROOT / "pyproject.toml").read_text("utf-8")

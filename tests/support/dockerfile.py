"""A Dockerfile, read and built without a container: all its paths lie under one folder, which can lie anywhere."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.program import ROOT, clean_environment

BASE = "/srv"
"""Where everything in the image lies."""


@dataclass(frozen=True)
class Step:
    """One instruction, in the stage of this number."""

    stage: int
    word: str
    rest: str


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, in order."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    found, stage = [], -1
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Step(stage, word, rest.strip()))
    return found


def sources(step: Step) -> tuple[list[str], str]:
    """What a COPY copies, and where to; options are left out."""
    *copied, target = [word for word in step.rest.split() if not word.startswith("--")]
    return copied, target


def allowed() -> set[str]:
    """What .dockerignore lets into the build."""
    return set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text("utf-8"), flags=re.MULTILINE))


class Image:
    """What the steps leave behind in a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing yet."""
        self.folder = folder
        # Nothing is compiled ahead of its first use: most of what is installed is never run here.
        self.environment = {**clean_environment(), "HOME": "/", "PIP_NO_COMPILE": "1"}
        self.workdir = folder
        self.command: list[str] = []
        self.health: list[str] = []
        self.user = ""

    def build(self, instructions: list[Step]) -> None:
        """Take the steps. Raises NotImplementedError for one whose effect is not known here."""
        for step in instructions:
            match step.word:
                case "ARG" | "FROM" | "STOPSIGNAL":
                    pass
                case "WORKDIR":
                    self.workdir = Path(self._here(step.rest))
                    self.workdir.mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(step)
                case "RUN":
                    done = subprocess.run(
                        self._here(step.rest), shell=True, cwd=self.workdir, env=self.environment, capture_output=True
                    )
                    assert done.returncode == 0, f"{step.rest}\n{done.stderr.decode()}"
                case "ENV":
                    for name, _, value in (pair.partition("=") for pair in shlex.split(step.rest)):
                        self.environment[name] = self._here(value).replace("$PATH", self.environment["PATH"])
                case "USER":
                    self.user = step.rest
                case "HEALTHCHECK":
                    self.health = json.loads(step.rest.partition("CMD ")[2])
                case "CMD":
                    self.command = json.loads(step.rest)
                case word:
                    raise NotImplementedError(word)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program where the image runs one, with its environment."""
        return subprocess.run(
            words,
            executable=shutil.which(words[0], path=self.environment["PATH"]),
            cwd=self.workdir,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def _here(self, text: str) -> str:
        return text.replace(f"{BASE}/", f"{self.folder}/")

    def _copy(self, step: Step) -> None:
        copied, target = sources(step)
        if step.rest.startswith("--from="):
            # The stages share this folder; an environment could not be moved anyway.
            assert copied == [target] and Path(self._here(target)).is_dir()
            return
        for source in copied:
            place = self.workdir / target / Path(source).name if target.endswith("/") else self.workdir / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, place)

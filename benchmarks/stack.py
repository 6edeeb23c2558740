"""A program of `programs/`, run by the real engine on Pulumi's own host of dynamic providers, or on ours."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import processes
from benchmarks.benchmark import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping

API_KEY = "sk-made-up-benchmark-key"
ROWS = 12
PROGRAMS = Path(__file__).with_name("programs")
COMMANDS = {
    "up": ("up", "--yes", "--skip-preview"),
    "no-change preview": ("preview", "--expect-no-changes"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
"""What is timed: the life of a stack, in this order."""


@dataclass(frozen=True)
class Stack:
    """A stack on a file backend of its own. Nothing of the shell's settings but PATH reaches it."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def of(
        cls, program: str, folder: Path, settings: Mapping[str, str], *, on_our_host: bool = False
    ) -> Stack:
        """Makes a stack of a copy of a program, with settings for its environment."""
        shutil.copytree(PROGRAMS / program, folder / "program")
        (folder / "state").mkdir()
        if on_our_host:
            select_our_host(folder / "program")
        stack = cls(folder / "program", {**environment(folder), **settings})
        stack.pulumi("stack", "init", "benchmark")
        return stack

    def life(self, resources: int) -> dict[str, float]:
        """Seconds of each of `COMMANDS`, from start to end of the command, with so many resources."""
        seconds = {}
        for command, arguments in COMMANDS.items():
            seconds[command] = self.pulumi(*arguments, resources=resources).seconds
            self.expect(0 if command == "destroy" else resources)
        return seconds

    def pulumi(self, *arguments: str, resources: int = 0) -> processes.Ran:
        """Runs a command of the engine."""
        return processes.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**self.environment, "RESOURCES": str(resources)},
        )

    def expect(self, resources: int) -> None:
        """Makes sure that the state holds so many.

        Raises:
            BenchmarkError: It does not.
        """
        state = json.loads(self.pulumi("stack", "export").text)["deployment"].get("resources", [])
        found = sum("/benchmark:" in row["type"] or "/openai_ft:" in row["type"] for row in state)
        if found != resources:
            raise BenchmarkError(
                f"the state holds {found} resources where {resources} belong: no figure is valid"
            )


def settings(base_url: str) -> dict[str, str]:
    """Settings of a user of a service."""
    return {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": base_url}


def write_training_data(folder: Path) -> Path:
    """Writes the smallest file that trains."""
    row = {
        "messages": [
            {"role": "user", "content": "Where do I reset my password?"},
            {"role": "assistant", "content": "Under Account."},
        ]
    }
    file = folder / "training.jsonl"
    file.write_text(f"{json.dumps(row)}\n" * ROWS)
    return file


def select_our_host(project: Path) -> None:
    """Makes a project use our host, as its user does."""
    processes.run(["openai-ft", "init"], cwd=project, env=environment(project))


def versions() -> dict[str, str]:
    """The engine's version."""
    return {"Pulumi engine": processes.run(["pulumi", "version"]).text.strip().removeprefix("v")}


def environment(folder: Path) -> dict[str, str]:
    """The environment of a command whose home is a folder."""
    return {
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "benchmarks",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

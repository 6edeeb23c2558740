"""Stacks of the programs in `programs/`, on Pulumi's own host for dynamic resources or on this package's host."""

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
"""Commands that are timed, in this order."""


@dataclass(frozen=True)
class Stack:
    """A stack on a separate file backend. Of the shell's environment, it uses only PATH."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def of(
        cls, program: str, folder: Path, settings: Mapping[str, str], *, on_our_host: bool = False
    ) -> Stack:
        """Create a stack of a copy of a program, with additional environment variables."""
        shutil.copytree(PROGRAMS / program, folder / "program")
        (folder / "state").mkdir()
        if on_our_host:
            select_our_host(folder / "program")
        stack = cls(folder / "program", {**environment(folder), **settings})
        stack.pulumi("stack", "init", "benchmark")
        return stack

    def life(self, resources: int) -> dict[str, float]:
        """Run `COMMANDS` with a number of resources, and return the duration of each command in seconds."""
        seconds = {}
        for command, arguments in COMMANDS.items():
            seconds[command] = self.pulumi(*arguments, resources=resources).seconds
            self.expect(0 if command == "destroy" else resources)
        return seconds

    def pulumi(self, *arguments: str, resources: int = 0) -> processes.Finished:
        """Run a `pulumi` command."""
        return processes.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**self.environment, "RESOURCES": str(resources)},
        )

    def openai_ft(self, *arguments: str) -> processes.Finished:
        """Run an `openai-ft` command."""
        return processes.run(["openai-ft", *arguments], cwd=self.folder, env=self.environment)

    def expect(self, resources: int) -> None:
        """Check that the state has a number of resources.

        Raises:
            BenchmarkError: The number differs.
        """
        state = json.loads(self.pulumi("stack", "export").text)["deployment"].get("resources", [])
        found = sum("/benchmark:" in row["type"] or "/openai_ft:" in row["type"] for row in state)
        if found != resources:
            raise BenchmarkError(
                f"the state has {found} resources instead of {resources}: the results are invalid"
            )


def settings(base_url: str) -> dict[str, str]:
    """Return the environment variables that select a service."""
    return {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": base_url}


def write_training_data(folder: Path) -> Path:
    """Write a small valid training file, and return its path."""
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
    """Make a project use this package's host, like its user does."""
    processes.run(["openai-ft", "init"], cwd=project, env=environment(project))


def versions() -> dict[str, str]:
    """Return the version of the engine."""
    return {"Pulumi engine": processes.run(["pulumi", "version"]).text.strip().removeprefix("v")}


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a command whose home is a folder."""
    return {
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "benchmarks",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

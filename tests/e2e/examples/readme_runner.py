"""Run the commands of an example's README, and compare their output with the output in the README."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.command import add_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/Pulumi.yaml"))
EMULATOR = "## Run it on the emulator"
ADDRESS = "http://127.0.0.1:4747/v1"
"""The address of the emulator in the READMEs."""
BLOCK_TIMEOUT = 120
NO_PROMPTS = {
    "PULUMI_OPTION_COLOR": "never",
    "PULUMI_OPTION_NON_INTERACTIVE": "true",
    "PULUMI_OPTION_SKIP_PREVIEW": "true",
    "PULUMI_SKIP_CONFIRMATIONS": "true",
}
"""Makes `pulumi up` run without prompts."""

_BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
_VOLATILE = (
    (re.compile(r"\b(file|ftjob|ftckpt)-\w{12,}|\bcp_\w{12,}"), "ID"),
    (re.compile(r"\b(ft:[\w.-]+:[\w-]+:[\w-]*):\w{8}\b"), r"\1:ID"),
    (re.compile(r"\b([\w.-]+\.ft-)[0-9a-f]{8,}"), r"\1ID"),
    (re.compile(r"\b\d+(\.\d+)? ?s\b"), "TIME"),
)


@dataclass(frozen=True)
class Step:
    """Commands of a README, and the part of their output that it shows."""

    commands: str
    output: str


@dataclass
class ReadmeRunner:
    """A user who runs the commands of a README in a copy of its folder.

    Attributes:
        folder: The copy.
        environment: Variables of the shell, except the exports of the README.
        exports: Commands that export the variables of the README.
    """

    folder: Path
    environment: Mapping[str, str]
    exports: list[str] = field(default_factory=list)

    def run_step(self, step: Step, code: int = 0) -> str:
        """Run the commands of a step, assert that the output contains the README's, and return the output."""
        output = self.run(step.commands, code)
        assert masked(step.output).strip() in masked(output), output
        return output

    def run(self, commands: str, code: int = 0) -> str:
        """Run commands in bash until one fails, and return their output."""
        commands = commands.replace(ADDRESS, self.environment["EMULATOR"])
        done = subprocess.run(
            ["bash", "-ec", "\n".join([*self.exports, commands])],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BLOCK_TIMEOUT,
            check=False,
        )
        assert done.returncode == code, done.stdout
        self.exports += [line for line in commands.splitlines() if line.startswith("export OPENAI_")]
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the stack."""
        found: dict[str, Any] = json.loads(self.run("pulumi stack output --json"))
        return found

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the state."""
        found: list[dict[str, Any]] = json.loads(self.run("pulumi stack export"))["deployment"].get(
            "resources", []
        )
        return found


def readme(example: str) -> str:
    return (EXAMPLES / example / "README.md").read_text()


def steps(example: str, section: str = EMULATOR) -> list[Step]:
    """Return the steps of a section, except the start of the emulator. A block without a language is output."""
    text = readme(example).split(f"{section}\n", 1)[1].split("\n## ", 1)[0]
    found: list[Step] = []
    for language, block in _BLOCK.findall(text):
        if language == "sh" and not block.startswith("openai-ft emulator"):
            found.append(Step(block, ""))
        elif not language:
            found[-1] = Step(found[-1].commands, block)
    return found


def emulator_options(example: str) -> argparse.Namespace:
    """The options with which a README starts the emulator."""
    (command,) = re.findall(r"^openai-ft emulator (.*)$", readme(example), re.MULTILINE)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(command.split())


def masked(text: str) -> str:
    """Replace the parts of a text that vary between runs: ids and durations."""
    for pattern, mask in _VOLATILE:
        text = pattern.sub(mask, text)
    return text

"""An example's README, followed to the letter: its commands are run, and what they say is compared with what it shows."""

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
"""Where the READMEs have the emulator serve."""
LONGEST_BLOCK = 120
UNASKED = {
    "PULUMI_OPTION_COLOR": "never",
    "PULUMI_OPTION_NON_INTERACTIVE": "true",
    "PULUMI_OPTION_SKIP_PREVIEW": "true",
    "PULUMI_SKIP_CONFIRMATIONS": "true",
}
"""Makes `pulumi up` ask nothing."""

_BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
_VOLATILE = (
    (re.compile(r"\b(file|ftjob|ftckpt)-\w{12,}|\bcp_\w{12,}"), "ID"),
    (re.compile(r"\b(ft:[\w.-]+:[\w-]+:[\w-]*):\w{8}\b"), r"\1:ID"),
    (re.compile(r"\b([\w.-]+\.ft-)[0-9a-f]{8,}"), r"\1ID"),
    (re.compile(r"\b\d+(\.\d+)? ?s\b"), "TIME"),
)


@dataclass(frozen=True)
class Step:
    """Commands of a README, and what it shows of what they say."""

    commands: str
    shown: str


@dataclass
class Walk:
    """Somebody who follows a README in a copy of its folder.

    Attributes:
        folder: The copy.
        environment: What the shell knows beside what the README exports.
    """

    folder: Path
    environment: Mapping[str, str]
    exports: list[str] = field(default_factory=list)

    def follow(self, step: Step, code: int = 0) -> str:
        """Runs a step's commands in bash; gives what they said, which holds what the README shows."""
        said = self.run(step.commands, code)
        assert masked(step.shown).strip() in masked(said), said
        return said

    def run(self, commands: str, code: int = 0) -> str:
        """Runs commands in bash, one after the other as long as they succeed; gives what they said."""
        commands = commands.replace(ADDRESS, self.environment["EMULATOR"])
        done = subprocess.run(
            ["bash", "-ec", "\n".join([*self.exports, commands])],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_BLOCK,
            check=False,
        )
        assert done.returncode == code, done.stdout
        self.exports += [line for line in commands.splitlines() if line.startswith("export OPENAI_")]
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.run("pulumi stack output --json"))
        return found

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds, by the engine's export."""
        found: list[dict[str, Any]] = json.loads(self.run("pulumi stack export"))["deployment"].get(
            "resources", []
        )
        return found


def readme(example: str) -> str:
    return (EXAMPLES / example / "README.md").read_text()


def steps(example: str, section: str = EMULATOR) -> list[Step]:
    """The steps of a section, without the emulator's start. A block without a language shows what was said."""
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
    """A text without what is another one each time: ids and durations."""
    for pattern, mask in _VOLATILE:
        text = pattern.sub(mask, text)
    return text

"""What the `pulumi` command says of itself and of a stack."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONGEST_ANSWER = 30.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Version(NamedTuple):
    """A version of Pulumi, without what marks builds that are no releases."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version that a text begins with."""
        match = _VERSION.match(text.strip())
        return cls(*map(int, match.groups())) if match else None

    def __str__(self) -> str:
        return ".".join(map(str, self))


@dataclass(frozen=True)
class Configuration:
    """A stack's configuration by full key, such as `openai-ft:apiKey`.

    Attributes:
        values: What is known of it.
        secret: Keys that are set with `--secret`; their values are known only if they were asked for.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: frozenset[str] = frozenset()

    @property
    def undisclosed(self) -> frozenset[str]:
        """Secret keys whose values are not known."""
        return self.secret - self.values.keys()


def command_path() -> str | None:
    """Where the `pulumi` command is."""
    return shutil.which("pulumi")


def version() -> Version | None:
    """The version of the `pulumi` command on PATH, if it tells.

    Raises:
        InputError: It cannot be run.
    """
    return Version.parse(_run("version"))


def configuration(folder: Path, stack: str | None, *, show_secrets: bool = False) -> Configuration:
    """The configuration of a stack.

    Args:
        folder: The project's folder.
        stack: The stack's name; None for the one that is selected.
        show_secrets: Whether Pulumi decrypts secret values. They stay in this process.

    Raises:
        InputError: Pulumi does not tell it; the text says why.
    """
    which = ["--stack", stack] if stack else []
    told = json.loads(
        _run("config", "--json", "--cwd", str(folder), *which, *(["--show-secrets"] if show_secrets else []))
    )
    return Configuration(
        {key: str(entry["value"]) for key, entry in told.items() if "value" in entry},
        frozenset(key for key, entry in told.items() if entry.get("secret")),
    )


def state(folder: Path, stack: str | None) -> dict[str, Any]:
    """What a stack has, as Pulumi exports it; secrets stay encrypted.

    Args:
        folder: The project's folder.
        stack: The stack's name; None for the one that is selected.

    Raises:
        InputError: Pulumi does not tell it; the text says why.
    """
    which = ["--stack", stack] if stack else []
    found: dict[str, Any] = json.loads(_run("stack", "export", "--cwd", str(folder), *which))
    return found


def _run(*arguments: str) -> str:
    # `env` hands on what this process was given, and asks Pulumi not to look for a newer version of itself.
    command = [
        "env",
        "PULUMI_SKIP_UPDATE_CHECK=true",
        "pulumi",
        *arguments,
        "--non-interactive",
        "--color=never",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - the command is written here
            command,
            capture_output=True,
            text=True,
            timeout=LONGEST_ANSWER,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`pulumi {arguments[0]}` did not answer: {error}") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise InputError(reason.removeprefix("error: "))
    return done.stdout

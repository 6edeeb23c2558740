"""Queries of the `pulumi` command: its version, and the configuration and state of a stack."""

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

MISSING = "`pulumi` is not on PATH; install it (www.pulumi.com/docs/install)"
_DAMAGED = "failed to load checkpoint: EOF"
"""Pulumi's message after the engine was killed while it wrote to a backend in a folder."""
_REPAIR = "delete the empty .attrs file next to the stack's file in the folder of the backend, then run `pulumi cancel`"
TIMEOUT = 30.0
"""Maximum duration of a command in seconds."""
_PULUMI = ("env", "PULUMI_SKIP_UPDATE_CHECK=true", "pulumi")
"""The command. `env` passes this process's environment on, and turns off Pulumi's check for a newer version of itself."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Version(NamedTuple):
    """A version number, without suffixes for pre-releases and builds."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Return the version at the start of a text, or None."""
        match = _VERSION.match(text.strip())
        return cls(*map(int, match.groups())) if match else None

    def __str__(self) -> str:
        return ".".join(map(str, self))


@dataclass(frozen=True)
class Configuration:
    """The configuration of a stack by full key, such as `openai-ft:apiKey`.

    Attributes:
        values: Known values by key.
        secret: Keys that are set with `--secret`. Their values are known only if they were decrypted.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: frozenset[str] = frozenset()

    @property
    def undisclosed(self) -> frozenset[str]:
        """Return the secret keys whose values were not decrypted."""
        return self.secret - self.values.keys()


def command_path() -> str | None:
    """Return the path of the `pulumi` command, or None if it is not on PATH."""
    return shutil.which("pulumi")


def version() -> Version | None:
    """Return the version of the `pulumi` command on PATH, or None if it prints no version.

    Raises:
        InputError: The command cannot be run.
    """
    return Version.parse(_run("version"))


def configuration(folder: Path, stack: str | None, *, show_secrets: bool = False) -> Configuration:
    """Return the configuration of a stack.

    Args:
        folder: Folder of the project.
        stack: Name of the stack, or None for the selected stack.
        show_secrets: Whether Pulumi decrypts secret values. They stay in this process.

    Raises:
        InputError: Pulumi cannot read the configuration. The message states the reason.
    """
    selection = ["--stack", stack] if stack else []
    entries = json.loads(
        _run(
            "config",
            "--json",
            "--cwd",
            str(folder),
            *selection,
            *(["--show-secrets"] if show_secrets else []),
        )
    )
    return Configuration(
        {key: str(entry["value"]) for key, entry in entries.items() if "value" in entry},
        frozenset(key for key, entry in entries.items() if entry.get("secret")),
    )


def state(folder: Path, stack: str | None) -> dict[str, Any]:
    """Return the state of a stack in the format of `pulumi stack export`. Secrets stay encrypted.

    Args:
        folder: Folder of the project.
        stack: Name of the stack, or None for the selected stack.

    Raises:
        InputError: Pulumi cannot export the state. The message states the reason.
    """
    selection = ["--stack", stack] if stack else []
    exported: dict[str, Any] = json.loads(_run("stack", "export", "--cwd", str(folder), *selection))
    return exported


def stack_name(folder: Path, stack: str | None) -> str:
    """Return the full name of a stack.

    Args:
        folder: Folder of the project.
        stack: Name of the stack, or None for the selected stack.

    Raises:
        InputError: The stack does not exist, or none is selected.
    """
    selection = ["--stack", stack] if stack else []
    return _run("stack", "--show-name", "--cwd", str(folder), *selection).strip()


def show_preview(folder: Path, stack: str | None) -> int:
    """Run `pulumi preview --expect-no-changes` with its output on this process's, and return its exit code.

    Args:
        folder: Folder of the project.
        stack: Name of the stack, or None for the selected stack.
    """
    selection = ["--stack", stack] if stack else []
    command = ["preview", "--expect-no-changes", "--cwd", str(folder), *selection, "--non-interactive"]
    return subprocess.run([*_PULUMI, *command], stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - the command is defined in this function


def _run(*arguments: str) -> str:
    command = [*_PULUMI, *arguments, "--non-interactive", "--color=never"]
    try:
        done = subprocess.run(  # noqa: S603 - the command is defined in this function
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`pulumi {arguments[0]}` failed: {error}") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        advice = f"; the engine was killed while it wrote the state: {_REPAIR}" if _DAMAGED in reason else ""
        raise InputError(f"{reason.removeprefix('error: ')}{advice}")
    return done.stdout

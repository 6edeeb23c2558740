"""The Pulumi project that a command works on, and the host of dynamic resources that it selects."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pulumi_openai_ft.cli.program_python import Runtime
from pulumi_openai_ft.cli.pulumi_yaml import FOLDER, PLUGIN, parse, providers
from pulumi_openai_ft.errors import InputError

WRAPPER = "pulumi-resource-pulumi-python"
"""The file that the engine starts as the host of dynamic resources in Python."""
WRAPPER_SOURCE = Path(__file__).parents[1] / "host" / WRAPPER
"""The wrapper of which projects hold copies."""
_FILES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")  # in the engine's order
_SIGNATURE = b"# Written by `openai-ft init`"


class WrapperStatus(Enum):
    """What lies where a project's copy of the wrapper belongs."""

    MISSING = "missing"
    FOREIGN = "another program"
    OUTDATED = "of another version"
    NOT_EXECUTABLE = "not executable"
    CURRENT = "up to date"


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes:
        file: Its file, `Pulumi.yaml` for most.
        text: What stands in it, line ends as they are.
        data: What that means.
    """

    file: Path
    text: str
    data: dict[str, Any]

    @classmethod
    def find(cls, folder: Path) -> Project:
        """The project of a folder, which may lie above it: the one that `pulumi` would use there.

        Raises:
            InputError: There is none, or its file cannot be used.
        """
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder: name the one that holds Pulumi.yaml")
        start = folder.resolve()
        candidates = (above / name for above in (start, *start.parents) for name in _FILES)
        file = next(filter(Path.is_file, candidates), None)
        if file is None:
            raise InputError(
                f"no Pulumi.yaml in {start} or above: name the project's folder, or make a project with "
                f"`pulumi new python`"
            )
        try:
            text = file.read_bytes().decode()
            project = cls(file, text, parse(text))
            project._require_python()
        except (InputError, OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file} cannot be used: {error}") from error
        return project

    @property
    def folder(self) -> Path:
        """Where its file lies. Paths in the file are relative to it."""
        return self.file.parent

    @property
    def name(self) -> str:
        """Its name, for people."""
        return str(self.data.get("name", "without a name"))

    def host_folder(self) -> Path | None:
        """The folder that it names for the host of dynamic resources in Python; None selects Pulumi's own.

        Raises:
            InputError: The list of plugins is malformed.
        """
        try:
            paths = [entry.get("path", "") for entry in providers(self.data) if entry.get("name") == PLUGIN]
        except InputError as error:
            raise InputError(f"{self.file} cannot be used: {error}") from error
        return self.folder / paths[0] if paths else None

    @property
    def runtime(self) -> Runtime:
        """What it states about its program and the Python that runs it."""
        runtime = self.data.get("runtime")
        options = runtime.get("options") if isinstance(runtime, dict) else None
        main = self.folder / str(self.data.get("main") or "")
        program = main.parent if main.is_file() else main
        return Runtime(self.folder, program, options if isinstance(options, dict) else {})

    def _require_python(self) -> None:
        runtime = self.data.get("runtime")
        name = runtime.get("name") if isinstance(runtime, dict) else runtime
        if name != "python":
            raise InputError(f"runtime is {name!r}, and this package is for programs in Python")


def default_host_folder(project: Project) -> Path:
    """Where the wrapper goes in a project that does not say."""
    return project.folder / FOLDER


def compare(wrapper: Path) -> WrapperStatus:
    """What lies where a project's copy of the wrapper belongs."""
    if not wrapper.exists():
        return WrapperStatus.MISSING
    content = wrapper.read_bytes()
    if content != WRAPPER_SOURCE.read_bytes():
        return WrapperStatus.OUTDATED if _SIGNATURE in content else WrapperStatus.FOREIGN
    return WrapperStatus.CURRENT if os.access(wrapper, os.X_OK) else WrapperStatus.NOT_EXECUTABLE

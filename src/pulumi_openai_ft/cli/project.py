"""Pulumi projects, and the host that they select for dynamic resources."""

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
"""Name of the executable that the engine starts as the host for dynamic resources in Python."""
TEMPLATE = Path(__file__).with_name("_project_template")
"""Folder with the files of a new project. It is also a template for `pulumi new`."""
WRAPPER_SOURCE = TEMPLATE / "bin" / WRAPPER
"""The wrapper that `openai-ft init` copies into projects."""
_FILES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")  # in the engine's order
_SIGNATURE = b"# Written by `openai-ft init`"


class WrapperStatus(Enum):
    """The status of a project's copy of the wrapper."""

    MISSING = "missing"
    FOREIGN = "another program"
    OUTDATED = "of another version"
    NOT_EXECUTABLE = "not executable"
    CURRENT = "up to date"


@dataclass(frozen=True)
class Project:
    """A Pulumi project.

    Attributes:
        file: Path of the project file, usually `Pulumi.yaml`.
        text: Content of the file, with its original line endings.
        data: Parsed content of the file.
    """

    file: Path
    text: str
    data: dict[str, Any]

    @classmethod
    def find(cls, folder: Path) -> Project:
        """Return the project that `pulumi` uses in a folder: the nearest one in the folder and its parents.

        Raises:
            InputError: No project exists, its file is invalid, or its runtime is not Python.
        """
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder; pass the folder that contains Pulumi.yaml")
        file = find_project_file(folder)
        if file is None:
            raise InputError(
                f"no Pulumi.yaml in {folder.resolve()} or its parents; pass the folder of the project, or create a project with "
                f"`openai-ft new`"
            )
        try:
            text = file.read_bytes().decode()
            project = cls(file, text, parse(text))
            project._require_python()
        except (InputError, OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: {error}") from error
        return project

    @property
    def folder(self) -> Path:
        """Return the folder of the project file. Paths in the file are relative to this folder."""
        return self.file.parent

    @property
    def name(self) -> str:
        """Return the name of the project, for messages."""
        return str(self.data.get("name", "unnamed"))

    def host_folder(self) -> Path | None:
        """Return the folder of the selected host for dynamic resources, or None for Pulumi's own host.

        Raises:
            InputError: The list of plugins is invalid.
        """
        try:
            paths = [entry.get("path", "") for entry in providers(self.data) if entry.get("name") == PLUGIN]
        except InputError as error:
            raise InputError(f"{self.file}: {error}") from error
        return self.folder / paths[0] if paths else None

    @property
    def runtime(self) -> Runtime:
        """Return the settings of the program and of the Python that runs it."""
        runtime = self.data.get("runtime")
        options = runtime.get("options") if isinstance(runtime, dict) else None
        main = self.folder / str(self.data.get("main") or "")
        program = main.parent if main.is_file() else main
        return Runtime(self.folder, program, options if isinstance(options, dict) else {})

    def _require_python(self) -> None:
        runtime = self.data.get("runtime")
        name = runtime.get("name") if isinstance(runtime, dict) else runtime
        if name != "python":
            raise InputError(f"runtime is {name!r}; this package requires a program in Python")


def find_project_file(folder: Path) -> Path | None:
    """Return the file of the project that `pulumi` uses in a folder, or None without a project."""
    start = folder.resolve()
    candidates = (above / name for above in (start, *start.parents) for name in _FILES)
    return next(filter(Path.is_file, candidates), None)


def default_host_folder(project: Project) -> Path:
    """Return the folder of the wrapper for a project that does not select a folder."""
    return project.folder / FOLDER


def compare(wrapper: Path) -> WrapperStatus:
    """Compare a project's copy of the wrapper with this package's wrapper."""
    if not wrapper.exists():
        return WrapperStatus.MISSING
    content = wrapper.read_bytes()
    if content != WRAPPER_SOURCE.read_bytes():
        return WrapperStatus.OUTDATED if _SIGNATURE in content else WrapperStatus.FOREIGN
    return WrapperStatus.CURRENT if os.access(wrapper, os.X_OK) else WrapperStatus.NOT_EXECUTABLE

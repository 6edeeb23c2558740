"""Search for the Python that runs a program or a policy pack, by the rules of Pulumi's language host."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._settings import ENVIRONMENT
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

DISTRIBUTION = "pulumi-openai-ft"
PACKAGES = ("pip", "pulumi", DISTRIBUTION, "pulumi-policy", "mypy", "pyright")
"""Distributions whose versions `Python.inspect` reads."""
TOOLCHAINS = ("pip", "poetry", "uv")
_TIMEOUT = 30.0
"""Maximum duration of a command in seconds."""
_INSPECT = """
import importlib.metadata, json, platform, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
print(json.dumps({"version": platform.python_version(), "packages": {name: version(name) for name in sys.argv[1:]}}))
"""


@dataclass(frozen=True)
class Installed:
    """The installed versions of Python and its packages.

    Attributes:
        version: Version of Python, such as `3.11.7`.
        packages: Version of each of `PACKAGES`, or None if the package is not installed.
    """

    version: str
    packages: Mapping[str, str | None]


@dataclass(frozen=True)
class Python:
    """A Python interpreter.

    Attributes:
        executable: Path of the interpreter.
        toolchain: Tool that installs the packages, as named by Pulumi: `pip`, `uv` or `poetry`.
        chosen_by: Source that selects the interpreter, for messages: an option, a tool or an environment variable.
    """

    executable: Path
    toolchain: str
    chosen_by: str

    def inspect(self, folder: Path) -> Installed:
        """Return the installed versions, as imported by a program in `folder`.

        Raises:
            InputError: The interpreter does not run. The message states the reason.
        """
        printed = _output(folder, str(self.executable), "-c", _INSPECT, *PACKAGES)
        found = json.loads(printed)
        return Installed(found["version"], found["packages"])


@dataclass(frozen=True)
class Runtime:
    """The runtime settings in a project file or in the file of a policy pack.

    Attributes:
        root: Folder of that file. The option `virtualenv` is relative to it.
        program: Folder of the program. Lock files are searched in this folder and its parents.
        options: `runtime.options`.
    """

    root: Path
    program: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def python(self) -> Python:
        """Return the Python that runs the program.

        Raises:
            InputError: The Python or its tool does not exist. The message states the next step.
        """
        return self._selected() or _required(_on_path())

    def host_python(self) -> Python:
        """Return the Python that the host runs in.

        It is the Python of the program. If that is the one on PATH and lacks this package, it is the nearest `.venv` or
        `venv` that has it.

        Raises:
            InputError: No Python was found. The message states the reason and the next step.
        """
        if selected := self._selected():
            return selected
        on_path = _on_path()
        having = filter(self._has_package, (on_path, self._not_activated()))
        return next(having, None) or _required(on_path)

    def _selected(self) -> Python | None:
        """Return the Python that an option, uv or poetry selects; None leaves it to PATH."""
        toolchain = self._toolchain()
        if toolchain == "poetry":
            return self._in_environment(self._poetry_environment(), toolchain, "poetry")
        if named := self._option("virtualenv"):
            return self._in_environment(self.root / named, toolchain, "runtime.options.virtualenv")
        if toolchain == "uv":
            return self._in_environment(self._uv_environment(), toolchain, "uv")
        return None

    def _option(self, name: str) -> str | None:
        value = self.options.get(name)
        if name in self.options and not isinstance(value, str):
            raise InputError(f"runtime.options.{name} is {value!r}: write a string, or remove it")
        return value

    def _toolchain(self) -> str:
        named = self._option("toolchain")
        if named is not None and named not in TOOLCHAINS:
            raise InputError(f"runtime.options.toolchain is {named!r}: write pip, poetry or uv")
        return named or self._toolchain_of_lock_file()

    def _has_package(self, python: Python | None) -> bool:
        try:
            return python is not None and python.inspect(self.program).packages[DISTRIBUTION] is not None
        except InputError:
            return False

    def _not_activated(self) -> Python | None:
        for name in (".venv", "venv"):
            if found := _nearest(self.program, f"{name}/bin/python"):
                return Python(found / name / "bin" / "python", "pip", f"{name} near the program")
        return None

    def _toolchain_of_lock_file(self) -> str:
        if _nearest(self.program, "uv.lock"):
            return "uv"
        return "poetry" if _nearest(self.program, "poetry.lock") else "pip"

    def _in_environment(self, environment: Path, toolchain: str, chosen_by: str) -> Python:
        _require_tool(toolchain)
        executable = environment / "bin" / "python"
        if not executable.is_file():
            raise InputError(
                f"{environment} is not a virtual environment ({chosen_by} selects it); run `pulumi install`"
            )
        return Python(executable, toolchain, chosen_by)

    def _uv_environment(self) -> Path:
        found = _nearest(self.program, "uv.lock") or _nearest(self.program, "pyproject.toml")
        return (found or self.program) / ENVIRONMENT.get("UV_PROJECT_ENVIRONMENT", ".venv")

    def _poetry_environment(self) -> Path:
        _require_tool("poetry")
        try:
            printed = _output(self.program, "poetry", "env", "info", "--path")
        except InputError as error:
            raise InputError(f"poetry has no environment for {self.program}; run `pulumi install`") from error
        return Path(printed.strip())


def _require_tool(toolchain: str) -> None:
    if toolchain != "pip" and shutil.which(toolchain) is None:
        raise InputError(f"`{toolchain}`, which the project uses, is not on PATH; install it")


def _on_path() -> Python | None:
    named = ENVIRONMENT.get("PULUMI_PYTHON_CMD")
    found = next(filter(None, map(shutil.which, [named] if named else ["python3", "python"])), None)
    return Python(Path(found), "pip", "PULUMI_PYTHON_CMD" if named else "PATH") if found else None


def _required(on_path: Python | None) -> Python:
    if on_path is None:
        named = ENVIRONMENT.get("PULUMI_PYTHON_CMD")
        missing = f"{named} (PULUMI_PYTHON_CMD) is" if named else "python3 and python are"
        raise InputError(
            f"{missing} not on PATH: install Python, or set runtime.options.virtualenv in Pulumi.yaml"
        )
    return on_path


def _nearest(folder: Path, name: str) -> Path | None:
    """Return the nearest folder that contains a file, starting with `folder` and continuing with its parents."""
    start = folder.resolve()
    return next((above for above in (start, *start.parents) if (above / name).exists()), None)


def _output(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the commands are defined in this module
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise InputError(f"{command[0]} does not run: {reason}")
    return done.stdout

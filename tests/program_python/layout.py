"""Projects for the search for the program's Python: the cases of `cases.yaml`, created in a folder."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pulumi_openai_ft.cli.project import WRAPPER, WRAPPER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "PATH"
"""The name of the Python on PATH among environments."""
_ON_PATH = "on path"
_UV = "#!/bin/sh\necho 'uv 0.9.0'\n"
_POETRY = """#!/bin/sh
case $* in
--version*) echo "Poetry (version 2.1.0)" ;;
"env info --path") [ -n "{environment}" ] && echo "{environment}" ;;
*) exit 1 ;;
esac
"""
_PYPROJECT = '[project]\nname = "shop"\nversion = "1"\n'


@dataclass(frozen=True)
class Case:
    """A project. Paths are relative to the folder of the case.

    Attributes:
        case: Description of the case.
        project: Content of the project file, without name and plugins. `{FOLDER}` is the folder of the case.
        file: Name of the project file.
        root: Folder of the project file.
        wrapper: Folder of the wrapper, `bin` in `root` by default.
        files: Additional files.
        environments: Virtual environments with this package.
        bare_environments: Virtual environments without it.
        poetry: Environment that poetry reports; none by default.
        variables: Environment variables.
        path_lacks_package: Whether the Python on PATH lacks this package.
        path_lacks_python: Whether PATH has no Python.
        uses: Environment that runs the program, or PATH.
        host_uses: Environment that runs the host, if different.
        fails: Part of the error, if no Python runs the program.
    """

    case: str
    project: str
    file: str = "Pulumi.yaml"
    root: str = ""
    wrapper: str | None = None
    files: list[str] = field(default_factory=list)
    environments: list[str] = field(default_factory=list)
    bare_environments: list[str] = field(default_factory=list)
    poetry: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    path_lacks_package: bool = False
    path_lacks_python: bool = False
    uses: str | None = None
    host_uses: str | None = None
    fails: str | None = None


CASES = [Case(**row) for row in yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text("utf-8"))]


@dataclass(frozen=True)
class Layout:
    """A case in a folder.

    Attributes:
        folder: The folder.
        root: Folder of the project file.
        program: Folder of the program.
        options: `runtime.options` of the project file.
        wrapper: The wrapper.
        variables: Environment variables, including PATH.
        program_environment: Environment that runs the program, or None.
        host_environment: Environment that runs the host, or None.
        error: Part of the error, if no Python runs the program.
    """

    folder: Path
    root: Path
    program: Path
    options: dict[str, object]
    wrapper: Path
    variables: dict[str, str]
    program_environment: Path | None
    host_environment: Path | None
    error: str | None


def lay_out(case: Case, folder: Path, install: Callable[[Path, bool], None]) -> Layout:
    """Create the files of a case.

    Args:
        case: The case.
        folder: Folder of the files.
        install: Installs packages into an environment, given its packages folder and whether it gets this package.
    """
    root = folder / case.root
    wrapper = folder / case.wrapper if case.wrapper else root / "bin"
    data = _write_project(case, folder, root, wrapper)
    main = root / data.get("main", "")
    program = main.parent if main.suffix == ".py" else main
    for place in (program, wrapper):
        place.mkdir(parents=True, exist_ok=True)
    shutil.copy(WRAPPER_SOURCE, wrapper)
    for name in case.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(_PYPROJECT if name.endswith("pyproject.toml") else "")
    _make_environments(case, folder, install)
    runtime = data["runtime"]
    return Layout(
        folder=folder,
        root=root,
        program=program,
        options=runtime.get("options", {}) if isinstance(runtime, dict) else {},
        wrapper=wrapper / WRAPPER,
        variables={
            "PATH": os.pathsep.join(_path(case, folder)),
            **{name: value.replace("{FOLDER}", str(folder)) for name, value in case.variables.items()},
        },
        program_environment=_environment(case.uses, folder),
        host_environment=_environment(case.host_uses or case.uses, folder),
        error=case.fails and case.fails.replace("{FOLDER}", str(folder)),
    )


def make_environment(folder: Path) -> Path:
    """Create a virtual environment as `venv` does, but without scripts; return its packages folder."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n")
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(Path(sys.executable).resolve())
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    packages.mkdir(parents=True)
    return packages


def _write_project(case: Case, folder: Path, root: Path, wrapper: Path) -> dict[str, Any]:
    text = case.project.replace("{FOLDER}", str(folder))
    added = {
        "name": "shop",
        "plugins": {"providers": [{"name": "pulumi-python", "path": os.path.relpath(wrapper, root)}]},
    }
    if case.file.endswith(".json"):
        text = json.dumps({**added, **json.loads(text)})
    else:
        text += "".join(f"{name}: {json.dumps(value)}\n" for name, value in added.items())
    root.mkdir(parents=True, exist_ok=True)
    (root / case.file).write_text(text, "utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def _make_environments(case: Case, folder: Path, install: Callable[[Path, bool], None]) -> None:
    with_package = dict.fromkeys(case.environments, True) | dict.fromkeys(case.bare_environments, False)
    for name, has_package in {**with_package, _ON_PATH: not case.path_lacks_package}.items():
        install(make_environment(folder / name), has_package)


def _path(case: Case, folder: Path) -> list[str]:
    tools = [str(_make_tools(case, folder))]
    return tools if case.path_lacks_python else [*tools, str(folder / _ON_PATH / "bin")]


def _make_tools(case: Case, folder: Path) -> Path:
    tools = folder / "tools of the case"
    tools.mkdir()
    poetry = _POETRY.format(environment=folder / case.poetry if case.poetry else "")
    for name, content in {"uv": _UV, "poetry": poetry}.items():
        (tools / name).write_text(content)
        (tools / name).chmod(0o755)
    (tools / "grep").symlink_to(shutil.which("grep") or "/bin/grep")
    return tools


def _environment(name: str | None, folder: Path) -> Path | None:
    if name is None:
        return None
    return folder / (_ON_PATH if name == PATH else name)

"""Stacks of a program in a temporary folder, run by the real engine through Pulumi's Automation API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import yaml
from pulumi import automation

from pulumi_openai_ft._settings import CONFIG_NAMESPACE, SOURCES
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.init import initialize
from pulumi_openai_ft.cli.pulumi_yaml import PLUGIN
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.testing.program import NAME, STACK, main_of, project_of

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.cli.project import Project
    from pulumi_openai_ft.testing.emulator import EmulatorFixture
    from pulumi_openai_ft.testing.program import Program

_OF_A_STACK = ("backend", "stackConfigDir")
"""Settings of a project that determine where its stacks are stored."""


def create_stack(program: Program, folder: Path, emulator: EmulatorFixture) -> automation.Stack:
    """Create a stack that uses an emulator. Its project, state and cache are in a folder.

    The program itself stays in its place, so that relative paths in it work, and its folder is not changed.

    Raises:
        InputError: The program is not in a valid project, or the command `pulumi` is not on PATH.
    """
    project = project_of(program)
    if pulumi_cli.command_path() is None:
        raise InputError("the command `pulumi` is not on PATH: install Pulumi (docs/install.md)")
    for name in ("project", "state"):
        (folder / name).mkdir()
    write_project(project, folder / "project")
    opts = automation.LocalWorkspaceOptions(
        work_dir=str(folder / "project"), env_vars=_environment(folder, emulator)
    )
    if callable(program):
        stack = automation.create_stack(STACK, NAME, program, opts=opts)
    else:
        stack = automation.create_stack(STACK, work_dir=opts.work_dir, opts=opts)
    stack.set_all_config(_config(emulator))
    return stack


def _environment(folder: Path, emulator: EmulatorFixture) -> dict[str, str]:
    """Return the environment variables of the stack's commands."""
    return {
        **emulator.environment(),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Contains records of interrupted runs, which must not affect another test.
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def _config(emulator: EmulatorFixture) -> dict[str, automation.ConfigValue]:
    """Return the configuration of a stack. Keys are secret, because the provider warns of others."""
    return {
        f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}": automation.ConfigValue(
            value, secret=name != "base_url"
        )
        for name, value in emulator.settings().items()
    }


def write_project(project: Project | None, folder: Path) -> None:
    """Write the project of a stack: a copy of the program's project that runs in the Python of this process."""
    selects_host = project is None or project.host_folder() is not None
    data: dict[str, Any] = {"name": NAME} if project is None else _copied(project)
    runtime = data.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    data["runtime"] = {"name": "python", "options": {**(options or {}), **_python()}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    if selects_host:
        initialize(folder)


def _python() -> dict[str, str | None]:
    """Return the runtime options that select the Python of this process. Outside of an environment, PATH selects it."""
    return {"toolchain": "pip", **({"virtualenv": sys.prefix} if sys.prefix != sys.base_prefix else {})}


def _copied(project: Project) -> dict[str, Any]:
    """Return the settings of a project, with absolute paths, without its host and its places of stacks."""
    data = {name: value for name, value in project.data.items() if name not in _OF_A_STACK}
    plugins = {
        kind: [_absolute(entry, project.folder) for entry in entries or () if entry.get("name") != PLUGIN]
        for kind, entries in (data.get("plugins") or {}).items()
    }
    return {**data, "main": str(main_of(project)), "plugins": plugins}


def _absolute(plugin: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {**plugin, "path": str((folder / plugin["path"]).resolve())} if "path" in plugin else plugin

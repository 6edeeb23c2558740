"""Checks by `openai-ft doctor` of this machine and of the project."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.doctor.report import Finding, ok, problem, warning
from pulumi_openai_ft.cli.program_python import DISTRIBUTION, Installed, Python, Runtime
from pulumi_openai_ft.cli.project import WRAPPER, Project, WrapperStatus, compare
from pulumi_openai_ft.cli.pulumi_cli import Version
from pulumi_openai_ft.cli.pulumi_yaml import parse
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_TESTED = Version(3, 216, 0)
"""Oldest version of `pulumi` that this package was tested with."""
OLDEST_PYTHON = Version(3, 11, 0)
TYPE_CHECKERS = ("mypy", "pyright")
POLICY_PACK = "PulumiPolicy.yaml"
_INSTALL = "install it in this environment (docs/install.md)"
_REPAIR, _REPAIR_FORCED = "run `openai-ft init`", "run `openai-ft init --force`"


def program(project: Project | None) -> list[Finding]:
    """Check the Python that runs the program, and the packages that the program needs.

    Without a project, check the Python that runs this command.
    """
    runtime = project.runtime if project else None
    try:
        found = runtime.python() if runtime else Python(Path(sys.executable), "pip", "this command")
        installed = found.inspect(runtime.program if runtime else Path())
    except InputError as error:
        return [problem("Python", str(error))]
    return [
        _python(found, installed),
        _sdk(found, installed),
        _package(runtime, found, installed),
        *_typechecker(runtime, found, installed),
    ]


def _python(found: Python, installed: Installed) -> Finding:
    python = f"{installed.version}, {found.executable} (from {found.chosen_by})"
    if (parsed := Version.parse(installed.version)) is None or parsed < OLDEST_PYTHON:
        return problem("Python", f"{python} is too old; {OLDEST_PYTHON} or newer is required")
    if found.toolchain == "pip" and installed.packages["pip"] is None:
        return problem(
            "Python", f"{python} has no pip, which Pulumi requires; run `{found.executable} -m ensurepip`"
        )
    return ok("Python", python)


def _sdk(found: Python, installed: Installed) -> Finding:
    if (sdk := installed.packages["pulumi"]) is None:
        return problem("SDK", f"{found.executable} does not have the package pulumi; {_INSTALL}")
    return ok("SDK", f"pulumi {sdk}")


def _package(runtime: Runtime | None, found: Python, installed: Installed) -> Finding:
    installed_version, own_version = installed.packages[DISTRIBUTION], metadata.version(DISTRIBUTION)
    if installed_version is None:
        return problem(
            "package",
            f"{found.executable} does not have {DISTRIBUTION}, so the program fails; {_INSTALL}{_or_select(runtime, found)}",
        )
    if installed_version != own_version:
        return warning(
            "package",
            f"{DISTRIBUTION} is {installed_version}, but this command is from {own_version}; run "
            f"{found.executable.parent}/openai-ft doctor",
        )
    return ok("package", f"{DISTRIBUTION} {installed_version}")


def _or_select(runtime: Runtime | None, found: Python) -> str:
    """Return the advice to select the environment that has the package, if the host found one."""
    if runtime is None or (other := runtime.host_python()) == found:
        return ""
    environment = os.path.relpath(other.executable.parents[1], runtime.root)
    return f", or set runtime.options.virtualenv to {environment}, which has it"


def _typechecker(runtime: Runtime | None, found: Python, installed: Installed) -> list[Finding]:
    """Check that the type checker that Pulumi runs before the program can run, if the project selects a type checker."""
    name = runtime.options.get("typechecker") if runtime else None
    if name is None:
        return []
    if name not in TYPE_CHECKERS:
        return [problem("type checker", f"runtime.options.typechecker is {name!r}; write mypy or pyright")]
    if installed.packages[name] is None:
        return [
            problem(
                "type checker",
                f"{found.executable} does not have {name}; install it, or remove runtime.options.typechecker",
            )
        ]
    if name == "mypy" and found.chosen_by in ("PATH", "PULUMI_PYTHON_CMD"):
        return [
            problem(
                "type checker",
                "Pulumi runs mypy only in a virtual environment; set runtime.options.virtualenv",
            )
        ]
    return [ok("type checker", f"{name} {installed.packages[name]}")]


def pulumi_command() -> Finding:
    """Check Pulumi's command line."""
    path = pulumi_cli.command_path()
    if path is None:
        return problem("Pulumi", pulumi_cli.MISSING)
    try:
        found = pulumi_cli.version()
    except InputError as error:
        return problem("Pulumi", f"{path}: {error}; install it again (www.pulumi.com/docs/install)")
    return pulumi_version(found, path)


def pulumi_version(found: Version | None, path: str) -> Finding:
    """Check whether this package was tested with a version of Pulumi's command line."""
    if found is None or found < OLDEST_TESTED:
        version = f"version {found}" if found else "of an unknown version"
        return warning(
            "Pulumi",
            f"{path} is {version}; the oldest tested version is {OLDEST_TESTED}: install a newer version",
        )
    return ok("Pulumi", f"{found}, {path}")


def host(project: Project) -> Finding:
    """Check the host for dynamic resources that the project selects."""
    try:
        folder = project.host_folder()
    except InputError as error:
        return problem("host", str(error))
    if folder is None:
        return warning(
            "host",
            f"Pulumi's own host, without import, live progress, or resuming after Ctrl-C; {_REPAIR}",
        )
    wrapper = folder / WRAPPER
    found = compare(wrapper)
    if found is WrapperStatus.CURRENT:
        return ok("host", f"this package's host, started by {wrapper}")
    if found is WrapperStatus.MISSING:
        return problem("host", f"{wrapper}, selected by {project.file.name}, does not exist; {_REPAIR}")
    if found is WrapperStatus.NOT_EXECUTABLE:
        return problem("host", f"{wrapper} is not executable; {_REPAIR}")
    if found is WrapperStatus.OUTDATED:
        return warning("host", f"{wrapper} is from another version of this package; {_REPAIR}")
    return warning("host", f"{wrapper} is another program; to overwrite it, {_REPAIR_FORCED}")


def policies(project: Project) -> Finding:
    """Check that the policy packs of the project can run. A project does not need a policy pack."""
    packs = list(_packs(project.folder))
    if not packs:
        return ok("policies", "the project has no policy pack")
    names = [str(pack.parent.relative_to(project.folder)) for pack in packs]
    reasons = [
        f"{name}: {reason}" for name, pack in zip(names, packs, strict=True) if (reason := _obstacle(pack))
    ]
    if reasons:
        return problem("policies", "; ".join(reasons))
    return ok("policies", f"{', '.join(names)}: apply it with `pulumi preview --policy-pack {names[0]}`")


def _obstacle(pack: Path) -> str | None:
    """Return the reason why a policy pack cannot run, or None. Pulumi may wait forever for such a pack."""
    try:
        data = parse(pack.read_text("utf-8"))
        runtime = data.get("runtime")
        options = runtime.get("options") if isinstance(runtime, dict) else None
        found = Runtime(pack.parent, pack.parent, options if isinstance(options, dict) else {}).python()
        if found.inspect(pack.parent).packages["pulumi-policy"] is None:
            return (
                f"{found.executable} does not have the package pulumi-policy; install it in this environment"
            )
    except (InputError, OSError, UnicodeDecodeError) as error:
        return str(error)
    return None


def _packs(folder: Path) -> Iterator[Path]:
    """Yield the policy packs up to two levels below a folder. Deeper folders may be virtual environments."""
    for depth in ("", "*/", "*/*/"):
        yield from sorted(folder.glob(f"{depth}{POLICY_PACK}"))

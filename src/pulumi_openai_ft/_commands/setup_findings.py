"""What `openai-ft doctor` finds on this machine and in the project."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft._commands import pulumi_cli
from pulumi_openai_ft._commands.findings import Finding, ok, problem, warning
from pulumi_openai_ft._commands.project import WRAPPER, Copy, Project, compare
from pulumi_openai_ft._commands.pulumi_cli import Version
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_TRIED = Version(3, 259, 0)
"""The oldest `pulumi` that this package was tried with."""
POLICY_PACK = "PulumiPolicy.yaml"
_REPAIR = "run `openai-ft init`"


def python(project: Project | None) -> Finding:
    """The Python that answers, which should be the program's."""
    here = f"{platform.python_version()}, {sys.executable}"
    named = project.environment() if project else None
    if named is None or named.resolve() == Path(sys.prefix).resolve():
        return ok("Python", here)
    return warning("Python", f"{here}, but the program runs in {named}: run {named}/bin/openai-ft doctor")


def pulumi_command() -> Finding:
    """Pulumi's command line."""
    path = pulumi_cli.command_path()
    if path is None:
        return problem("Pulumi", "`pulumi` is not on PATH: install it (www.pulumi.com/docs/install)")
    try:
        found = pulumi_cli.version()
    except InputError as error:
        return problem("Pulumi", f"{path}: {error}; install it again (www.pulumi.com/docs/install)")
    return pulumi_version(found, path)


def pulumi_version(found: Version | None, path: str) -> Finding:
    """Whether this package was tried with a version of Pulumi's command line."""
    if found is None or found < OLDEST_TRIED:
        told = f"version {found}" if found else "of no version that can be told"
        return warning("Pulumi", f"{path} is {told}, and {OLDEST_TRIED} is the oldest tried: get a newer one")
    return ok("Pulumi", f"{found}, {path}")


def sdk() -> Finding:
    """Pulumi's package for Python, whose version our own package bounds."""
    return ok("SDK", f"pulumi {metadata.version('pulumi')}")


def host(project: Project) -> Finding:
    """Which host serves dynamic resources, and whether it is in order."""
    try:
        folder = project.host_folder()
    except InputError as error:
        return problem("host", str(error))
    if folder is None:
        return warning(
            "host",
            f"Pulumi's own, which has no import, no live progress and no resuming after Ctrl-C: {_REPAIR}",
        )
    wrapper = folder / WRAPPER
    found = compare(wrapper)
    if found is Copy.CURRENT:
        return ok("host", f"this package's, by {wrapper}")
    if found is Copy.MISSING:
        return problem("host", f"{wrapper}, which {project.file.name} selects, is not there: {_REPAIR}")
    if found is Copy.NOT_EXECUTABLE:
        return problem("host", f"{wrapper} is not executable: {_REPAIR}")
    if found is Copy.OUTDATED:
        return warning("host", f"{wrapper} is of another version of this package: {_REPAIR}")
    return warning("host", f"{wrapper} is another program: {_REPAIR} --force to overwrite it")


def policies(project: Project) -> Finding:
    """Policy packs in the project: to have none is no fault."""
    found = [str(pack.parent.relative_to(project.folder)) for pack in _packs(project.folder)]
    if not found:
        return ok("policies", "no policy pack in the project")
    return ok("policies", f"{', '.join(found)}: `pulumi preview --policy-pack {found[0]}` applies it")


def _packs(folder: Path) -> Iterator[Path]:
    """Policy packs in a folder, not deep: virtual environments may lie below."""
    for depth in ("", "*/", "*/*/"):
        yield from sorted(folder.glob(f"{depth}{POLICY_PACK}"))

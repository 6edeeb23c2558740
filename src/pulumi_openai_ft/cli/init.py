"""`openai-ft init`: adds the host of this package, and optionally a policy pack, to a Pulumi project."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft.cli.policy_scaffold import write_pack
from pulumi_openai_ft.cli.project import (
    WRAPPER,
    WRAPPER_SOURCE,
    Project,
    WrapperStatus,
    compare,
    default_host_folder,
)
from pulumi_openai_ft.cli.pulumi_yaml import FOLDER, PLUGIN, with_host
from pulumi_openai_ft.cli.supported_systems import CURRENT, require_supported
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

EXECUTABLE = 0o755


def initialize(
    folder: Path, *, force: bool = False, policies: bool = False, system: str = CURRENT
) -> list[str]:
    """Make a project use this package's host for dynamic resources.

    Args:
        folder: Folder of the project, or a folder inside it.
        force: Whether to overwrite another program that has the name of the wrapper.
        policies: Whether to add a policy pack.
        system: Operating system, as `os.name`.

    Returns:
        A description of each change, such as `wrote bin/…`. Empty if the project was already up to date.

    Raises:
        InputError: The project cannot be changed. It is unchanged, or changed in a way that does no harm.
    """
    require_supported(system)
    project = Project.find(folder)
    selected = _usable_host_folder(project)
    wrapper = (selected or default_host_folder(project)) / WRAPPER
    text = project.text if selected else _with_host(project)
    try:
        # The wrapper comes first: every Pulumi command fails if the folder named by the project is missing.
        done = _put(wrapper, project, force=force)
        if text != project.text:
            atomic_write(project.file, text.encode(), stat.S_IMODE(project.file.stat().st_mode))
            done.append(_edit_made(project))
        if policies:
            done += write_pack(project)
    except OSError as error:
        raise InputError(f"{error.filename or wrapper}: {error.strerror}") from error
    return done


def _usable_host_folder(project: Project) -> Path | None:
    """Return the folder that a project selects for the wrapper, or None if `init` must add the default folder.

    A folder outside of the project is used only if it contains a shared wrapper.

    Raises:
        InputError: The folder is outside of the project and contains another program.
    """
    selected = project.host_folder()
    if selected is None or selected.resolve().is_relative_to(project.folder):
        return selected
    found = compare(selected / WRAPPER)
    if found is WrapperStatus.FOREIGN:
        raise InputError(
            f"{project.file} selects {selected / WRAPPER}, another program outside of the project; set "
            f"`path: {FOLDER}` in that entry, then run this command again"
        )
    return None if found is WrapperStatus.MISSING else selected


def _edit_made(project: Project) -> str:
    if project.host_folder():
        return f"changed the path of {PLUGIN} to {FOLDER} in {project.file.name}"
    return f"added plugins.providers to {project.file.name}"


def _with_host(project: Project) -> str:
    try:
        return with_host(project.text)
    except InputError as error:
        raise InputError(f"{project.file} was not changed: {error}") from error


def _put(wrapper: Path, project: Project, *, force: bool) -> list[str]:
    """Write or update the wrapper, and return a description of each change."""
    name, status = os.path.relpath(wrapper, project.folder), compare(wrapper)
    if status is WrapperStatus.CURRENT:
        return []
    if status is WrapperStatus.NOT_EXECUTABLE:
        wrapper.chmod(EXECUTABLE)
        return [f"made {name} executable"]
    if status is WrapperStatus.FOREIGN and not force:
        raise InputError(
            f"{wrapper} is another program; move it, or overwrite it with `openai-ft init --force`"
        )
    atomic_write(wrapper, WRAPPER_SOURCE.read_bytes(), EXECUTABLE)
    return [f"{_VERBS[status]} {name}"]


_VERBS = {
    WrapperStatus.MISSING: "wrote",
    WrapperStatus.OUTDATED: "updated",
    WrapperStatus.FOREIGN: "overwrote",
}

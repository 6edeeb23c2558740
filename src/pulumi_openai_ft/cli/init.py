"""`openai-ft init`: a project gets the wrapper and the lines that select it, and a policy pack if asked for."""

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
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

EXECUTABLE = 0o755


def initialize(folder: Path, *, force: bool = False, policies: bool = False) -> list[str]:
    """Makes the project of a folder use this package's host of dynamic resources.

    Args:
        folder: The project's folder, or one below it.
        force: Whether another program of the wrapper's name is overwritten.
        policies: Whether the project gets a policy pack, too.

    Returns:
        What was done, a clause each; nothing if all was there.

    Raises:
        InputError: It cannot be done; nothing was changed, or nothing that harms.
    """
    project = Project.find(folder)
    selected = _usable_host_folder(project)
    wrapper = (selected or default_host_folder(project)) / WRAPPER
    text = project.text if selected else _with_host(project)
    try:
        # The wrapper comes first: without the folder that the project names, every command of Pulumi fails.
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
    """Return the folder that a project names for the wrapper, None if it names none or one that it cannot use.

    A folder outside of the project is used if projects share a wrapper there, and gets none otherwise.

    Raises:
        InputError: The folder is outside of the project and holds another program.
    """
    selected = project.host_folder()
    if selected is None or selected.resolve().is_relative_to(project.folder):
        return selected
    found = compare(selected / WRAPPER)
    if found is WrapperStatus.FOREIGN:
        raise InputError(
            f"{project.file} selects {selected / WRAPPER}, another program outside of the project: write "
            f"`path: {FOLDER}` there, then run this again"
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
    """Brings the wrapper up to date."""
    name, found = os.path.relpath(wrapper, project.folder), compare(wrapper)
    if found is WrapperStatus.CURRENT:
        return []
    if found is WrapperStatus.NOT_EXECUTABLE:
        wrapper.chmod(EXECUTABLE)
        return [f"made {name} executable"]
    if found is WrapperStatus.FOREIGN and not force:
        raise InputError(
            f"{wrapper} is another program: move it away, or run this again with --force to overwrite it"
        )
    atomic_write(wrapper, WRAPPER_SOURCE.read_bytes(), EXECUTABLE)
    return [f"{_VERBS[found]} {name}"]


_VERBS = {
    WrapperStatus.MISSING: "wrote",
    WrapperStatus.OUTDATED: "updated",
    WrapperStatus.FOREIGN: "overwrote",
}

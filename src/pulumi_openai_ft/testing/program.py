"""The programs under test: the folder of a Pulumi project, or a function."""

from __future__ import annotations

import runpy
import sys
from contextlib import chdir, contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Program = Path | str | PathLike[str] | Callable[[], Any]

NAME = "openai-ft-testing"
"""Name of the project of a function."""
STACK = "test"
"""Name of each stack."""


def project_of(program: Program) -> Project | None:
    """Return the project of a program, or None if the program is a function.

    Raises:
        InputError: The folder has no valid project.
    """
    if not isinstance(program, str | PathLike):
        return None
    try:
        return Project.find(Path(program))
    except InputError as error:
        raise InputError(
            f"{error}; to test another program, override the fixture openai_ft_program"
        ) from error


def main_of(project: Project) -> Path:
    """Return the absolute path of a project's program: a folder, or a file."""
    return (project.folder / str(project.data.get("main") or "")).resolve()


def run_in_this_process(program: Program) -> None:
    """Run a program as Pulumi does: in its folder, with its folder first on `sys.path`."""
    if not isinstance(program, str | PathLike):
        program()
    elif project := project_of(program):
        _run(main_of(project))


def _run(main: Path) -> None:
    folder = main if main.is_dir() else main.parent
    with chdir(folder), _own_modules(folder):
        runpy.run_path(str(main), run_name="__main__")


@contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    """Make the modules of a folder importable, and unload them at the end, so that the next run registers resources."""
    sys.path.insert(0, str(folder))
    before = set(sys.modules)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            source = getattr(sys.modules[name], "__file__", None)
            if source and Path(source).is_relative_to(folder) and "site-packages" not in Path(source).parts:
                del sys.modules[name]

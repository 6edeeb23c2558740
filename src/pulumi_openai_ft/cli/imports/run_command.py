"""`openai-ft import run`: imports resources, and writes the program that declares them."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.imports.account_commands import PROGRAM
from pulumi_openai_ft.cli.imports.engine_import import EngineImport
from pulumi_openai_ft.cli.imports.imported_program import (
    free_module,
    require_new_module,
    write_module,
    written_modules,
)
from pulumi_openai_ft.cli.imports.planning import make_plan
from pulumi_openai_ft.cli.imports.progress_counter import ProgressCounter
from pulumi_openai_ft.cli.imports.report import (
    WARNING,
    nothing_to_import,
    report_omissions,
    resources,
    summary,
)
from pulumi_openai_ft.cli.imports.stack_objects import StackObjects
from pulumi_openai_ft.cli.imports.unfinished import Unfinished
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.cli.imports.import_list import ImportEntry, ImportList


def run(arguments: argparse.Namespace) -> int:
    """Import the resources that the stack does not manage yet, or check the program if there are none.

    Returns:
        The exit code: 0, or 1 if a resource was not imported or the program does not declare all of them.

    Raises:
        OpenAIFTError: The import cannot begin.
        KeyboardInterrupt: The user pressed Ctrl-C. The imported resources are in the state.
    """
    project = Project.find(arguments.cwd)
    _require_host(project)
    module = arguments.program or free_module(project.runtime.program, PROGRAM)
    require_new_module(module)
    settings = Selection(project.folder, arguments.stack).settings()
    _require_project(arguments.project, settings)
    stack = _objects(project, arguments.stack)
    plan = make_plan(arguments, settings, stack)
    report_omissions(plan.import_list.omissions, "; `openai-ft import plan` lists them")
    importer = _Importer(project, arguments.stack, module)
    if not plan.import_list.entries and not importer.left_over(stack):
        print(nothing_to_import(plan), flush=True)
        return importer.check_program()
    return importer.run(plan.import_list, stack)


def _require_host(project: Project) -> None:
    if project.host_folder() is None:
        raise InputError(
            f"{project.file} does not use this package's host, which `pulumi import` needs; run `openai-ft init` first"
        )


def _require_project(asked: str | None, settings: Settings) -> None:
    """Require that the stack reads its resources from the same OpenAI project as the plan."""
    if asked is not None and asked != settings.project:
        current = f"uses the project {settings.project}" if settings.project else "does not set a project"
        raise InputError(
            f"the stack {current}: run `pulumi config set openai-ft:project {asked}` first, because `pulumi up` reads "
            f"the imported resources with the settings of the stack"
        )


def _objects(project: Project, stack: str | None) -> StackObjects:
    return StackObjects.of(pulumi_cli.state(project.folder, stack))


@dataclass
class _Importer:
    """An import into a stack.

    Attributes:
        project: The project.
        stack: Name of the stack, or None for the selected stack.
        module: The file for the program.
    """

    project: Project
    stack: str | None
    module: Path

    def __post_init__(self) -> None:
        name = pulumi_cli.stack_name(self.project.folder, self.stack)
        self._unfinished = Unfinished.of(self.project.folder, name)

    def left_over(self, stack: StackObjects) -> list[ImportEntry]:
        """Return the resources that an interrupted run imported, for which no program has been written."""
        return [entry for entry in self._unfinished.load() if stack.has(entry)]

    def run(self, import_list: ImportList, stack: StackObjects) -> int:
        """Import resources, and write the program of all that this or an interrupted run has imported."""
        earlier = self.left_over(stack)
        if earlier:
            note(f"continuing an interrupted run, which imported {summary(earlier)}")
        self._unfinished.save([*earlier, *import_list.entries])
        errors = self._import(import_list) if import_list.entries else ""
        imported = self._write_program([*earlier, *import_list.entries])
        missing = len(earlier) + len(import_list.entries) - len(imported)
        if errors:
            sys.stderr.write(f"{errors}\n")
        if missing:
            note(f"not imported: {resources(missing)}; correct the errors and run the command again")
        return int(bool(missing or errors))

    def _import(self, import_list: ImportList) -> str:
        print(f"Importing {summary(import_list.entries)}, protected. {WARNING}", flush=True)
        with closing(ProgressCounter("resources imported")) as counter:
            try:
                return EngineImport(self.project.folder, self.stack, counter.show, note).run(import_list)
            except (KeyboardInterrupt, SystemExit):
                note("interrupted; run the command again to import the rest and to write the program")
                raise

    def _write_program(self, entries: Sequence[ImportEntry]) -> list[ImportEntry]:
        """Write the program of the entries that were imported, print its line, and return them."""
        stack = _objects(self.project, self.stack)
        imported = [entry for entry in entries if stack.has(entry)]
        if imported:
            write_module(self.module, imported, stack)
            print(f"Imported {summary(imported)}; wrote their program to {self.module}.")
            print(f"\nAdd this line to __main__.py:\n\n   import {self.module.stem}\n")
            print("Then run the command again: it checks that the program has no changes.", flush=True)
        self._unfinished.save([entry for entry in entries if not stack.has(entry)])
        return imported

    def check_program(self) -> int:
        """Preview the program if it imports each module that a run has written. Return the exit code."""
        modules = written_modules(self.project.runtime.program)
        unused = sorted(name for name, is_used in modules.items() if not is_used)
        if unused:
            print("\nAdd these lines to __main__.py, and run the command again:\n")
            print("\n".join(f"   import {name}" for name in unused))
            print(f"\n{WARNING}", flush=True)
            return 1
        return pulumi_cli.show_preview(self.project.folder, self.stack) if modules else 0

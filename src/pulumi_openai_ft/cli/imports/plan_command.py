"""`openai-ft import plan`: writes the list for `pulumi import --file`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.imports.account_commands import LIST_FILE, PROGRAM
from pulumi_openai_ft.cli.imports.planning import make_plan
from pulumi_openai_ft.cli.imports.report import (
    WARNING,
    nothing_to_import,
    report_omissions,
    resources,
    summary,
)
from pulumi_openai_ft.cli.imports.stack_objects import StackObjects
from pulumi_openai_ft.cli.input_files import STANDARD_INPUT as STANDARD_OUTPUT
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pulumi_openai_ft.cli.imports.plan import Plan


def run(arguments: argparse.Namespace) -> int:
    """Write the list, and print the command that imports it.

    Returns:
        The exit code, 0.

    Raises:
        OpenAIFTError: The list cannot be made.
        OSError: The list cannot be written.
    """
    selection = Selection.of(arguments)
    plan = make_plan(arguments, selection.settings(), _objects(selection))
    output, is_printed = arguments.output, arguments.output == STANDARD_OUTPUT
    if not plan.import_list.entries:
        print(nothing_to_import(plan))
    elif is_printed:
        print(plan.import_list.as_json(), end="")
    else:
        plan.import_list.write(Path(output))
    if plan.import_list.entries:
        steps = "\n".join(_next_steps(plan, arguments))
        print(steps, file=sys.stderr if is_printed else sys.stdout)
    sys.stdout.flush()
    report_omissions(plan.import_list.omissions, "; see `omitted` in the list")
    return 0


def _objects(selection: Selection) -> StackObjects:
    """Return the objects of the stack. Without a readable stack, print the reason and return none."""
    try:
        folder = selection.project_folder()
        return StackObjects.of(pulumi_cli.state(folder, selection.stack)) if folder else StackObjects()
    except InputError as error:
        if selection.is_explicit:
            raise
        note(f"resources that a stack already manages are not left out: {error}")
        return StackObjects()


def _next_steps(plan: Plan, arguments: argparse.Namespace) -> Iterator[str]:
    is_printed = arguments.output == STANDARD_OUTPUT
    output = LIST_FILE if is_printed else arguments.output
    managed = f" The stack already manages {resources(plan.managed)} more." if plan.managed else ""
    place = "" if is_printed else f" in {output}"
    yield f"Listed {summary(plan.import_list.entries)}{place}.{managed}"
    yield (
        f"\nTo import them, save the list as {output} and run:\n"
        if is_printed
        else "\nTo import them, run:\n"
    )
    if arguments.project:
        yield f"   pulumi config set openai-ft:project {shlex.quote(arguments.project)}"
    yield f"   {_import_command(output, arguments)}"
    yield f"\nThen add `import {PROGRAM}` to __main__.py. {WARNING}"


def _import_command(output: str, arguments: argparse.Namespace) -> str:
    is_elsewhere = arguments.cwd != Path()
    file = Path(output).resolve() if is_elsewhere else output
    options = [
        *(["--cwd", arguments.cwd] if is_elsewhere else []),
        *(["--stack", arguments.stack] if arguments.stack else []),
        *("--file", file, "--out", f"{PROGRAM}.py"),
    ]
    return shlex.join(["pulumi", "import", *map(str, options)])

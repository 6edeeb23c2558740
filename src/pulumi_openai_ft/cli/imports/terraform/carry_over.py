"""Carrying over of the resources in a Terraform state: the files to write, and the report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli.imports.program_source import program_source
from pulumi_openai_ft.cli.imports.terraform.conversion import Conversion, convert
from pulumi_openai_ft.cli.imports.terraform.local_files import LocalFiles
from pulumi_openai_ft.cli.imports.terraform.state_file import read_state
from pulumi_openai_ft.cli.input_files import STANDARD_INPUT
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def run(state: str, output: Path, program: Path, terraform_folder: Path | None) -> int:
    """Write the import list and the program, and print the next steps.

    Args:
        state: Path of the state; `-` is standard input.
        output: File for the import list.
        program: File for the program.
        terraform_folder: Folder in which Terraform runs; by default the folder of the state.

    Returns:
        The exit code: 0, or 1 if nothing can be carried over.

    Raises:
        InputError: The state cannot be read, or a file to write exists.
        OSError: The state cannot be read, or a file cannot be written.
    """
    resources = read_state(_content(state), state)
    found = convert(resources, LocalFiles(_folder(state, terraform_folder), program.parent))
    if found.entries:
        _write(found, output, program)
        print("\n".join(_next_steps(found, output, program)))
    else:
        print("The state contains no resource that can be carried over.")
    sys.stdout.flush()
    sys.stderr.write("".join(f"{line}\n" for line in _report(found)))
    return 0 if found.entries else 1


def _content(state: str) -> bytes:
    return sys.stdin.buffer.read() if state == STANDARD_INPUT else Path(state).read_bytes()


def _folder(state: str, given: Path | None) -> Path:
    if given is None:
        return Path() if state == STANDARD_INPUT else Path(state).parent
    if not given.is_dir():
        raise InputError(f"{given} is not a folder; pass the folder in which Terraform runs")
    return given


def _write(found: Conversion, output: Path, program: Path) -> None:
    """Write both files, or none of them."""
    if output.exists():
        raise InputError(f"{output} exists; pass another file with --output, or remove it")
    try:
        with program.open("x", encoding="utf-8") as file:
            file.write(program_source(found.program, "Resources that Terraform created."))
    except FileExistsError as error:
        raise InputError(f"{program} exists; pass another file with --program, or remove it") from error
    found.import_list.write(output)


def _next_steps(found: Conversion, output: Path, program: Path) -> Iterator[str]:
    count = len(found.entries)
    yield f"Wrote {output} and {program} ({count} resource{'s' if count > 1 else ''})."
    yield "\nIn the folder of your Pulumi project, run these commands:\n"
    yield f"   1. pulumi import --file {shlex.quote(str(output))} --generate-code=false"
    yield f"   2. {_use_of(program)}"
    yield "   3. pulumi preview --expect-no-changes"
    yield "   4. In the folder of Terraform, remove the resources from its state, without destroying them:"
    yield from (f"      terraform state rm {shlex.quote(address)}" for address in found.addresses)
    yield "\nThe next `pulumi up` would delete imported resources that are missing from the program; until you remove"
    yield "`protect=True`, it fails instead."


def _use_of(program: Path) -> str:
    if program.stem.isidentifier() and program.suffix == ".py":
        return f"Add `import {program.stem}` to __main__.py, or copy {program} into it."
    return f"Copy {program} into __main__.py."


def _report(found: Conversion) -> Iterator[str]:
    yield from _section("Left out:", found.omissions)
    yield from _section("Please check:", found.notes)
    others = [f"{provider}: {count}" for provider, count in sorted(found.others.items())]
    yield from _section("Resources of other providers, left out:", others)


def _section(title: str, lines: Iterable[object]) -> list[str]:
    shown = [f"  - {line}" for line in lines]
    return [f"\n{title}", *shown] if shown else []

"""The module that declares imported resources, in the folder of the program."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.codegen_escapes import unescape_from_codegen
from pulumi_openai_ft._shared.state_names import FILE_TYPE, IDENTITY, TYPE_PREFIX
from pulumi_openai_ft.cli.imports.program_source import ProgramResource, Reference, program_source
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pulumi_openai_ft.cli.imports.import_list import ImportEntry
    from pulumi_openai_ft.cli.imports.stack_objects import StackObjects

SUMMARY = "Resources that `openai-ft import run` imported."
_FILE_INPUTS = ("training_file", "validation_file")
_HIDDEN = "__"


def free_module(folder: Path, name: str) -> Path:
    """Return the first of `name.py`, `name_2.py` and so on that does not exist."""
    names = (name if number == 1 else f"{name}_{number}" for number in count(1))
    return next(file for name in names if not (file := folder / f"{name}.py").exists())


def require_new_module(file: Path) -> None:
    """Require that a program can import a new file.

    Raises:
        InputError: The file exists, or its name is not that of a module.
    """
    if file.exists():
        raise InputError(f"{file} exists; pass another file with --program")
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise InputError(f"{file} cannot be imported; pass a name such as imported_resources.py")
    if not file.parent.is_dir():
        raise InputError(f"{file.parent} is not a folder; pass a file in the folder of the program")


def write_module(file: Path, entries: Sequence[ImportEntry], stack: StackObjects) -> None:
    """Write the declarations of imported resources to a new file.

    Args:
        file: The file.
        entries: The resources, each after its files.
        stack: The stack, which has them.
    """
    names = {entry.id: entry.name for entry in entries if entry.type == FILE_TYPE}
    resources = [_declared(entry, stack.inputs[entry.type, entry.id], names) for entry in entries]
    with file.open("x", encoding="utf-8") as stream:
        stream.write(program_source(resources, SUMMARY))


def _declared(entry: ImportEntry, inputs: Mapping[str, Any], files: Mapping[str, str]) -> ProgramResource:
    original = inputs if IDENTITY in inputs else unescape_from_codegen(inputs)
    visible = {name: value for name, value in original.items() if not name.startswith(_HIDDEN)}
    references = {
        name: Reference("File", files[visible[name]]) for name in _FILE_INPUTS if visible.get(name) in files
    }
    kind = entry.type.removeprefix(TYPE_PREFIX)
    return ProgramResource(kind, entry.name, {**visible, **references}, is_protected=True)


def written_modules(folder: Path) -> dict[str, bool]:
    """Return the names of the modules that this command has written, and whether another file imports them."""
    sources = {file: file.read_text(encoding="utf-8", errors="replace") for file in folder.glob("*.py")}
    ours = [file for file, source in sources.items() if source.startswith(f'"""{SUMMARY}"""')]
    return {
        file.stem: _is_imported(file.stem, (source for other, source in sources.items() if other != file))
        for file in ours
    }


def _is_imported(module: str, sources: Iterable[str]) -> bool:
    statement = re.compile(rf"^\s*(import\s+(.*,\s*)?|from\s+\.?){module}\b", re.MULTILINE)
    return any(statement.search(source) for source in sources)

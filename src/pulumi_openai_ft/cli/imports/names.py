"""Names of the imported resources, which are also the names of their variables in a program.

Each name depends only on the object and on older objects, so that a later plan with more objects, or with other
filters, repeats it.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pulumi_openai_ft._client.objects import FileObject, Job

MAX_LENGTH = 80
JOB, FILE, PERMISSION = "job", "file", "permission"
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_SUFFIX = 3
"""Position of the suffix in the name of a fine-tuned model, `ft:<base>:<organization>:<suffix>:<id>`."""
_OTHER_KIND = re.compile(rf"_({FILE}|{PERMISSION}|step_\d+)(_\d+)*$")
"""The end of names of other kinds than jobs. Kinds do not share names, so that they do not depend on each other."""
_PROGRAM = {"pulumi", "pulumi_python", "openai_ft", "pulumi_openai_ft"}
_CODE_GENERATOR = frozenset(
    [
        "any",
        "bool",
        "component",
        "config",
        "connection",
        "count",
        "dynamic",
        "each",
        "element",
        "entries",
        "false",
        "int",
        "invoke",
        "join",
        "length",
        "list",
        "lookup",
        "map",
        "module",
        "null",
        "number",
        "object",
        "options",
        "output",
        "package",
        "pulumi",
        "range",
        "resource",
        "secret",
        "self",
        "set",
        "split",
        "string",
        "toJSON",
        "true",
        "tuple",
        "variable",
    ]
)
"""Names with a meaning in the language that Pulumi generates programs from."""
RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_PROGRAM, *_CODE_GENERATOR})
"""Names that a job never gets. Those of other kinds end with the kind."""
KeyT = TypeVar("KeyT")


def job_name(job: Job) -> str:
    """Return the preferred name of a job: its suffix, or else its base model."""
    parts = (job.fine_tuned_model or "").split(":")
    suffix = job.requested_suffix or (parts[_SUFFIX] if len(parts) > _SUFFIX else "")
    base = identifier(suffix or f"{_DATE.sub('', job.model or '')} {JOB}", JOB)
    is_ambiguous = base in RESERVED or _OTHER_KIND.search(base)
    return f"{base}_{JOB}" if is_ambiguous else base


def file_name(file: FileObject) -> str:
    """Return the preferred name of a file: its file name without the extension."""
    base = identifier(PurePath(file.filename or "").stem, "data")
    return base if base.endswith(f"_{FILE}") else f"{base}_{FILE}"


def permission_name(job: str, step: int | None) -> str:
    """Return the name of the permissions of a job's model, or of its checkpoint after a step."""
    return f"{job}_{PERMISSION}" if step is None else f"{job}_step_{step}_{PERMISSION}"


def identifier(text: str, word: str) -> str:
    """Return a Python identifier in lowercase for a text. If necessary, it begins with `word`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain)[:MAX_LENGTH].strip("_")
    return base if base[:1].isalpha() else f"{word}_{base}".rstrip("_")


def unique_names(preferred: Iterable[tuple[KeyT, str]], taken: Collection[str] = ()) -> dict[KeyT, str]:
    """Return a different name for each object.

    Args:
        preferred: The objects and their preferred names, oldest first. The oldest of equal names keeps its name; the
            others are numbered.
        taken: Names that other objects have.
    """
    used, numbers = {*taken}, dict[str, int]()
    return {key: _next(base, used, numbers) for key, base in preferred}


def renamed(names: Mapping[KeyT, str], taken: Collection[str]) -> dict[KeyT, str]:
    """Return the names, numbered further where a resource of the stack already has the name."""
    used, numbers = {*taken, *names.values()}, dict[str, int]()
    return {key: _next(name, used, numbers) if name in taken else name for key, name in names.items()}


def _next(base: str, used: set[str], numbers: dict[str, int]) -> str:
    """Return the first free name among `base`, `base_2`, `base_3` and so on, and mark it as used."""
    name = base
    while name in used:
        numbers[base] = numbers.get(base, 1) + 1
        name = f"{base}_{numbers[base]}"
    used.add(name)
    return name

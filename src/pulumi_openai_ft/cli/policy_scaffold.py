"""The policy pack that `openai-ft init --policies` puts into a project."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.cli.project import Project

FOLDER = "policies"
DESCRIPTION, PROGRAM = "PulumiPolicy.yaml", "__main__.py"
MARKER = "__init__.py"
"""Makes the folder a package. Without it, a type checker that Pulumi runs finds two modules named `__main__`."""
PACK = "from pulumi_openai_ft.policies import pack\n\npack()\n"
_READABLE = 0o644


def write_pack(project: Project) -> list[str]:
    """Write a policy pack into the project, unless its folder holds another one.

    Returns:
        What was done, a clause each; nothing if the pack is complete.

    Raises:
        InputError: The folder holds another program.
        OSError: It cannot be written.
    """
    folder = project.folder / FOLDER
    program, description = folder / PROGRAM, folder / DESCRIPTION
    is_ours = not program.exists() or program.read_text("utf-8", "replace") == PACK
    if description.exists():
        missing = [folder / MARKER] if is_ours and not (folder / MARKER).exists() else []
    elif is_ours:
        # The description comes last: it is what makes the folder a pack.
        missing = [folder / MARKER, program, description]
    else:
        raise InputError(f"{program} is another program: move it away, then run this again")
    for file in missing:
        atomic_write(file, _content(file, project).encode(), _READABLE)
    if description in missing:
        return [f"wrote the policy pack {FOLDER}: `pulumi preview --policy-pack {FOLDER}` applies it"]
    return [f"wrote {FOLDER}/{file.name}" for file in missing]


def _content(file: Path, project: Project) -> str:
    match file.name:
        case "__main__.py":
            return PACK
        case "PulumiPolicy.yaml":
            return _description(project, file.parent)
        case _:
            return ""


def _description(project: Project, folder: Path) -> str:
    options = _options(project, folder)
    runtime = json.dumps({"name": "python", **({"options": options} if options else {})})
    return f"runtime: {runtime}\nversion: 1.0.0\ndescription: Rules for fine-tuning, checked before anything is created\n"


def _options(project: Project, folder: Path) -> dict[str, Any]:
    """Return the options that select the program's own environment from the pack's folder."""
    given = project.runtime.options
    named = given.get("virtualenv")
    return {
        **({"toolchain": given["toolchain"]} if given.get("toolchain") else {}),
        **({"virtualenv": os.path.relpath(project.folder / str(named), folder)} if named else {}),
    }

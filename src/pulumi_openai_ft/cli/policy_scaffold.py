"""Policy pack that `openai-ft init --policies` adds to a project."""

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
"""File that makes the folder a package. Without it, a type checker started by Pulumi finds two `__main__` modules."""
PACK = "from pulumi_openai_ft.policies import pack\n\npack()\n"
_READABLE = 0o644


def write_pack(project: Project) -> list[str]:
    """Write a policy pack to the project, unless the project already has a pack in the same folder.

    Returns:
        A description of each change. Empty if the pack is complete.

    Raises:
        InputError: The folder contains another program.
        OSError: The pack cannot be written.
    """
    folder = project.folder / FOLDER
    program, description = folder / PROGRAM, folder / DESCRIPTION
    is_generated = not program.exists() or program.read_text("utf-8", "replace") == PACK
    if description.exists():
        missing = [folder / MARKER] if is_generated and not (folder / MARKER).exists() else []
    elif is_generated:
        # The description comes last, because it makes the folder a policy pack.
        missing = [folder / MARKER, program, description]
    else:
        raise InputError(f"{program} is another program; move it, then run this command again")
    for file in missing:
        atomic_write(file, _content(file, project).encode(), _READABLE)
    if description in missing:
        return [f"wrote the policy pack {FOLDER}; apply it with `pulumi preview --policy-pack {FOLDER}`"]
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
    return f"runtime: {runtime}\nversion: 1.0.0\ndescription: Rules for fine-tuning resources, checked before they are created\n"


def _options(project: Project, folder: Path) -> dict[str, Any]:
    """Return the runtime options with which the pack uses the same Python environment as the program."""
    configured = project.runtime.options
    virtualenv = configured.get("virtualenv")
    return {
        **({"toolchain": configured["toolchain"]} if configured.get("toolchain") else {}),
        **({"virtualenv": os.path.relpath(project.folder / str(virtualenv), folder)} if virtualenv else {}),
    }

"""The policy pack that `openai-ft init --policies` puts into a project."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._disk import write_whole
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft._commands.project import Project

FOLDER = "policies"
DESCRIPTION, PROGRAM = "PulumiPolicy.yaml", "__main__.py"
PACK = "from pulumi_openai_ft.policies import pack\n\npack()\n"
_READABLE = 0o644


def write_pack(project: Project) -> list[str]:
    """Puts a policy pack into the project, unless there is one in its folder.

    Returns:
        What was done, a clause each; nothing if there is a pack.

    Raises:
        InputError: The folder holds another program.
        OSError: It cannot be written.
    """
    folder = project.folder / FOLDER
    if (folder / DESCRIPTION).exists():
        return []
    program = folder / PROGRAM
    if program.exists() and program.read_text("utf-8", "replace") != PACK:
        raise InputError(f"{program} is another program: move it away, then run this again")
    # The description comes last: it is what makes the folder a pack.
    for file, text in ((program, PACK), (folder / DESCRIPTION, _description(project, folder))):
        write_whole(file, text.encode(), _READABLE)
    return [f"wrote the policy pack {FOLDER}: `pulumi preview --policy-pack {FOLDER}` applies it"]


def _description(project: Project, folder: Path) -> str:
    options = _options(project, folder)
    runtime = json.dumps({"name": "python", **({"options": options} if options else {})})
    return f"runtime: {runtime}\nversion: 1.0.0\ndescription: Rules for fine-tuning, checked before anything is created\n"


def _options(project: Project, folder: Path) -> dict[str, Any]:
    """The program's own environment, as it is reached from the pack's folder."""
    runtime = project.data.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    named = project.environment()
    toolchain = options.get("toolchain") if isinstance(options, dict) else None
    return {
        **({"toolchain": toolchain} if toolchain else {}),
        **({"virtualenv": os.path.relpath(named, folder)} if named else {}),
    }

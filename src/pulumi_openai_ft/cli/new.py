"""`openai-ft new`: writes the project that `pulumi new` writes from the same template."""

from __future__ import annotations

import re
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.argument_parser import add_project_command
from pulumi_openai_ft.cli.project import TEMPLATE
from pulumi_openai_ft.cli.supported_systems import CURRENT, require_supported
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator

DESCRIPTION = """\
Writes a project that trains a model on sample data: the program, 30 chats, Pulumi.yaml, the script that starts this
package's host, requirements.txt and .gitignore. The folder must be empty, except for version control and a virtual
environment in .venv. `pulumi new` writes the same project from the folder templates/openai-ft-python of the repository."""
PROJECT_FILE = "Pulumi.yaml"
ENVIRONMENT = ".venv"
"""Folder of the virtual environment that the project selects."""
UNCOUNTED = {".bzr", ".git", ".hg", ENVIRONMENT}
"""Entries of a folder that counts as empty. Pulumi does not list the environment."""
LONGEST_NAME, LONGEST_DESCRIPTION = 100, 256
_DEFAULT_NAME = "project"
PROGRAM, SAMPLE_DATA = "__main__.py", "customer_support.jsonl"
"""The program of the template, and its training data."""
_TEMPLATE_SECTION = "\ntemplate:"
_GENERATED = {"__pycache__"}
_QUOTED_BY_PULUMI = re.compile(r"[yYnN]|[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")
"""Texts that Pulumi's YAML library quotes, although Python's reads them as texts without quotes."""


@dataclass(frozen=True)
class NewProject:
    """A project that was written.

    Attributes:
        name: Name of the project.
        folder: Folder of the project, as the user named it.
        hints: Text of the template for its users.
    """

    name: str
    folder: Path
    hints: str

    @property
    def next_steps(self) -> list[str]:
        """Return the commands to run before `pulumi up`."""
        is_here = self.folder.resolve() == Path.cwd()
        return [
            *([] if is_here else [f"cd {shlex.quote(str(self.folder))}"]),
            *([] if (self.folder / ENVIRONMENT).is_dir() else ["pulumi install"]),
            "pulumi stack init dev",
            "pulumi config set --secret openai-ft:apiKey",
        ]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = add_project_command(
        commands,
        "new",
        "create a project with a program and sample data",
        DESCRIPTION,
        "folder of the new project; it is created if it does not exist (default: the current folder)",
    )
    parser.add_argument("--name", help="name of the project (default: the name of the folder)")
    parser.add_argument("--description", help="description of the project, in one line")
    parser.add_argument(
        "--force",
        action="store_true",
        help="write to a folder that is not empty, and overwrite existing files",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Create a project and print the next steps.

    Returns:
        The exit code, 0.

    Raises:
        InputError: The project cannot be created.
    """
    made = create(
        arguments.folder, name=arguments.name, description=arguments.description, force=arguments.force
    )
    print(f"Created project {made.name!r}.\n\nTo train your first model, run these commands:\n")
    for number, command in enumerate(made.next_steps, 1):
        print(f"   {number}. {command}")
    print(f"\nThen, run `pulumi up`.\n\n{made.hints}")
    if pulumi_cli.command_path() is None:
        print(f"\n{pulumi_cli.MISSING}.")
    return 0


def create(
    folder: Path,
    *,
    name: str | None = None,
    description: str | None = None,
    force: bool = False,
    system: str = CURRENT,
) -> NewProject:
    """Write a project to a folder, as `pulumi new` does.

    Args:
        folder: Folder of the project. It is created if it does not exist.
        name: Name of the project, by default derived from the name of the folder.
        description: Description of the project, by default the template's.
        force: Whether to write to a folder that is not empty, and to overwrite existing files.
        system: Operating system, as `os.name`.

    Raises:
        InputError: The system, the folder, the name or the description is not supported. Nothing was written.
        OSError: A file cannot be written.
    """
    require_supported(system)
    settings = _template_settings()
    name = default_name(folder) if name is None else _valid_name(name)
    description = settings["description"] if description is None else _valid_description(description)
    _require_usable(folder, force=force)
    write_template(folder, name, description)
    return NewProject(name, folder, settings["quickstart"])


def write_template(folder: Path, name: str, description: str, *, without: Collection[str] = ()) -> None:
    """Write the files of the template to a folder. The project file comes last.

    Args:
        folder: Folder of the project. It is created if it does not exist.
        name: Name of the project.
        description: Description of the project.
        without: Names of files that are not written.
    """
    for source in _template_files():
        if source.name not in without:
            content = _filled_in(source, name, description)
            atomic_write(folder / source.relative_to(TEMPLATE), content, stat.S_IMODE(source.stat().st_mode))


def _require_usable(folder: Path, *, force: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; pass the name of a new folder")
    others = sorted({entry.name for entry in folder.iterdir()} - UNCOUNTED)
    if others and not force:
        raise InputError(
            f"{folder.resolve()} is not empty (it contains {others[0]!r}); pass the name of a new folder, or overwrite "
            f"existing files with --force"
        )


def default_name(folder: Path) -> str:
    """Return the folder's name without characters that Pulumi does not accept."""
    kept = re.sub(r"[^a-zA-Z0-9_.-]", "", folder.resolve().name)
    return _DEFAULT_NAME if _name_problem(kept) else kept


def _valid_name(name: str) -> str:
    if reason := _name_problem(name):
        raise InputError(f"--name {name!r} is invalid: {reason}")
    return name


def _name_problem(name: str) -> str | None:
    """Return the reason why Pulumi rejects the name of a project, or None."""
    if not re.fullmatch(r"[a-zA-Z0-9_.-]+", name):
        return "use letters, digits, hyphens, underscores and periods"
    if len(name) > LONGEST_NAME:
        return f"use at most {LONGEST_NAME} characters"
    if name.lower() == "pulumi" or name.lower().startswith("pulumi."):
        return "Pulumi reserves `pulumi` and names that start with `pulumi.`"
    return None


def _valid_description(description: str) -> str:
    if not description.isprintable():
        raise InputError(f"--description {description!r} is invalid: use one line of printable characters")
    if len(description.encode()) > LONGEST_DESCRIPTION:
        raise InputError(f"--description is too long: use at most {LONGEST_DESCRIPTION} bytes")
    return description


def _template_settings() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((TEMPLATE / PROJECT_FILE).read_text("utf-8"))["template"]
    return settings


def _template_files() -> Iterator[Path]:
    """Yield the files of the template. The project file comes last, because it makes the folder a project."""
    files = [path for path in TEMPLATE.rglob("*") if path.is_file() and _GENERATED.isdisjoint(path.parts)]
    yield from sorted(files, key=lambda path: (path.name == PROJECT_FILE, path))


def _filled_in(source: Path, name: str, description: str) -> bytes:
    """Return the content of a file of the project: the project file's without placeholders and template settings."""
    content = source.read_bytes()
    if source.name != PROJECT_FILE:
        return content
    text, _, _ = content.decode().partition(_TEMPLATE_SECTION)
    filled_in = text.replace("${PROJECT}", _as_yaml(name)).replace("${DESCRIPTION}", _as_yaml(description))
    return f"{filled_in}\n".encode()


def _as_yaml(text: str) -> str:
    """Write a text in YAML as Pulumi does: in double quotes if it would be read as another type."""
    is_read_as = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    is_quoted = is_read_as != "tag:yaml.org,2002:str" or _QUOTED_BY_PULUMI.fullmatch(text)
    style = '"' if is_quoted else None
    written = yaml.safe_dump(text, default_style=style, allow_unicode=True, width=2 * LONGEST_DESCRIPTION)
    return written.removesuffix("\n").removesuffix("\n...")

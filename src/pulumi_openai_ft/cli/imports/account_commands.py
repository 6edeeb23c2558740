"""The commands `import plan` and `import run`. Their modules are loaded on use."""

from __future__ import annotations

import argparse
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli.stack_settings import add_selection

if TYPE_CHECKING:
    from collections.abc import Callable

LIST_FILE = "import.json"
PROGRAM = "imported_resources"

_PLAN = """\
Lists the objects of your OpenAI project that the selected stack does not manage yet, for `pulumi import --file`, and
prints the command that imports them. Files precede the jobs that use them, and jobs precede their permissions. Objects
that no longer exist, and jobs without a model, are left out; the list names them under `omitted`.

Nothing is imported. Without --with-permissions, a request per page is sent (100 jobs, or 10,000 files)."""

_RUN = """\
Imports the objects of your OpenAI project that the selected stack does not manage yet, protects them, writes a program
that declares them to a new file, and prints the line that adds the file to your program. Once your program has the line,
run the command again: it ends with `pulumi preview --expect-no-changes`.

An import changes nothing at the service. It reads each resource with a request, and a file also with its content. After
Ctrl-C or a crash, run the command again: it imports the rest.

Exits with 1 if a resource could not be imported, if the program lacks the line, or if the preview shows changes."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to `openai-ft import`."""
    plan = _add(commands, "plan", "list existing resources for `pulumi import --file`", _PLAN)
    plan.add_argument(
        "--output",
        default=LIST_FILE,
        metavar="FILE",
        help="new file for the list; - is standard output (default: %(default)s)",
    )
    run = _add(commands, "run", "import existing resources and write their program", _RUN)
    run.add_argument(
        "--program",
        type=Path,
        metavar="FILE",
        help=f"new file for the program (default: {PROGRAM}.py beside __main__.py, with a number if it exists)",
    )


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=_runner(name))
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="only the jobs that trained these models or checkpoints, ft:…, with their files and permissions",
    )
    parser.add_argument("--project", metavar="ID", help="OpenAI project (default: the project of the stack)")
    parser.add_argument(
        "--since", type=_day, metavar="YYYY-MM-DD", help="only objects created since this day (UTC)"
    )
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        help="only jobs with this status; repeatable (default: all except failed and cancelled)",
    )
    parser.add_argument(
        "--with-files",
        action="store_true",
        help="also the files of the jobs and, without MODEL, files for training that no job uses",
    )
    parser.add_argument(
        "--with-permissions",
        action="store_true",
        help="also checkpoint permissions: a request with the admin key per checkpoint. OpenAI may allow only 7 to 10 "
        "per minute; the duration is printed first, and an interrupted search continues",
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="check permissions again that were checked in the last 24 hours",
    )
    add_selection(parser)
    return parser


def _runner(name: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        command = import_module(f"pulumi_openai_ft.cli.imports.{name}_command")
        code: int = command.run(arguments)
        return code

    return run


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a day; write it as YYYY-MM-DD, such as 2026-01-31"
        ) from None

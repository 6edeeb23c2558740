"""`openai-ft import from-terraform`: the import list and the program for the resources in a Terraform state."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "carry over the resources in a Terraform state"
DESCRIPTION = """\
Writes an import list and a program for the files, jobs and permissions in a Terraform state. It supports the Terraform
providers mkdev-me/openai (versions 1 and 2) and skyscrapr/openai. It sends no requests, runs neither Terraform nor
Pulumi, and overwrites no files. Sensitive values of the state are neither printed nor written.

Exits with 1 if the state contains no resource that can be carried over."""
_PROGRAM = "from_terraform.py"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft import`."""
    parser = commands.add_parser(
        "from-terraform",
        help=SUMMARY,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "state",
        metavar="FILE",
        help="terraform.tfstate, or the output of `terraform state pull` or `terraform show -json`; - is standard input",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("import.json"),
        metavar="FILE",
        help="file for the import list (default: %(default)s)",
    )
    parser.add_argument(
        "--program",
        type=Path,
        default=Path(_PROGRAM),
        metavar="FILE",
        help="file for the program, in the folder of your Pulumi project (default: %(default)s)",
    )
    parser.add_argument(
        "--terraform-folder",
        type=Path,
        metavar="FOLDER",
        help="folder in which Terraform runs, to find its local files (default: the folder of the state)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the resources over. The modules are loaded only now, because they would slow down other commands.

    Returns:
        The exit code: 0, or 1 if nothing can be carried over.

    Raises:
        InputError: The state cannot be read, or a file to write exists.
    """
    from pulumi_openai_ft.cli.imports.terraform import carry_over  # noqa: PLC0415 - see above

    return carry_over.run(arguments.state, arguments.output, arguments.program, arguments.terraform_folder)

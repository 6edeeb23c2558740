"""`openai-ft import`: the group of commands that bring existing resources into a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft.cli.imports import account_commands
from pulumi_openai_ft.cli.imports.terraform import command as from_terraform

if TYPE_CHECKING:
    import argparse

SUMMARY = "import existing resources into a stack"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group and its commands to `openai-ft`."""
    group = commands.add_parser("import", help=SUMMARY, description=f"{SUMMARY[0].upper()}{SUMMARY[1:]}.")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    account_commands.add_to(commands)
    from_terraform.add_to(commands)

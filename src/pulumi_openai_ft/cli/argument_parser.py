"""The parser of the command line. Unlike Python's, it suggests the names that were probably meant."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from pulumi_openai_ft._shared.suggestions import did_you_mean

_INVALID_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)")


def add_project_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
    folder: str = "folder of the project (default: the current folder)",
) -> argparse.ArgumentParser:
    """Add a command with a project's folder as its argument, and return its parser.

    Args:
        commands: The commands.
        name: Name of the command.
        summary: Its line in the list of commands.
        description: The text of its help.
        folder: The help of the folder.
    """
    parser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help=folder)
    return parser


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose errors suggest a similar command, choice or option. The parsers of its commands do the same."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Report unknown options here, because the parser of a command knows the options of the command."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._similar_option(unknown[0])}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Print the message with a suggestion, and exit."""
        if match := _INVALID_CHOICE.search(message):
            known = [choice.strip("'") for choice in match["known"].split(", ")]
            message += did_you_mean(match["given"], known)
        super().error(message)

    def _similar_option(self, given: str) -> str:
        options = [option for option in self._option_string_actions if option.startswith("--")]
        return did_you_mean(given.partition("=")[0], options) if given.startswith("-") else ""

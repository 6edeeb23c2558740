"""The parser of the command line. Unlike Python's, it suggests the names that were probably meant."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from pulumi_openai_ft._shared.suggestions import did_you_mean

_INVALID_CHOICE = re.compile(r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)")


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

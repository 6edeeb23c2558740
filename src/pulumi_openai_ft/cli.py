"""The `openai-ft` command."""

from __future__ import annotations

import argparse
from importlib.metadata import version


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and gives its exit code: 0 done, 1 failed, 2 wrong arguments."""
    given = _parser().parse_args(arguments)
    code: int = given.run(given)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openai-ft", description="Fine-tuned models as code, with Pulumi.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pulumi-openai-ft')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    return parser

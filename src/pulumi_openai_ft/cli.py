"""The `openai-ft` command."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0 done, 1 failed, 130 interrupted. Wrong arguments end the program with 2.
    """
    try:
        given = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
        code: int = given.run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openai-ft", description="Fine-tuned models as code, with Pulumi.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pulumi-openai-ft')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_emulator(commands)
    return parser


def _add_emulator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = "serve OpenAI's fine-tuning API on this machine"
    try:
        from pulumi_openai_ft.emulator import command  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        parser = commands.add_parser("emulator", help=f"{summary} (not installed)")
        parser.set_defaults(run=lambda _given, missing=missing: _say_what_to_install(missing))
        return
    parser = commands.add_parser("emulator", help=summary, description=f"{summary.capitalize()}.")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _say_what_to_install(missing: ModuleNotFoundError) -> int:
    package = str(missing.name).split(".")[0]
    print(
        f"openai-ft: the emulator needs the package {package!r}: pip install 'pulumi-openai-ft[emulator]'",
        file=sys.stderr,
    )
    return 1

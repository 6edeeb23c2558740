"""The commands `jobs`, `events` and `watch`. Their modules and the packages of their extra are loaded on use."""

from __future__ import annotations

import argparse
import math
from importlib import import_module
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli.missing_packages import report_missing_package
from pulumi_openai_ft.cli.stack_settings import JOB_HELP, add_selection

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA = "look"
DEFAULT_LIMIT = 20

_JOBS = """\
Lists the fine-tuning jobs of the project, newest first. It applies the settings of the selected stack, and otherwise
the environment. On a terminal it prints a table; piped, it prints plain text without truncation. Times are in
UTC, costs are trained tokens times the price in the catalog, and - marks an unknown value."""

_EVENTS = """\
Prints the events of a job, oldest first. With --follow, it waits for new events until the job ends, and exits with 0 if
the job succeeded, or 1 if it failed or was cancelled. Ctrl-C stops waiting (exit code 130); the job keeps running."""

_WATCH = f"""\
Shows the status, step, remaining time, metrics and latest events of a job until it ends. Exits with 0 if the job
succeeded, or 1 if it failed or was cancelled. Ctrl-C stops watching (exit code 130); the job keeps running. If the
output is not a terminal, it prints a line per change.

JOB is the {JOB_HELP}. Without it, the command shows the
only running job, or the only job that runs for the stack."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to `openai-ft`."""
    _add_jobs(_add(commands, "jobs", "list fine-tuning jobs", _JOBS))
    _add_events(_add(commands, "events", "print the events of a job", _EVENTS))
    _add_watch(_add(commands, "watch", "show the progress of a job in the terminal", _WATCH))


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=_runner(name))
    add_selection(parser)
    return parser


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", help="only jobs with this status, such as running")
    parser.add_argument(
        "--model", help="only jobs that train this base model; an alias also matches the dated model"
    )
    parser.add_argument(
        "--metadata",
        type=_pair,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only jobs whose metadata contains this pair; repeatable",
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument(
        "--limit",
        type=_positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help="maximum number of jobs (default: %(default)s)",
    )
    number.add_argument("--all", dest="limit", action="store_const", const=None, help="list all jobs")
    parser.add_argument(
        "--loss", action="store_true", help="also read the last training loss: another request per job"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def _add_events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB", help=JOB_HELP)
    parser.add_argument("--follow", "-f", action="store_true", help="wait for new events until the job ends")
    parser.add_argument("--limit", type=_positive, metavar="N", help="begin with the newest N events")
    parser.add_argument("--json", action="store_true", help="print a JSON object per line")


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", nargs="?", metavar="JOB", help=f"{JOB_HELP} (default: the running job)")


def _runner(name: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        try:
            command = import_module(f"pulumi_openai_ft.cli.look.{name}")
        except ModuleNotFoundError as missing:
            return report_missing_package(missing, f"`openai-ft {name}`", EXTRA)
        code: int = command.run(arguments)
        return code

    return run


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return key, value


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else -math.inf
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least 1")
    return int(number)

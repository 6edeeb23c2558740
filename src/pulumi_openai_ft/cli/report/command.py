"""`openai-ft report`: a page, a picture or a table of the training of jobs.

The packages of its extra are loaded on use.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pulumi_openai_ft.cli.missing_packages import report_missing_package
from pulumi_openai_ft.cli.stack_settings import JOB_HELP, add_selection

EXTRA = "report"
FORMATS = (".html", ".csv", ".png")
DESCRIPTION = """\
Writes a report on jobs: curves of loss, accuracy and reward with the checkpoints, hyperparameters, data
files, cost and events. Several jobs are drawn in the same charts. The format follows the name of the output: .html is
a page that works without a network, .png a picture of the charts, .csv the metrics of all steps. Existing files are
overwritten. Data files of up to 64 MiB are downloaded to count and hash them, unless the stack's state has the hash.

Exits with 1 if a job does not exist or a request failed, and with 2 if an output cannot be written."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = commands.add_parser(
        "report",
        help="write a report on jobs, with charts",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "jobs",
        nargs="+",
        metavar="JOB",
        help=JOB_HELP,
    )
    parser.add_argument(
        "--output",
        "-o",
        action="append",
        required=True,
        type=_output,
        metavar="FILE",
        help=f"file to write, which ends with {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; can be repeated",
    )
    add_selection(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        from pulumi_openai_ft.cli.report import writing  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        return report_missing_package(missing, "`openai-ft report`", EXTRA)
    return writing.run(arguments)


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(
            f"{text!r} does not end with {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        )
    return path

"""The options of `openai-ft export`. Its modules are loaded on use, because they would slow down other commands."""

from __future__ import annotations

import argparse
from pathlib import Path

from pulumi_openai_ft.cli.stack_settings import JOB_HELP, Selection, add_selection

SUMMARY = "export jobs as a project that trains them again at another service"
DESCRIPTION = """\
Writes a Pulumi project with everything that another service needs to train the same models again: the training and
validation data, the hyperparameters, the seed and the suffix of each job. It only reads from the service: jobs are
created, and billed, by `pulumi up` in the exported folder. `pulumi preview` shows the price first.

Some services refuse to return the content of files, as OpenAI does for free accounts. The command lists these files
before it writes anything. Pass your local copies with --content, or export without them with --without-contents. On a
terminal, the command asks.

If an export is interrupted, run the same command again: complete files are not downloaded again. A folder with other
contents is never overwritten.

Exits with 1 if nothing was exported because contents are missing, or if the service returns an error."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = commands.add_parser(
        "export", help=SUMMARY, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("jobs", nargs="+", metavar="JOB", help=JOB_HELP)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help="folder of the new project"
    )
    parser.add_argument(
        "--content",
        type=_local_copy,
        action="append",
        default=[],
        metavar="FILE_ID=PATH",
        help="local copy of a file that the service does not return; its size must match; repeatable",
    )
    parser.add_argument(
        "--without-contents",
        action="store_true",
        help="export without the files that the service does not return; add them to the folder afterwards",
    )
    add_selection(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export the jobs.

    Returns:
        The exit code: 0, or 1 if contents are missing.

    Raises:
        OpenAIFTError: The settings, a job or the folder are invalid, or the service returned an error.
    """
    from pulumi_openai_ft.cli.export import exporting  # noqa: PLC0415 - see the docstring of the module

    request = exporting.ExportRequest(
        jobs=tuple(arguments.jobs),
        folder=arguments.output,
        copies=dict(arguments.content),
        allows_missing=arguments.without_contents,
    )
    return exporting.run(Selection.of(arguments), request)


def _local_copy(text: str) -> tuple[str, Path]:
    file_id, separator, path = text.partition("=")
    if not (file_id and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} does not have the form FILE_ID=PATH")
    return file_id, Path(path)

"""`openai-ft validate`: a check of training files before you upload them."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import training_data
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.cli.progress_bar import progress_bar
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.training_data import METHODS, Problem, Report, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = """\
Checks training files like the service does when a job starts, without uploading them. Prints the number of examples and
tokens, each error for which the service would reject the file, and warnings about probable mistakes, with line and
property path. Results are cached until the file changes. Exits with 1 if the service would reject a file; warnings do
not count."""
MOST_ALIGNED = 40


@dataclass(frozen=True)
class Checked:
    """The result of checking a file.

    Attributes:
        file: Path of the file.
        report: Report on the file, or None if the file could not be read.
        reason: Reason why the file could not be read, or "".
    """

    file: str
    report: Report | None = None
    reason: str = ""

    @property
    def is_bad(self) -> bool:
        """Return whether the file cannot be read or the service would reject it."""
        return self.report is None or self.report.errors > 0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = commands.add_parser(
        "validate",
        help="check training files before you upload them",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="training file in JSON Lines format")
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="training method of the job (default: inferred from the first example)",
    )
    parser.add_argument(
        "--model", help="base model of the job; determines the tokenizer and the maximum length of an example"
    )
    parser.add_argument(
        "--validation",
        action="append",
        default=[],
        metavar="FILE",
        help="validation file; can be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list with an object for each file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the files and print the results.

    Returns:
        The exit code: 0, or 1 if the service would reject any of the files.
    """
    results = list(_checked(arguments))
    text = (
        json.dumps([_as_json(result) for result in results], indent=2) if arguments.json else as_text(results)
    )
    sys.stdout.write(f"{text}\n")
    return int(any(result.is_bad for result in results))


def _checked(arguments: argparse.Namespace) -> Iterator[Checked]:
    options = {
        "method": arguments.method,
        "model": arguments.model,
        "context_length": context_length(arguments.model),
    }
    for file in arguments.files:
        yield check(file, part="training", **options)
    for file in arguments.validation:
        yield check(file, part="validation", training_file=arguments.files[0], **options)


def context_length(model: str | None) -> int | None:
    """Return the maximum number of tokens per example, or None if the model is not in the catalog."""
    entry = Catalog.load().find(model) if model else None
    return entry.context_length if entry else None


def check(file: str, **options: Any) -> Checked:
    """Check a file, with a progress bar. The options are those of `training_data.check`."""
    try:
        with progress_bar(file) as progress:
            return Checked(file, training_data.check(file, progress=progress, **options))
    except InputError as error:
        return Checked(file, reason=str(error))


def as_text(results: list[Checked]) -> str:
    """Format the results as text: per file a summary, a table of the problems, and a hint per kind."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(checked: Checked) -> Iterator[str]:
    report = checked.report
    if report is None:
        yield checked.reason
        return
    yield f"{checked.file}: {summary(report)}"
    yield from _table(report)
    hints = {problem.kind: problem.hint for problem in report.problems}
    yield from (f"  {kind.replace('_', ' ')}: {hint}" for kind, hint in hints.items())


def _table(report: Report) -> Iterator[str]:
    places = {id(problem): _place(problem) for problem in report.problems}
    width = min(MOST_ALIGNED, max(map(len, places.values()), default=0))
    for severity in Severity:
        for problem in report.problems:
            if problem.severity is severity:
                yield f"  {severity:<7}  {places[id(problem)]:<{width}}  {problem.reason}"
        if more := report.hidden_counts(severity):
            yield f"  {severity:<7}  and {sum(more.values()):,} more: {training_data.listed(more)}"


def _place(problem: Problem) -> str:
    line = "the file" if problem.line is None else f"line {problem.line}"
    return f"{line}, {problem.path}" if problem.path else line


def summary(report: Report) -> str:
    """Return a one-line summary of a report."""
    tokens = f"{'' if report.is_exact else 'about '}{report.tokens:,} tokens"
    bad = f"{_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')}"
    return f"{_counted(report.examples, 'example')} for {report.method}, {tokens}, {bad}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _as_json(checked: Checked) -> dict[str, Any]:
    report = checked.report
    if report is None:
        return {"file": checked.file, "error": checked.reason}
    return {
        "file": checked.file,
        "sha256": report.sha256,
        "bytes": report.bytes,
        "method": report.method,
        "examples": report.examples,
        "tokens": report.tokens,
        "token_count_exact": report.is_exact,
        "encoding": report.encoding,
        "errors": report.errors,
        "warnings": report.warnings,
        "counts": report.counts,
        "problems": [
            {
                "severity": problem.severity,
                "kind": problem.kind,
                "line": problem.line,
                "path": problem.path,
                "reason": problem.reason,
                "hint": problem.hint,
            }
            for problem in report.problems
        ],
    }

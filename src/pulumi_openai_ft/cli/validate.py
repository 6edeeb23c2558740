"""`openai-ft validate`: what the service would refuse in files of training data."""

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
Checks files of training data as the service does when a job starts, without sending them anywhere: what it would refuse
with line and place, what is likely not meant so, how many rows and tokens there are. What was found is remembered
until the file changes. The exit code is 1 if the service would refuse a file; a warning is none."""
MOST_ALIGNED = 40


@dataclass(frozen=True)
class Checked:
    """A file, and what came of it.

    Attributes:
        file: Its path.
        report: What was found, or None where it could not be read.
        reason: Why it could not be read.
    """

    file: str
    report: Report | None = None
    reason: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the service would refuse it."""
        return self.report is None or self.report.errors > 0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to those of `openai-ft`."""
    parser = commands.add_parser(
        "validate",
        help="check training data before it is uploaded",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON lines to train on")
    parser.add_argument(
        "--method", choices=METHODS, help="the job's method; default: what the first row looks like"
    )
    parser.add_argument("--model", help="the job's model, whose longest row and whose tokens count")
    parser.add_argument(
        "--validation",
        action="append",
        default=[],
        metavar="FILE",
        help="a file to validate with; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list with an object for each file")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Checks the files and prints what was found.

    Returns:
        0; 1 where the service would refuse one.
    """
    checked = list(_checked(given))
    text = json.dumps([_as_json(one) for one in checked], indent=2) if given.json else as_text(checked)
    sys.stdout.write(f"{text}\n")
    return int(any(one.is_bad for one in checked))


def _checked(given: argparse.Namespace) -> Iterator[Checked]:
    how = {"method": given.method, "model": given.model, "context_length": context_length(given.model)}
    for file in given.files:
        yield check(file, part="training", **how)
    for file in given.validation:
        yield check(file, part="validation", training_file=given.files[0], **how)


def context_length(model: str | None) -> int | None:
    """Tokens of a row that the model takes, where that is known."""
    entry = Catalog.load().find(model) if model else None
    return entry.context_length if entry else None


def check(file: str, **how: Any) -> Checked:
    """Checks a file, with a bar while that lasts."""
    try:
        with progress_bar(file) as progress:
            return Checked(file, training_data.check(file, progress=progress, **how))
    except InputError as error:
        return Checked(file, reason=str(error))


def as_text(checked: list[Checked]) -> str:
    """All files, one after the other."""
    return "\n".join(line for one in checked for line in _lines(one))


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
    """A file in one line."""
    tokens = f"{'' if report.is_exact else 'about '}{report.tokens:,} tokens"
    bad = f"{_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')}"
    return f"{_counted(report.examples, 'row')} for {report.method}, {tokens}, {bad}"


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

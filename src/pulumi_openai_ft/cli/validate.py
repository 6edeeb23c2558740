"""`openai-ft validate`: a check of training files before you upload them."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import training_data
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft.catalog import Catalog, vision_warning
from pulumi_openai_ft.catalog import warnings as model_warnings
from pulumi_openai_ft.cli.exit_codes import REFUSED, UNREADABLE
from pulumi_openai_ft.cli.input_files import readable, require_one_standard_input
from pulumi_openai_ft.cli.progress_bar import progress_bar
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.training_data import METHODS, Problem, Report, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = """\
Checks training files like the service does when a job starts, without uploading them. Prints the number of examples and
tokens, each error for which the service would reject the file, and warnings about probable mistakes, with line and
property path. With --model, it also prints what the catalog knows against training the model on the file. Results are
cached until the file changes. Exits with 1 if the service would reject a file, and with 2 if a file cannot be read;
warnings do not count."""
MOST_ALIGNED = 40


@dataclass(frozen=True)
class Checked:
    """The result of checking a file.

    Attributes:
        file: Path of the file.
        report: Report on the file, or None if the file could not be read.
        reason: Reason why the file could not be read, or "".
        model_warnings: Reasons against training the model on the file.
    """

    file: str
    report: Report | None = None
    reason: str = ""
    model_warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return the exit code for this file."""
        if self.report is None:
            return UNREADABLE
        return REFUSED if self.report.errors else 0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = commands.add_parser(
        "validate",
        help="check training files before you upload them",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="training file in JSON Lines format; - is standard input"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="training method of the job (default: the method that most examples are written for)",
    )
    parser.add_argument(
        "--model",
        help="base model of the job: checks that it can be trained on the file; determines the tokenizer and the "
        "maximum length of an example",
    )
    parser.add_argument(
        "--service",
        choices=sorted(PROFILES),
        default="openai",
        help="service of the job, whose models and limits apply (default: %(default)s)",
    )
    parser.add_argument(
        "--validation",
        action="append",
        default=[],
        metavar="FILE",
        help="validation file of the same method; can be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list with an object for each file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the files and print the results.

    Returns:
        The exit code: 0, 1 if the service would reject any of the files, or 2 if any cannot be read.

    Raises:
        InputError: Standard input is listed several times.
    """
    require_one_standard_input([*arguments.files, *arguments.validation])
    results = list(_checked(arguments))
    text = (
        json.dumps([_as_json(result) for result in results], indent=2) if arguments.json else as_text(results)
    )
    sys.stdout.write(f"{text}\n")
    return max(result.exit_code for result in results)


def _checked(arguments: argparse.Namespace) -> Iterator[Checked]:
    catalog, model = Catalog.load(service=arguments.service), arguments.model
    options = {"method": arguments.method, "service": arguments.service}
    with ExitStack() as paths:
        first, *others = arguments.files
        training = _path(first, paths)
        checked = check(training, name=first, part="training", catalog=catalog, model=model, **options)
        yield checked
        for file in others:
            path = _path(file, paths)
            yield check(path, name=file, part="training", catalog=catalog, model=model, **options)
        if checked.report:
            options |= {"method": checked.report.method, "training_file": _name_of(training)}
        for file in arguments.validation:
            path = _path(file, paths)
            yield check(path, name=file, part="validation", catalog=catalog, model=model, **options)


def _path(file: str, paths: ExitStack) -> str | InputError:
    """Return the path of a file, which exists until `paths` is closed, or the reason why there is none."""
    try:
        return paths.enter_context(readable(file))
    except InputError as error:
        return error


def _name_of(path: str | InputError) -> str | None:
    return path if isinstance(path, str) else None


def check(
    path: str | InputError, *, name: str, catalog: Catalog, model: str | None, **options: Any
) -> Checked:
    """Check a file, with a progress bar.

    Args:
        path: Path of the file, or the reason why it cannot be read.
        name: Name of the file for messages.
        catalog: Catalog of the service.
        model: Base model of the job, if it is known.
        options: Further options of `training_data.check`.
    """
    if isinstance(path, InputError):
        return Checked(name, reason=str(path))
    entry = catalog.find(model) if model else None
    length = entry.context_length if entry else None
    try:
        with progress_bar(name) as progress:
            report = training_data.check(
                path, progress=progress, model=entry.id if entry else model, context_length=length, **options
            )
    except InputError as error:
        return Checked(name, reason=str(error))
    warnings = model_warnings(catalog, model, report.method, today=today()) if model else []
    if model and report.image_rows and (without_vision := vision_warning(catalog, model)):
        warnings.append(str(without_vision))
    return Checked(name, report, model_warnings=tuple(warnings))


def as_text(results: list[Checked]) -> str:
    """Format the results as text: per file a summary, a table of the problems, and a hint per kind."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(checked: Checked) -> Iterator[str]:
    report = checked.report
    if report is None:
        yield checked.reason
        return
    yield f"{checked.file}: {summary(report)}"
    yield from (f"  {Severity.WARNING:<7}  the model  {warning}" for warning in checked.model_warnings)
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
        "model_warnings": list(checked.model_warnings),
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

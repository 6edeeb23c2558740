"""Training data: check files before you upload them, count their tokens, and estimate the cost of a job.

A file is read once, in constant memory. Its report is cached by the hash of its content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pulumi_openai_ft._shared.api_limits import LIMITS, METHODS
from pulumi_openai_ft._training_data.cache import Cache
from pulumi_openai_ft._training_data.checker import CheckOptions
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.limits import AZURE
from pulumi_openai_ft._training_data.problems import KINDS, MOST_SHOWN, Problem, Severity
from pulumi_openai_ft._training_data.reader import opened, pieces
from pulumi_openai_ft._training_data.scan import ScanResult, lines_of, scan
from pulumi_openai_ft._training_data.tokens import counts_exactly, encoding_of

if TYPE_CHECKING:
    from io import FileIO

    from pulumi_openai_ft._training_data.duplicates import DuplicateFinder

__all__ = [
    "METHODS",
    "Estimate",
    "Problem",
    "Report",
    "Severity",
    "auto_epochs",
    "check",
    "estimate",
    "sha256",
]

USUAL_EPOCHS, MOST_EPOCHS = LIMITS["usual_default_epochs"], LIMITS["most_default_epochs"]
LEAST_TRAINED = LIMITS["fewest_rows_in_default_epochs"]
MOST_TRAINED = LIMITS["most_rows_in_default_epochs"]
"""Bounds on the number of examples times `USUAL_EPOCHS`. Outside of them, `auto` means more or fewer epochs."""

FEW, TOO_FEW = "few_examples", "too_few_examples"
"""Kinds of the problem that a file has too few examples: if its use is unknown, and if it is a training file."""

RULES = 3
"""Number of the rules. Increase it when they change, so that cached reports of earlier rules are not used."""

Path = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """The result of checking a file.

    Attributes:
        sha256: SHA-256 of the content, as 64 hexadecimal digits.
        bytes: Size of the file in bytes.
        method: The training method whose rules were applied, an item of `METHODS`.
        examples: Number of examples, valid or not.
        longest_row: Length of the longest line in bytes.
        image_rows: Number of valid examples with images.
        tokens: Tokens per epoch, without invalid examples. This is always an estimate, because OpenAI does not
            publish how it bills images and tool declarations.
        is_exact: Whether a tokenizer counted the tokens of the texts. If not, they are estimated from the length
            of the texts.
        encoding: Name of the encoding that the tokenizer uses, such as `o200k_base`.
        problems: The first 20 errors and the first 20 warnings, plus the first warning of each other kind.
        counts: Number of problems by kind.
    """

    sha256: str
    bytes: int
    method: str
    examples: int
    longest_row: int
    image_rows: int
    tokens: int
    is_exact: bool
    encoding: str
    problems: tuple[Problem, ...]
    counts: dict[str, int]

    @property
    def errors(self) -> int:
        """Return the number of problems for which the service rejects the file."""
        return self._count(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """Return the number of probable mistakes that the service may accept."""
        return self._count(Severity.WARNING)

    def messages(self, severity: Severity) -> list[str]:
        """Return a message for each problem of a severity, and a last message that counts the omitted problems."""
        messages = [str(problem) for problem in self.problems if problem.severity is severity]
        if hidden_counts := self.hidden_counts(severity):
            messages.append(f"and {sum(hidden_counts.values()):,} more: {listed(hidden_counts)}")
        return messages

    def hidden_counts(self, severity: Severity) -> dict[str, int]:
        """Return, by kind, the number of problems of a severity that `problems` leaves out."""
        counts = {kind: count for kind, count in self.counts.items() if KINDS[kind].severity is severity}
        for problem in self.problems:
            if problem.severity is severity:
                counts[problem.kind] -= 1
        return {kind: count for kind, count in counts.items() if count}

    def _count(self, severity: Severity) -> int:
        return sum(count for kind, count in self.counts.items() if KINDS[kind].severity is severity)


def check(
    file: Path,
    *,
    method: Literal["supervised", "dpo", "reinforcement"] | None = None,
    part: Literal["training", "validation"] | None = None,
    model: str | None = None,
    context_length: int | None = None,
    service: str = "openai",
    training_file: Path | None = None,
    sha256: str | None = None,
    progress: Progress = lambda _done, _size: None,
    cache: Cache[Report] | None = None,
) -> Report:
    """Check a file of training data.

    Args:
        file: Path of the file.
        method: The training method of the job. By default, it is the method that most examples are written for.
        part: The use of the file. A training file with fewer than 10 examples has an error; if `part` is None,
            it has a warning.
        model: The base model of the job, which determines the encoding of its tokens. By default, they are
            counted with `o200k_base`, the encoding of OpenAI's recent models.
        context_length: Maximum number of tokens per example. The service truncates longer examples.
        service: Name of the service, such as `azure`, whose limits apply.
        training_file: Path of the training file, if `file` is a validation file. Examples that are in both files
            are reported as warnings.
        sha256: SHA-256 of the content that you expect. If the report on this content is cached, it is returned
            without reading the file. Otherwise the file is read, and `Report.sha256` is the hash of its content.
        progress: Called with the number of bytes read so far and the size of the file in bytes.
        cache: Cache for reports and for hashes of files. By default, it is in the user's cache folder.

    Raises:
        InputError: A file is not a regular file, cannot be read, or changes while it is read.
    """
    cache = Cache(Report) if cache is None else cache
    rules = AZURE if service == AZURE else CheckOptions._field_defaults["service"]
    options = CheckOptions(method, encoding_of(model), context_length, rules)
    training = _hash_of(training_file, cache) if training_file is not None else None
    report = _known(cache, sha256, options, training) or _known(cache, cache.sha256(file), options, training)
    if report is None:
        report = _read(file, options, training_file, progress, cache)
        cache.remember_report(report.sha256, _key(options, training), report)
    return _for_part(report, part)


def sha256(file: Path, *, cache: Cache[Report] | None = None) -> str:
    """Return the SHA-256 of a file's content, as 64 hexadecimal digits.

    Raises:
        InputError: It is not a regular file, cannot be read, or changes while it is read.
    """
    return _hash_of(file, Cache(Report) if cache is None else cache)


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a training job.

    Attributes:
        epochs: Number of passes over the training data.
        tokens: Number of billed tokens: the tokens of all epochs.
        usd: Cost in USD, or None if the price is unknown.
    """

    epochs: int
    tokens: int
    usd: float | None


def estimate(
    *,
    examples: int,
    tokens: int,
    epochs: int | Literal["auto"] = "auto",
    usd_per_million: float | None = None,
) -> Estimate:
    """Estimate the cost of a job that is billed per token, such as a supervised or DPO job.

    Args:
        examples: Number of examples in the training file.
        tokens: Number of tokens per epoch.
        epochs: The job's `n_epochs`.
        usd_per_million: Price in USD per million training tokens.
    """
    if epochs == "auto":
        epochs = auto_epochs(examples)
    trained = tokens * epochs
    return Estimate(epochs, trained, None if usd_per_million is None else trained * usd_per_million / 1e6)


def auto_epochs(examples: int) -> int:
    """Return the number of epochs that the service probably chooses for `auto`.

    The rule is from OpenAI's cookbook (Chat_finetuning_data_prep).
    """
    if USUAL_EPOCHS * examples < LEAST_TRAINED:
        return min(MOST_EPOCHS, LEAST_TRAINED // max(1, examples))
    if USUAL_EPOCHS * examples > MOST_TRAINED:
        return max(1, MOST_TRAINED // examples)
    return USUAL_EPOCHS


def listed(counts: dict[str, int]) -> str:
    """Format counts by kind, such as `12 role, 3 content`."""
    return ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts.items())


def _hash_of(file: Path, cache: Cache[Report]) -> str:
    if known := cache.sha256(file):
        return known
    started, digest = cache.now(), hashlib.sha256()
    with opened(file) as (content, state):
        for _ in pieces(content, InlineExecutor(), digest.update, lambda _done: None):
            pass
    cache.remember_file(state, digest.hexdigest(), started)
    return digest.hexdigest()


def _known(
    cache: Cache[Report], sha256: str | None, options: CheckOptions, training: str | None
) -> Report | None:
    """Return the cached report on a content, or a report with default options if it is the same, or None."""
    if sha256 is None:
        return None
    if report := cache.report(sha256, _key(options, training)):
        return report
    defaults = CheckOptions(None, options.encoding, None, options.service)
    report = cache.report(sha256, _key(defaults, training))
    return report if report and _is_same_with(options, report) else None


def _is_same_with(options: CheckOptions, default_report: Report) -> bool:
    """Return whether a check with `options` has the same result as the check with default options.

    An example without images has no more tokens than bytes.
    """
    truncates_no_row = options.context_length is None or (
        default_report.longest_row <= options.context_length and not default_report.image_rows
    )
    return options.method in {None, default_report.method} and truncates_no_row


def _read(
    file: Path, options: CheckOptions, training_file: Path | None, progress: Progress, cache: Cache[Report]
) -> Report:
    training_lines = None
    if training_file is not None:
        with opened(training_file) as (content, _):
            training_lines = lines_of(content)
    started = cache.now()
    with opened(file) as (content, state):
        result = _scan(content, state.size, options, training_lines, lambda done: progress(done, state.size))
    cache.remember_file(state, result.sha256, started)
    checker = result.checker
    return Report(
        sha256=result.sha256,
        bytes=state.size,
        method=checker.method or METHODS[0],
        examples=checker.examples,
        longest_row=checker.longest,
        image_rows=result.image_rows,
        tokens=result.tokens,
        is_exact=counts_exactly(),
        encoding=options.encoding,
        problems=checker.findings.first_problems(),
        counts=dict(checker.findings.counts),
    )


def _scan(
    content: FileIO,
    size: int,
    options: CheckOptions,
    training: DuplicateFinder | None,
    read: Callable[[int], None],
) -> ScanResult:
    """Scan a file, and scan it again if rows were checked by the rules of another method than most are written for."""
    result = scan(content, size, options, training, read)
    checker = result.checker
    method = checker.likely_method
    if options.method is None and (method != checker.method or checker.has_guessed):
        content.seek(0)
        return scan(content, size, options._replace(method=method), training, read)
    return result


def _key(options: CheckOptions, training: str | None) -> str:
    return f"{RULES} {tuple(options)} {counts_exactly()} {training}"


def _for_part(report: Report, part: str | None) -> Report:
    """Return the report for a use of the file, which decides whether few examples are an error."""
    if part is None or FEW not in report.counts:
        return report
    counts = {kind: number for kind, number in report.counts.items() if kind != FEW}
    others = [problem for problem in report.problems if problem.kind != FEW]
    if part == "validation":
        return replace(report, problems=tuple(others), counts=counts)
    (few,) = (problem for problem in report.problems if problem.kind == FEW)
    errors = [problem for problem in others if problem.severity is Severity.ERROR]
    warnings = others[len(errors) :]
    first_errors = [replace(few, kind=TOO_FEW), *errors][:MOST_SHOWN]
    return replace(report, problems=(*first_errors, *warnings), counts={**counts, TOO_FEW: 1})

"""Training data: what the service would refuse, how many tokens it bills, what that costs.

A content is read once, in flat memory, and what was found in it is remembered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pulumi_openai_ft._shared.api_limits import LIMITS, METHODS
from pulumi_openai_ft._training_data.cache import Cache
from pulumi_openai_ft._training_data.checker import CheckOptions
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.problems import KINDS, MOST_SHOWN, Problem, Severity
from pulumi_openai_ft._training_data.reader import opened, pieces
from pulumi_openai_ft._training_data.scan import lines_of, scan
from pulumi_openai_ft._training_data.tokens import counts_exactly, encoding_of

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
"""Rows over all epochs between which the service leaves the number of epochs as usual."""

FEW, TOO_FEW = "few_examples", "too_few_examples"
"""The same, of a file of which it is open what it is for, and of one to train on."""

Path = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What was found in a file.

    Attributes:
        sha256: Hash of its content, 64 hexadecimal digits.
        bytes: Its size.
        method: The method by whose rules it was judged, of `METHODS`.
        examples: Its rows, good ones and others.
        longest_row: Bytes of the longest of them.
        image_rows: How many of the good ones show images.
        tokens: Tokens of one epoch, without those of faulty rows: an estimate in any case, for images and the
            declarations of tools are billed in ways that are not published.
        is_exact: Whether the tokens of texts were counted, rather than estimated by their length.
        encoding: By which encoding of OpenAI's.
        problems: The first 20 errors and the first 20 warnings, and the first warning of each kind.
        counts: How many problems there are of each kind.
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
        """How many things there are that the service will refuse."""
        return self._number(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """How many things there are that are likely not as they were meant."""
        return self._number(Severity.WARNING)

    def messages(self, severity: Severity) -> list[str]:
        """The problems of a severity, a sentence each, the last one on those that are not told one by one."""
        told = [str(problem) for problem in self.problems if problem.severity is severity]
        hidden_counts = self.hidden_counts(severity)
        return (
            [*told, f"and {sum(hidden_counts.values()):,} more: {listed(hidden_counts)}"]
            if hidden_counts
            else told
        )

    def hidden_counts(self, severity: Severity) -> dict[str, int]:
        """How many problems of a severity there are of each kind beyond those in `problems`."""
        left = {kind: number for kind, number in self.counts.items() if KINDS[kind].severity is severity}
        for problem in self.problems:
            if problem.severity is severity:
                left[problem.kind] -= 1
        return {kind: number for kind, number in left.items() if number}

    def _number(self, severity: Severity) -> int:
        return sum(number for kind, number in self.counts.items() if KINDS[kind].severity is severity)


def check(
    file: Path,
    *,
    method: Literal["supervised", "dpo", "reinforcement"] | None = None,
    part: Literal["training", "validation"] | None = None,
    model: str | None = None,
    context_length: int | None = None,
    training_file: Path | None = None,
    sha256: str | None = None,
    progress: Progress = lambda _done, _size: None,
    cache: Cache[Report] | None = None,
) -> Report:
    """Checks a file of training data.

    Args:
        file: Its path.
        method: The job's method; by default that which the first row seems to be written for.
        part: What the file is for. At least 10 rows are required of a file for training, advised where that is open.
        model: The job's base model, for the encoding of its tokens; by default a recent one of OpenAI's.
        context_length: Tokens of a row beyond which the model cuts it.
        training_file: For a validation file, the path of the training file, which should hold other rows.
        sha256: Hash of the content that is asked about. What is known of that is told without a look at the file;
            otherwise the file is read, and the report tells whether it holds that content.
        progress: Is told how many bytes have been read, and how many there are.
        cache: Where to look first, and to remember; the user's cache folder by default.

    Raises:
        InputError: A file is no regular file, cannot be read, or changes while it is read.
    """
    cache = Cache(Report) if cache is None else cache
    terms = CheckOptions(method, encoding_of(model), context_length)
    training = _hash_of(training_file, cache) if training_file is not None else None
    report = _known(cache, sha256, terms, training) or _known(cache, cache.sha256(file), terms, training)
    if report is None:
        report = _read(file, terms, training_file, progress, cache)
        cache.remember_report(report.sha256, _key(terms, training), report)
    return _for_part(report, part)


def sha256(file: Path, *, cache: Cache[Report] | None = None) -> str:
    """The hash of a file's content, 64 hexadecimal digits.

    Raises:
        InputError: It is no regular file, cannot be read, or changes while it is read.
    """
    return _hash_of(file, Cache(Report) if cache is None else cache)


@dataclass(frozen=True)
class Estimate:
    """What a training is likely to come to.

    Attributes:
        epochs: How often the data will be gone through.
        tokens: Tokens of all epochs, which is what is billed.
        usd: The price of them, or None where no price is known.
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
    """Estimates a training that is billed by tokens, as supervised training and dpo are.

    Args:
        examples: Rows of the training file.
        tokens: Its tokens of one epoch.
        epochs: As the job's `n_epochs`.
        usd_per_million: USD for a million trained tokens.
    """
    if epochs == "auto":
        epochs = auto_epochs(examples)
    trained = tokens * epochs
    return Estimate(epochs, trained, None if usd_per_million is None else trained * usd_per_million / 1e6)


def auto_epochs(examples: int) -> int:
    """The epochs that the service is likely to choose for so many rows, by OpenAI's cookbook (Chat_finetuning_data_prep)."""
    if USUAL_EPOCHS * examples < LEAST_TRAINED:
        return min(MOST_EPOCHS, LEAST_TRAINED // max(1, examples))
    if USUAL_EPOCHS * examples > MOST_TRAINED:
        return max(1, MOST_TRAINED // examples)
    return USUAL_EPOCHS


def listed(counts: dict[str, int]) -> str:
    """Numbers by kind, as `12 role, 3 content`."""
    return ", ".join(f"{number:,} {kind.replace('_', ' ')}" for kind, number in counts.items())


def _hash_of(file: Path, cache: Cache[Report]) -> str:
    if known := cache.sha256(file):
        return known
    began, digest = cache.now(), hashlib.sha256()
    with opened(file) as (content, state):
        for _ in pieces(content, InlineExecutor(), digest.update, lambda _done: None):
            pass
    cache.remember_file(state, digest.hexdigest(), began)
    return digest.hexdigest()


def _known(
    cache: Cache[Report], sha256: str | None, terms: CheckOptions, training: str | None
) -> Report | None:
    """What is known of a content by these terms, or by the most open ones where these come to the same."""
    if sha256 is None:
        return None
    if found := cache.report(sha256, _key(terms, training)):
        return found
    most_open = CheckOptions(None, terms.encoding, None)
    found = cache.report(sha256, _key(most_open, training))
    return found if found and _comes_to_the_same(found, terms) else None


def _comes_to_the_same(most_open: Report, terms: CheckOptions) -> bool:
    """Whether a content would be found the same by these terms: no row has more tokens than bytes, but for images."""
    cuts_nothing = terms.context_length is None or (
        most_open.longest_row <= terms.context_length and not most_open.image_rows
    )
    return terms.method in {None, most_open.method} and cuts_nothing


def _read(
    file: Path, terms: CheckOptions, training_file: Path | None, progress: Progress, cache: Cache[Report]
) -> Report:
    repeats = None
    if training_file is not None:
        with opened(training_file) as (content, _):
            repeats = lines_of(content)
    began = cache.now()
    with opened(file) as (content, state):
        looked = scan(content, state.size, terms, repeats, lambda done: progress(done, state.size))
    cache.remember_file(state, looked.sha256, began)
    examined = looked.examined
    return Report(
        sha256=looked.sha256,
        bytes=state.size,
        method=examined.method or METHODS[0],
        examples=examined.examples,
        longest_row=examined.longest,
        image_rows=looked.image_rows,
        tokens=looked.tokens,
        is_exact=counts_exactly(),
        encoding=terms.encoding,
        problems=examined.findings.shown(),
        counts=dict(examined.findings.counts),
    )


def _key(terms: CheckOptions, training: str | None) -> str:
    return f"{tuple(terms)} {counts_exactly()} {training}"


def _for_part(report: Report, part: str | None) -> Report:
    """The report, once it is known what the file is for: whether a few rows are too few follows from that alone."""
    if part is None or FEW not in report.counts:
        return report
    counts = {kind: number for kind, number in report.counts.items() if kind != FEW}
    others = [problem for problem in report.problems if problem.kind != FEW]
    if part == "validation":
        return replace(report, problems=tuple(others), counts=counts)
    (few,) = (problem for problem in report.problems if problem.kind == FEW)
    errors = [problem for problem in others if problem.severity is Severity.ERROR]
    warnings = others[len(errors) :]
    told = [replace(few, kind=TOO_FEW), *errors][:MOST_SHOWN]
    return replace(report, problems=(*told, *warnings), counts={**counts, TOO_FEW: 1})

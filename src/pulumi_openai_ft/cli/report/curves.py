"""Curves of training metrics, as the report draws them, for each job and metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_openai_ft._metrics.steps import StepMetrics

TRAINING, VALIDATION, FULL_VALIDATION = SPLITS = ("training", "validation", "full validation")
"""Data that a metric is measured on, in the order of the legend."""
_PREFIX_OF_SPLIT = {TRAINING: "train", VALIDATION: "valid", FULL_VALIDATION: "full_valid"}
TITLES = {"loss": "Loss", "accuracy": "Token accuracy", "reward": "Mean reward"}
"""Titles of the panels. The keys end the names of the metrics."""


@dataclass(frozen=True)
class Curve:
    """The values of a metric of a job.

    Attributes:
        job: Label of the job.
        split: The data that the metric is measured on, from `SPLITS`.
        steps: The steps at which it was measured, ascending.
        values: The value at each step.
    """

    job: str
    split: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """A checkpoint in a chart.

    Attributes:
        job: Label of the job.
        step: Step of the checkpoint.
        name: Name of the checkpoint.
    """

    job: str
    step: int
    name: str


@dataclass(frozen=True)
class Panel:
    """A chart: the curves of all jobs for a kind of metric.

    Attributes:
        kind: Kind of the metric, a key of `TITLES`.
        curves: The curves, by job, then by split.
        marks: The checkpoints of all jobs.
        compared: The labels of all jobs of the report, also of those without a curve. Their order determines the colors.
    """

    kind: str
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]
    compared: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the title."""
        return TITLES[self.kind]

    @property
    def jobs(self) -> list[str]:
        """Return the labels of the jobs that have a curve."""
        return list(dict.fromkeys(curve.job for curve in self.curves))

    @property
    def splits(self) -> list[str]:
        """Return the splits of the curves, in the order of the legend."""
        return [split for split in SPLITS if any(curve.split == split for curve in self.curves)]


def panels(metrics: Iterable[tuple[str, Sequence[StepMetrics]]], marks: Sequence[Mark]) -> list[Panel]:
    """Return a panel for each kind of metric that any job has.

    Args:
        metrics: Label and steps of each job.
        marks: The checkpoints of the jobs.
    """
    jobs = list(metrics)
    found = ((kind, _curves(jobs, kind)) for kind in TITLES)
    labels = tuple(label for label, _ in jobs)
    return [Panel(kind, curves, tuple(marks), labels) for kind, curves in found if curves]


def metric_of(split: str, kind: str) -> str:
    """Return the name of the metric of a kind that is measured on a split."""
    return f"{_PREFIX_OF_SPLIT[split]}_{kind}"


def _curves(jobs: Sequence[tuple[str, Sequence[StepMetrics]]], kind: str) -> tuple[Curve, ...]:
    found = (_curve(job, rows, split, kind) for job, rows in jobs for split in SPLITS)
    return tuple(curve for curve in found if curve.steps)


def _curve(job: str, rows: Sequence[StepMetrics], split: str, kind: str) -> Curve:
    metric = metric_of(split, kind)
    measured = [(row.step, value) for row in rows if (value := getattr(row, metric)) is not None]
    return Curve(job, split, tuple(step for step, _ in measured), tuple(value for _, value in measured))

"""The metrics of jobs as CSV, a line per job and step."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pulumi_openai_ft._metrics.steps import METRICS, StepMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.cli.report.job_report import JobReport

COLUMNS = ("job", "name", "step", *METRICS, "checkpoint")


def csv_table(reports: Sequence[JobReport]) -> str:
    """Return the table. A metric that was not measured is an empty cell, and so is the checkpoint of most steps."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for report in reports:
        writer.writerows(_lines(report))
    return text.getvalue()


def _lines(report: JobReport) -> Iterator[list[object]]:
    checkpoints = {mark.step: mark.name for mark in report.marks}
    rows = {step: StepMetrics(step=step) for step in checkpoints} | {row.step: row for row in report.rows}
    for step, row in sorted(rows.items()):
        metrics = [getattr(row, metric) for metric in METRICS]
        yield [report.job.id, report.label, step, *metrics, checkpoints.get(step)]

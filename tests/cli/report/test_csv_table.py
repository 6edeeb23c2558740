from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.report.support import checkpoint, job_report, rows_of
from tests.cli.report.test_curves import ROWS

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._metrics.result_file import metrics_of_result_file
from pulumi_openai_ft.cli.report.csv_table import COLUMNS, csv_table
from pulumi_openai_ft.cli.report.job_report import labels

if TYPE_CHECKING:
    from pulumi_openai_ft._metrics.steps import StepMetrics

pytestmark = pytest.mark.xdist_group("report")


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(rows=ROWS)
def test_the_table_is_read_back_as_the_same_steps(rows: list[StepMetrics]) -> None:
    assert metrics_of_result_file(csv_table([job_report(rows=tuple(rows))]).encode()) == rows


@given(suffix=st.text(min_size=1))
def test_any_suffix_is_read_back(suffix: str) -> None:
    [name] = labels([Job(id="ftjob-1", user_provided_suffix=suffix)])

    [line] = read(csv_table([job_report(name, rows=rows_of(1))]))

    assert line["name"] == name


def test_lines_name_job_and_checkpoint() -> None:
    reports = [
        job_report("a", rows=rows_of(3), checkpoints=(checkpoint(2),)),
        job_report("b", rows=rows_of(2)),
    ]

    lines = read(csv_table(reports))

    assert tuple(lines[0]) == COLUMNS
    assert [(line["job"], line["step"], line["checkpoint"]) for line in lines] == [
        ("ftjob-a", "1", ""),
        ("ftjob-a", "2", "ft:x:ckpt-step-2"),
        ("ftjob-a", "3", ""),
        ("ftjob-b", "1", ""),
        ("ftjob-b", "2", ""),
    ]


def test_a_checkpoint_without_metrics_has_a_line() -> None:
    [line] = read(csv_table([job_report(rows=(), checkpoints=(checkpoint(7),))]))

    assert (line["step"], line["checkpoint"], line["train_loss"]) == ("7", "ft:x:ckpt-step-7", "")

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._metrics.steps import METRICS, StepMetrics
from pulumi_openai_ft.cli.report.curves import SPLITS, TITLES, Mark, metric_of, panels

VALUE = st.none() | st.floats(-10, 10)
ROW = st.fixed_dictionaries(dict.fromkeys(METRICS, VALUE))
ROWS = st.lists(ROW, max_size=8).map(
    lambda rows: [StepMetrics(step=step, **row) for step, row in enumerate(rows, 1)]
)


def test_each_metric_has_a_place_in_a_chart() -> None:
    assert {metric_of(split, kind) for split in SPLITS for kind in TITLES} == set(METRICS)


@given(jobs=st.dictionaries(st.sampled_from(["a", "b", "c"]), ROWS))
def test_each_measured_value_is_drawn_once(jobs: dict[str, list[StepMetrics]]) -> None:
    drawn = {
        (curve.job, metric_of(curve.split, panel.kind), step): value
        for panel in panels(jobs.items(), [])
        for curve in panel.curves
        for step, value in zip(curve.steps, curve.values, strict=True)
    }

    assert drawn == {
        (job, metric, row.step): value
        for job, rows in jobs.items()
        for row in rows
        for metric, value in row.measured.items()
    }


def test_a_metric_that_no_job_has_gets_no_chart() -> None:
    rows = [StepMetrics(step=1, train_reward=0.5)]

    [panel] = panels([("a", rows), ("b", [])], [Mark("a", 1, "ft:a")])

    assert (panel.kind, panel.jobs, panel.splits) == ("reward", ["a"], ["training"])

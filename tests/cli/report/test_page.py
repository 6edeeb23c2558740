from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.report.support import checkpoint, event, job_report, rows_of, written

from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.report.curves import SPLITS

if TYPE_CHECKING:
    from tests.cli.report.support import Page

pytestmark = pytest.mark.xdist_group("report")

HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "\"><img src=x onerror='alert(1)'>",
            "{{ 7 * 7 }} {% raw %}",
            "a\u2028b\u2029c",
            "&lt;b&gt; &amp;",
            "\ud800 lone",
            "]]></style><style>*{display:none}",
            "\u202eevil",
        ]
    ),
    st.text(min_size=1),
)


def points(page: Page, kind: str, split: str) -> list[list[float]]:
    """Return the values of each curve of a split in a chart."""
    return [curve["value"] for curve in page.curves(kind) if curve["split"] == split]


@cache
def tags_of_a_page() -> frozenset[str]:
    return frozenset(
        tag for tag, _ in written(job_report(missing=("a feature",), checkpoints=(checkpoint(1),))).tags
    )


@pytest.mark.parametrize("steps", [1, 30, 1000])
def test_charts_contain_every_step(steps: int) -> None:
    report = job_report(rows=rows_of(steps))

    page = written(report)

    assert points(page, "loss", "training") == [[row.train_loss for row in report.rows]]
    assert points(page, "accuracy", "training") == [[row.train_accuracy for row in report.rows]]
    measured = [row.valid_loss for row in report.rows if row.valid_loss is not None]
    assert points(page, "loss", "validation") == ([measured] if measured else [])
    assert "reward" not in page.charts


def test_several_jobs_share_the_charts() -> None:
    page = written(job_report("a", rows=rows_of(20)), job_report("b", rows=rows_of(50)))

    curves = page.curves("loss")
    assert [(curve["job"], len(curve["step"])) for curve in curves if curve["split"] == "training"] == [
        ("a", 20),
        ("b", 50),
    ]
    assert len(page.charts) == 2
    assert "".join(page.texts).count("succeeded") >= 2


def test_checkpoints_are_in_each_chart() -> None:
    page = written(job_report(checkpoints=(checkpoint(10), checkpoint(20))))

    for spec in page.charts.values():
        marks = [spec["datasets"][layer["data"]["name"]] for layer in spec["layer"] if "data" in layer]
        assert [mark["step"] for mark in marks[0]] == [10, 20]
    assert "ft:x:ckpt-step-20" in page.texts


def test_the_page_loads_nothing() -> None:
    page = written(job_report())

    for tag, attributes in page.tags:
        assert not {"src", "href", "srcset", "action", "data"} & attributes.keys(), tag
        assert not [name for name in attributes if name.startswith("on")], tag
    style = re.search(r"<style>(.*?)</style>", page.html, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_its_policy_allows_only_its_own_scripts() -> None:
    page = written(job_report())

    [policy] = [tag["content"] for tag in page.attributes("meta") if "http-equiv" in tag]
    assert policy is not None
    scripts = [content for kind, content in page.scripts if kind == "text/javascript"]
    hashes = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert policy.startswith(f"default-src 'none'; script-src {' '.join(hashes)};")
    assert "unsafe-eval" not in policy


@given(text=HOSTILE)
def test_texts_of_the_service_stay_texts(text: str) -> None:
    name = one_line(text) or "job"
    job = {"model": text, "metadata": {"key": text}, "error": {"message": text}, "status": "failed"}
    changes = {
        "events": (event(text),),
        "checkpoints": (checkpoint(10, text.replace("{", "").replace("}", "")),),
    }
    hostile = written(
        job_report(name, job=job, rows=(), missing=(f"not supported: {text}",), **changes), title=name
    )

    hostile.html.encode("utf-8")
    assert [kind for kind, _ in hostile.scripts] == ["application/json", "text/javascript", "text/javascript"]
    assert {tag for tag, _ in hostile.tags} <= tags_of_a_page()
    assert all(not name.startswith("on") for _, attributes in hostile.tags for name in attributes)
    if shown := one_line(text):
        assert shown in hostile.texts


@settings(max_examples=10)
@given(label=st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_charts_keep_any_name_of_a_job(label: str) -> None:
    curves = written(job_report(label, rows=rows_of(2)), job_report("other", rows=rows_of(2))).curves("loss")

    assert {curve["job"] for curve in curves} == {label, "other"}
    assert {curve["split"] for curve in curves} <= set(SPLITS)


@pytest.mark.parametrize(("end", "duration"), [(None, "-"), (1_790_000_060, "1 min")])
def test_a_failed_job_lasted_until_a_known_end(end: int | None, duration: str) -> None:
    page = written(job_report(job={"status": "failed", "fine_tuned_model": None, "finished_at": end}))

    assert page.texts[page.texts.index("duration") :][:4].count(duration) == 1


def test_missing_features_are_named() -> None:
    page = written(job_report(rows=(), missing=("the service 'generic' does not support job events",)))

    assert "The service 'generic' does not support job events." in page.texts
    assert page.charts == {}
    assert "There are no metrics of training steps." in page.texts


def test_rewards_have_a_chart_of_their_own() -> None:
    rows = tuple(row.model_copy(update={"train_reward": 0.1 * row.step}) for row in rows_of(5))

    page = written(job_report(rows=rows))

    assert list(page.charts) == ["loss", "accuracy", "reward"]
    assert points(page, "reward", "training") == [[row.train_reward for row in rows]]


def test_requested_and_resolved_hyperparameters_are_compared() -> None:
    requested = {"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "auto"}}}}

    texts = written(job_report(requested=requested)).texts

    position = texts.index("n_epochs")
    assert [text for text in texts[position:] if text.strip()][:3] == ["n_epochs", "auto", "3"]


def test_a_job_outside_the_stack_has_no_requested_values() -> None:
    texts = written(job_report()).texts

    assert "requested" not in texts
    assert any("The requested ones are in the stack's state" in text for text in texts)


def test_the_timeline_leaves_out_steps_in_between() -> None:
    steps = [event(f"Step {n}/3: training loss=1.{n}", 1_790_000_000 + n, type="metrics") for n in (1, 2, 3)]
    report = replace(job_report(), events=(event("Fine-tuning job started"), *steps))

    texts = written(report).texts

    shown = [
        text
        for text in texts
        if text in {"Fine-tuning job started", "First step: 1", "Last step: 3", "The job succeeded"}
    ]
    assert shown == ["Fine-tuning job started", "First step: 1", "Last step: 3", "The job succeeded"]
    assert not any("Step 2/3" in text for text in texts)

"""Jobs of reports, and a reader of their pages."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.objects import Checkpoint, Event, Job
from pulumi_openai_ft._metrics.steps import StepMetrics
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft._service_profiles import OPENAI
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.cli.report.curves import panels
from pulumi_openai_ft.cli.report.facts import Describer
from pulumi_openai_ft.cli.report.job_report import JobReport
from pulumi_openai_ft.cli.report.page import Heading, page

if TYPE_CHECKING:
    from collections.abc import Sequence

VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


def rows_of(steps: int) -> tuple[StepMetrics, ...]:
    """Return metrics that improve from step to step, with a validation at each tenth step."""
    return tuple(
        StepMetrics(
            step=step,
            train_loss=0.5 + math.exp(-step / steps),
            train_accuracy=1 - 0.5 * math.exp(-step / steps),
            valid_loss=0.6 + math.exp(-step / steps) if step % 10 == 0 else None,
        )
        for step in range(1, steps + 1)
    )


def job_report(label: str = "support-bot", **changes: Any) -> JobReport:
    """Return the report on a job that succeeded, without a stack."""
    job = Job.model_validate(
        {
            "id": f"ftjob-{label}",
            "status": "succeeded",
            "model": "gpt-4.1-mini-2025-04-14",
            "fine_tuned_model": f"ft:{label}",
            "created_at": 1_790_000_000,
            "finished_at": 1_790_000_600,
            "trained_tokens": 1_000_000,
            "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
            **changes.pop("job", {}),
        }
    )
    given: dict[str, Any] = {
        "label": label,
        "job": job,
        "outputs": outputs(job, {}),
        "requested": None,
        "recorded": {},
        "rows": rows_of(30),
        "checkpoints": (),
        "events": (),
        "files": (),
        "missing": (),
    }
    return JobReport(**{**given, **changes})


def event(message: str = "", at: int = 1_790_000_000, **fields: Any) -> Event:
    return Event.model_validate(
        {"id": f"ftevent-{at}-{len(message)}", "message": message, "created_at": at, **fields}
    )


def checkpoint(step: int, name: str = "ft:x:ckpt-step-{}") -> Checkpoint:
    return Checkpoint.model_validate(
        {"id": f"ftckpt_{step}", "step_number": step, "fine_tuned_model_checkpoint": name.format(step)}
    )


def written(*reports: JobReport, title: str = "Training") -> Page:
    """Return the page about jobs."""
    describer = Describer(Catalog.load(), OPENAI, now=1_790_001_000)
    marks = [mark for report in reports for mark in report.marks]
    drawn = panels([(report.label, report.rows) for report in reports], marks)
    heading = Heading(title, "openai, http://service", "2026-11-30 UTC")
    return Page(page(heading, drawn, [describer.section(report) for report in reports]))


class Page(HTMLParser):
    """A page as a browser reads it.

    Attributes:
        html: The source.
        tags: Each start tag with its attributes.
        scripts: Type and content of each script.
        texts: Texts outside of scripts and styles.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs).get("type") or "text/javascript", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            kind, content = self.scripts[-1]
            self.scripts[-1] = (kind, content + data)
        elif "style" not in self.open:
            self.texts.append(data)

    @property
    def charts(self) -> dict[str, Any]:
        """Return the specification of each chart, by kind of metric."""
        [content] = [content for kind, content in self.scripts if kind == "application/json"]
        return {chart["id"]: chart["spec"] for chart in json.loads(content)}

    def curves(self, kind: str) -> list[dict[str, Any]]:
        """Return the curves of a chart, each with its steps and values."""
        spec = self.charts[kind]
        curves: list[dict[str, Any]] = spec["datasets"][spec["data"]["name"]]
        return curves

    def attributes(self, tag: str) -> Sequence[dict[str, str | None]]:
        """Return the attributes of each tag of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

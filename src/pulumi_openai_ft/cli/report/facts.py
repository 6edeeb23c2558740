"""Texts of the report about a job: its summary, hyperparameters, files, checkpoints and timeline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_openai_ft._metrics.event_metrics import parse_metrics
from pulumi_openai_ft._metrics.steps import METRICS
from pulumi_openai_ft._provider.job.messages import cost
from pulumi_openai_ft._provider.progress.job_progress import duration_text
from pulumi_openai_ft.cli.look.job_summary import JobSummary
from pulumi_openai_ft.cli.look.text import UNKNOWN, number_text, one_line, time_text
from pulumi_openai_ft.cli.report.curves import SPLITS, TITLES, metric_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.objects import Event
    from pulumi_openai_ft._metrics.steps import StepMetrics
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.catalog import Catalog
    from pulumi_openai_ft.cli.report.data_files import DataFile
    from pulumi_openai_ft.cli.report.job_report import JobReport

NOT_IN_STATE = "not known"
"""Requested value of a hyperparameter of a job that is not in the stack's state."""
NOT_REQUESTED = "not set"


class Fact(NamedTuple):
    """A name and its value."""

    name: str
    value: str


class Hyperparameter(NamedTuple):
    """A hyperparameter, as requested by the program and as resolved by the service."""

    name: str
    requested: str
    resolved: str


class Moment(NamedTuple):
    """An entry of the timeline.

    Attributes:
        time: Time in UTC, or empty if unknown.
        after: Duration since the creation of the job, or empty.
        text: The event or the state that began.
        level: `info`, `warn`, `error`, or `state` for a state of the job.
    """

    time: str
    after: str
    text: str
    level: str


@dataclass(frozen=True)
class Section:
    """The part of the page about a job. All texts are plain and must be escaped."""

    label: str
    id: str
    status: str
    summary: list[Fact]
    price: str
    error: str
    notes: list[str]
    hyperparameters: list[Hyperparameter]
    has_requested: bool
    metadata: list[Fact]
    files: list[tuple[str, list[Fact]]]
    checkpoint_metrics: list[str]
    checkpoints: list[list[str]]
    timeline: list[Moment]


class Describer:
    """Describes jobs.

    Args:
        catalog: The catalog with the prices.
        profile: Profile of the service.
        now: The service's time, in Unix seconds.
    """

    def __init__(self, catalog: Catalog, profile: Profile, now: float) -> None:
        self.catalog, self.profile, self.now = catalog, profile, now

    def section(self, report: JobReport) -> Section:
        """Return the texts about a job."""
        columns = [
            metric
            for metric in METRICS
            if any(metric in _metrics(report, c.step_number) for c in report.checkpoints)
        ]
        job = report.job
        return Section(
            label=report.label,
            id=one_line(job.id),
            status=one_line(job.status),
            summary=list(self._summary(report)),
            price=self._price(report),
            error=one_line(job.error.message or job.error.code or "") if job.error else "",
            notes=[one_line(sentence) for sentence in report.missing],
            hyperparameters=list(_hyperparameters(report)),
            has_requested=report.requested is not None,
            metadata=_metadata(report),
            files=[(file.part, list(_file(file))) for file in report.files],
            checkpoint_metrics=[metric.replace("_", " ") for metric in columns],
            checkpoints=list(_checkpoints(report, columns)),
            timeline=list(_timeline(report)),
        )

    def _summary(self, report: JobReport) -> Iterator[Fact]:
        job = report.job
        summary = JobSummary.of(job, catalog=self.catalog, profile=self.profile, now=self.now, loss=None)
        yield Fact("base model", _text(job.model))
        yield Fact("fine-tuned model", _text(job.fine_tuned_model))
        yield Fact("method", _text(_method(report)))
        yield Fact("created", _time(job.created_at))
        duration = summary.duration_seconds
        yield Fact("duration", UNKNOWN if duration is None else duration_text(duration))
        yield Fact("steps", f"{len(report.rows):,}" if report.rows else UNKNOWN)
        yield Fact("trained tokens", _count(job.trained_tokens))
        yield Fact("cost", self._cost(report, summary))
        yield from _results(report.rows)
        yield Fact("seed", UNKNOWN if job.seed is None else str(job.seed))

    def _cost(self, report: JobReport, summary: JobSummary) -> str:
        if not self.profile.bills_training:
            return "not billed"
        estimate = report.recorded.get("estimated_cost_usd")
        if summary.cost_usd is not None:
            return cost(summary.cost_usd)
        return (
            f"{cost(estimate)}, as estimated by `pulumi up`" if isinstance(estimate, int | float) else UNKNOWN
        )

    def _price(self, report: JobReport) -> str:
        """Return the price and its source, or an empty text if there is none."""
        entry = self.catalog.find(report.job.model) if report.job.model else None
        if entry is None or not self.profile.bills_training:
            return ""
        is_hourly = _method(report) == "reinforcement"
        price = entry.training_price_per_hour if is_hourly else entry.training_price
        unit = "hour of training" if is_hourly else "million tokens"
        return f"{price.value:,.2f} USD per {unit} ({price})" if price else ""


def _method(report: JobReport) -> str | None:
    method: str | None = (report.outputs.get("method") or {}).get("type")
    return method


def _results(rows: tuple[StepMetrics, ...]) -> Iterator[Fact]:
    """Yield the last value of each metric, and the best value if it was earlier."""
    for kind in TITLES:
        for split in SPLITS:
            measured = [
                (row.step, value)
                for row in rows
                if (value := getattr(row, metric_of(split, kind))) is not None
            ]
            if measured:
                yield Fact(f"{split} {kind}", _last_and_best(measured, highest=kind != "loss"))


def _last_and_best(measured: list[tuple[int, float]], *, highest: bool) -> str:
    _, last = measured[-1]
    best_step, best = (max if highest else min)(measured, key=lambda entry: entry[1])
    text = f"{number_text(last)} at the end"
    return text if best == last else f"{text}; best {number_text(best)} at step {best_step:,}"


def _hyperparameters(report: JobReport) -> Iterator[Hyperparameter]:
    resolved = _values(report.outputs.get("method"))
    requested = None if report.requested is None else _values(report.requested.get("method"))
    for name in sorted({*resolved, *(requested or {})}):
        yield Hyperparameter(one_line(name), _requested(requested, name), _value(resolved.get(name)))


def _requested(requested: Mapping[str, Any] | None, name: str) -> str:
    if requested is None:
        return NOT_IN_STATE
    return _value(requested[name]) if name in requested else NOT_REQUESTED


def _values(method: Any) -> Mapping[str, Any]:
    """Return the hyperparameters of a method in the form of the API."""
    inner = method.get(method.get("type")) if isinstance(method, dict) else None
    values = inner.get("hyperparameters") if isinstance(inner, dict) else None
    return values if isinstance(values, dict) else {}


def _metadata(report: JobReport) -> list[Fact]:
    return [
        Fact(one_line(key), one_line(value)) for key, value in (report.outputs.get("metadata") or {}).items()
    ]


def _file(file: DataFile) -> Iterator[Fact]:
    yield Fact("id", one_line(file.id))
    yield Fact("name", _text(file.filename))
    yield Fact("uploaded", _time(file.created_at))
    yield Fact("size", UNKNOWN if file.bytes is None else f"{file.bytes:,} bytes")
    yield Fact("examples", _count(file.examples))
    yield Fact("tokens", UNKNOWN if file.tokens is None else f"about {file.tokens:,} per epoch")
    yield Fact("SHA-256", f"{file.sha256} (from {file.source})" if file.sha256 else UNKNOWN)
    if file.missing:
        yield Fact("note", file.missing)


def _checkpoints(report: JobReport, columns: list[str]) -> Iterator[list[str]]:
    for checkpoint in report.checkpoints:
        measured = _metrics(report, checkpoint.step_number)
        yield [
            _count(checkpoint.step_number),
            one_line(checkpoint.fine_tuned_model_checkpoint),
            *(number_text(measured.get(metric)) for metric in columns),
        ]


def _metrics(report: JobReport, step: int | None) -> Mapping[str, float]:
    return next((row.measured for row in report.rows if row.step == step), {})


def _timeline(report: JobReport) -> Iterator[Moment]:
    """Yield the states of a job and its events, in order. The events of steps are in the charts."""
    job, start = report.job, report.job.created_at
    yield Moment(_time(start), "", "The job was created", "state")
    steps = [(event, found.metrics.step) for event in report.events if (found := parse_metrics(event))]
    named = zip(("Last" if job.is_terminal else "Latest", "First"), (*steps[-1:], *steps[:1]), strict=False)
    edges = {id(event): f"{name} step: {step:,}" for name, (event, step) in named}
    for event in report.events:
        if text := edges.get(id(event)):
            yield _moment(event.created_at, start, text, "state")
        elif not parse_metrics(event):
            yield _moment(event.created_at, start, _message(event), one_line(event.level))
    if job.is_terminal or job.finished_at is not None:
        yield _moment(job.finished_at, start, f"The job {one_line(job.status)}", "state")


def _message(event: Event) -> str:
    return one_line(event.message) or _text(event.type)


def _moment(at: int | None, start: int | None, text: str, level: str) -> Moment:
    after = "" if at is None or start is None else f"+{duration_text(max(0, at - start))}"
    return Moment("" if at is None else _time(at), after, text, level)


def _text(value: str | None) -> str:
    return one_line(value) if value else UNKNOWN


def _time(seconds: int | None) -> str:
    text = time_text(seconds)
    return text if text == UNKNOWN else f"{text} UTC"


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _value(value: Any) -> str:
    """Return a hyperparameter. Its value may be of any type."""
    return UNKNOWN if value is None else one_line(value if isinstance(value, str) else json.dumps(value))

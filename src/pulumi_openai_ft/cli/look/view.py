"""The picture of a job in a terminal of any size: status, progress, curves, and latest events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.text import Text

from pulumi_openai_ft._provider.progress.job_progress import joined
from pulumi_openai_ft.cli.look import chart
from pulumi_openai_ft.cli.look.event_lines import event_text
from pulumi_openai_ft.cli.look.styles import STATUS_STYLES
from pulumi_openai_ft.cli.look.text import number_text, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from pulumi_openai_ft.cli.look.snapshot import Snapshot

HINT = "Ctrl-C stops watching; the job keeps running"
METRICS = (
    ("loss", "train_loss"),
    ("validation loss", "valid_loss"),
    ("full validation loss", "full_valid_loss"),
    ("reward", "train_reward"),
    ("validation reward", "valid_reward"),
    ("full validation reward", "full_valid_reward"),
    ("accuracy", "train_accuracy"),
    ("validation accuracy", "valid_accuracy"),
    ("full validation accuracy", "full_valid_accuracy"),
)
"""Labels of the metrics, in the order in which they are shown."""
CURVES = (
    (
        ("loss", "train_loss", "cyan"),
        ("validation", "valid_loss", "magenta"),
        ("full validation", "full_valid_loss", "yellow"),
    ),
    (
        ("reward", "train_reward", "cyan"),
        ("validation", "valid_reward", "magenta"),
        ("full validation", "full_valid_reward", "yellow"),
    ),
)
"""Labels, metrics and colors of the curves that share a chart. The first chart with values is shown."""
LEAST_EVENTS, SHARE_OF_EVENTS = 2, 3
"""Least number of rows for events, and the share of the free rows: one of three."""


@dataclass(frozen=True)
class JobView:
    """The picture of a job.

    Attributes:
        snapshot: The facts.
        height: Number of rows, or None for those of the terminal.
        is_live: Whether the picture is updated, so that it explains Ctrl-C.
    """

    snapshot: Snapshot
    height: int | None = None
    is_live: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the picture for the current size of the terminal."""
        height = self.height or console.height
        yield Group(*self._rows(options.max_width, height, can_draw=not options.ascii_only))

    def _rows(self, width: int, height: int, *, can_draw: bool) -> Iterator[RenderableType]:
        top = [*self._summary(width)]
        bottom = [_line(HINT, "dim")] if self.is_live else []
        free = height - len(top) - len(bottom)
        events = min(len(self.snapshot.events), max(LEAST_EVENTS, free // SHARE_OF_EVENTS))
        curves = self._curves() if can_draw else []
        has_chart = curves and free - events > chart.SMALLEST_HEIGHT and width >= chart.SMALLEST_WIDTH
        if not has_chart:
            events = min(len(self.snapshot.events), max(0, free))
        yield from top
        if has_chart:
            yield _legend(curves)
            yield chart.draw([curve for _, curve in curves], width, free - events - 1)
        yield from (
            _cut(event_text(event)) for event in self.snapshot.events[len(self.snapshot.events) - events :]
        )
        yield from bottom

    def _summary(self, width: int) -> Iterator[RenderableType]:
        job, position = self.snapshot.job, self.snapshot.position
        names = (job.id, job.model, job.user_provided_suffix)
        yield _line(joined(*(name for name in names if name)), "bold")
        steps = position and joined(f"step {position.step}{f'/{position.steps}' if position.steps else ''}")
        rest = joined("", steps or "", self.snapshot.elapsed, self.snapshot.left)
        yield _cut(
            Text.assemble(
                (one_line(job.status), STATUS_STYLES.get(job.status, "")), f" · {rest}" if rest else ""
            )
        )
        if position and position.steps:
            yield ProgressBar(position.steps, min(position.step, position.steps), width)
        if metrics := joined(*self._metrics()):
            yield _line(metrics)
        if job.fine_tuned_model:
            yield _line(f"model {job.fine_tuned_model}", "green")
        yield from (_line(note, "yellow") for note in self.snapshot.notes)

    def _metrics(self) -> Iterator[str]:
        for label, metric in METRICS:
            if (value := self.snapshot.latest(metric)) is not None:
                yield f"{label} {number_text(value)}"

    def _curves(self) -> list[tuple[str, chart.Curve]]:
        """Return the curves with their labels, without those that have no value."""
        for group in CURVES:
            curves = [(label, chart.Curve(color, self._points(metric))) for label, metric, color in group]
            if found := [(label, curve) for label, curve in curves if curve.points]:
                return found
        return []

    def _points(self, metric: str) -> list[chart.Point]:
        values = ((row.step, getattr(row, metric)) for row in self.snapshot.rows)
        return [chart.Point(step, value) for step, value in values if value is not None]


def _legend(curves: list[tuple[str, chart.Curve]]) -> Text:
    parts = [part for label, curve in curves for part in ((f"── {label}", curve.color), "   ")]
    return _cut(Text.assemble(*parts))


def _line(text: str, style: str = "") -> Text:
    return _cut(Text(one_line(text), style))


def _cut(text: Text) -> Text:
    """Return a text that is cut off at the right edge instead of wrapped."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text

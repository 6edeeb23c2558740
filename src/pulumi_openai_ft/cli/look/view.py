"""The picture of a job in a terminal of any size: status, progress, curves, and latest events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
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

    from pulumi_openai_ft._provider.progress.job_progress import Position
    from pulumi_openai_ft.cli.look.snapshot import Snapshot

HINT = "Ctrl-C stops watching; the job keeps running"
_SPLITS = (
    ("{}", "train_{}", "cyan"),
    ("validation", "valid_{}", "magenta"),
    ("full validation", "full_valid_{}", "yellow"),
)
DRAWN, NOT_DRAWN = ("loss", "reward"), ("accuracy",)
"""Kinds of metrics with curves, and without. A job has either losses or rewards."""
LEAST_EVENTS, SHARE_OF_EVENTS = 2, 3
"""Least number of rows for events, and the divisor of the free rows."""


@dataclass(frozen=True)
class JobView:
    """The picture of a job.

    Attributes:
        snapshot: The facts.
        height: Number of rows, or None for the terminal's height.
        is_live: Whether the picture is updated, so that it explains Ctrl-C.
    """

    snapshot: Snapshot
    height: int | None = None
    is_live: bool = True

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the picture for the current size of the terminal."""
        height = self.height or options.size.height  # of the same moment as the width
        yield Group(*self._rows(options.max_width, height, can_draw=not options.ascii_only))

    def _rows(self, width: int, height: int, *, can_draw: bool) -> Iterator[RenderableType]:
        top = list(self._summary(width))
        bottom = [_line(HINT, "dim")] if self.is_live else []
        free = max(0, height - len(top) - len(bottom))
        drawn = self._chart(width, free - self._events_beside_chart(free)) if can_draw else []
        yield from top[: height - len(bottom)]
        yield from drawn
        yield from self._latest_events(self._events_beside_chart(free) if drawn else free)
        yield from bottom

    def _events_beside_chart(self, free: int) -> int:
        """Return the number of events below a chart, which gets the other rows."""
        return min(len(self.snapshot.events), max(LEAST_EVENTS, free // SHARE_OF_EVENTS))

    def _chart(self, width: int, height: int) -> list[RenderableType]:
        """Return the curves, or nothing without values or space."""
        curves = self._curves()
        fits = width >= chart.SMALLEST_WIDTH and height >= chart.SMALLEST_HEIGHT
        if not (curves and fits):
            return []
        return [chart.draw(curves, width, height)]

    def _latest_events(self, count: int) -> Iterator[Text]:
        events = self.snapshot.events
        yield from (_cut(event_text(event)) for event in events[max(0, len(events) - count) :])

    def _summary(self, width: int) -> Iterator[RenderableType]:
        job, position = self.snapshot.job, self.snapshot.position
        yield _line(joined(job.id, job.model or "", job.requested_suffix or ""), "bold")
        yield self._status()
        if position and position.steps:
            yield Padding(self._bar(position, width), 0)  # ends the line, which a bar does not
        yield from self._metrics()
        if job.fine_tuned_model:
            yield _line(f"model {job.fine_tuned_model}", "green")
        yield from (_line(note, "yellow") for note in self.snapshot.notes)

    def _bar(self, position: Position, width: int) -> ProgressBar:
        done = min(position.step, position.steps)
        return ProgressBar(position.steps, done, width, complete_style="cyan", finished_style="green")

    def _status(self) -> Text:
        status, position = self.snapshot.job.status, self.snapshot.position
        total = f"/{position.steps}" if position and position.steps else ""
        step = f"step {position.step}{total}" if position else ""
        rest = joined(step, self.snapshot.elapsed, self.snapshot.left)
        styled = (one_line(status), STATUS_STYLES.get(status, ""))
        return _cut(Text.assemble(styled, f" · {rest}" if rest else ""))

    def _metrics(self) -> Iterator[Text]:
        """Yield a line for each kind of metric, with the last values in the colors of their curves."""
        for kind in (*DRAWN, *NOT_DRAWN):
            values = [
                (label, self.snapshot.latest(metric), color) for label, metric, color in _metrics_of(kind)
            ]
            parts = [
                Text(f"{label} {number_text(value)}", color if kind in DRAWN else "")
                for label, value, color in values
                if value is not None
            ]
            if parts:
                yield _cut(Text(" · ").join(parts))

    def _curves(self) -> list[chart.Curve]:
        """Return the curves of the first kind of metric that has values."""
        for kind in DRAWN:
            curves = [chart.Curve(color, self._points(metric)) for _, metric, color in _metrics_of(kind)]
            if found := [curve for curve in curves if curve.points]:
                return found
        return []

    def _points(self, metric: str) -> list[chart.Point]:
        values = ((row.step, getattr(row, metric)) for row in self.snapshot.rows)
        return [chart.Point(step, value) for step, value in values if value is not None]


def _metrics_of(kind: str) -> Iterator[tuple[str, str, str]]:
    """Yield label, name and color of the metrics of a kind, such as `loss`."""
    return ((label.format(kind), metric.format(kind), color) for label, metric, color in _SPLITS)


def _line(text: str, style: str = "") -> Text:
    return _cut(Text(one_line(text), style))


def _cut(text: Text) -> Text:
    """Return a text that is cut off at the right edge instead of wrapped."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text

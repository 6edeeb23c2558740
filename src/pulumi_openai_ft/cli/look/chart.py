"""Curves of metrics over training steps, drawn with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import plotext
from rich.text import Text

from pulumi_openai_ft.cli.look.text import number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SMALLEST_WIDTH, SMALLEST_HEIGHT = 24, 6
"""Columns and rows below which a curve shows nothing."""
_POINTS_PER_COLUMN = 2
_ROWS_PER_TICK, _MOST_TICKS = 4, 5


class Point(NamedTuple):
    """The value of a metric at a step."""

    step: int
    value: float


class Curve(NamedTuple):
    """A metric over steps.

    Attributes:
        color: Name of its color, known to rich and plotext.
        points: Its values, by step; not empty.
    """

    color: str
    points: Sequence[Point]


def draw(curves: Sequence[Curve], width: int, height: int) -> Text:
    """Return curves with their axes in a rectangle of characters.

    Steps without space are represented by the lowest and the highest value among them.
    """
    figure = plotext.figure
    plotext.terminal.limit(False, False)  # noqa: FBT003 - plotext's arguments: the width, the height
    figure.clear()
    figure.theme("simple")
    figure.plot_size(width, height)
    _set_axes(figure, [point for curve in curves for point in curve.points], height)
    for curve in curves:
        points = list(_thinned(curve.points, width))
        signal = figure.signal(
            [point.step for point in points],
            [point.value for point in points],
            marker=plotext.marker("braille", curve.color),
        )
        figure.draw(signal.lines())
    return Text.from_ansi(figure.build().string().rstrip("\n"))


def _set_axes(figure: Any, points: Sequence[Point], height: int) -> None:
    """Draw only the left and the lower axis, with ticks at round distances."""
    figure.axes(active=False, axis="x", side="upper")
    figure.axes(active=False, axis="y", side="right")
    steps, values = [point.step for point in points], [point.value for point in points]
    middle = (min(steps) + max(steps)) // 2
    _set_ticks(figure.ruler("x", "lower"), sorted({min(steps), middle, max(steps)}), str)
    lowest, highest = min(values), max(values)
    if lowest < highest:
        ticks = min(_MOST_TICKS, max(2, height // _ROWS_PER_TICK))
        distance = (highest - lowest) / (ticks - 1)
        _set_ticks(figure.ruler("y", "left"), [lowest + distance * n for n in range(ticks)], number_text)
    else:
        _set_ticks(figure.ruler("y", "left"), [lowest], number_text)


def _set_ticks(ruler: Any, positions: Sequence[float], text: Callable[[Any], str]) -> None:
    ruler.ticks(positions, [text(position) for position in positions])


def _thinned(points: Sequence[Point], width: int) -> Iterator[Point]:
    """Yield the points, or the extremes of as many groups as the width has columns."""
    if len(points) <= _POINTS_PER_COLUMN * width:
        yield from points
        return
    size = -(-len(points) // width)
    for start in range(0, len(points), size):
        group = points[start : start + size]
        extremes = {min(group, key=lambda point: point.value), max(group, key=lambda point: point.value)}
        yield from sorted(extremes)

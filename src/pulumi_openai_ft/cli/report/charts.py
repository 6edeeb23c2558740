"""Charts of the report, as specifications of Vega-Lite.

The texts and axes have the color of the surrounding text, which is dark or light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt

from pulumi_openai_ft.cli.report.curves import TRAINING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.cli.report.curves import Curve, Panel

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
"""Version of Vega-Lite that the specifications are written for."""
COLORS = ["#2f6fde", "#e8710a", "#14926a", "#b34fc5", "#cf3a4f", "#8a7a12", "#1297b5", "#8d6148"]
"""Colors of the curves, readable on white and on black."""
TEXT = "currentColor"
FONT_SIZE = 12
SMOOTHED_FROM = 200
"""Number of steps from which the training curve has a moving average."""
WINDOWS = 40
"""A moving average is taken over this fraction of the steps."""
HOVER_POSITIONS = 400
"""Maximum number of steps with a tooltip. A chart is hardly wider in pixels."""
DOTS = 60
"""Maximum number of values of a validation curve that are drawn as dots."""
FLAG_DISTANCE = 12
"""Vertical distance of the checkpoints of two jobs, in pixels."""
Width = int | Literal["container"]


def chart(panel: Panel, width: Width, height: int = 260) -> alt.LayerChart:
    """Return the chart of a panel.

    Args:
        panel: The curves and checkpoints.
        width: Width in pixels, or `container` to fill the surrounding element.
        height: Height of the plot in pixels.
    """
    layers: list[Any] = [
        _lines(panel),
        *_averages(panel),
        *_dots(panel),
        *_checkpoints(panel),
        *_hover(panel),
    ]
    return alt.LayerChart(layer=layers, data=_data(panel.curves), width=width, height=height)


def page_spec(panel: Panel) -> dict[str, Any]:
    """Return the specification of a chart that fills the width of its element in a page."""
    autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    return _spec(chart(panel, "container").properties(autosize=autosize, background="transparent"))


def picture_spec(panels: Sequence[Panel], title: str, subtitle: Sequence[str]) -> dict[str, Any]:
    """Return the specification of a picture with all panels.

    Args:
        panels: The panels.
        title: Title of the picture.
        subtitle: Lines below the title.
    """
    titled = [chart(panel, 820).properties(title=panel.title) for panel in panels]
    text = alt.TitleParams(title, subtitle=list(subtitle), anchor="start", fontSize=18, offset=16)
    return _spec(alt.vconcat(*titled, title=text, background="white", padding=20))


def _spec(drawn: alt.LayerChart | alt.VConcatChart) -> dict[str, Any]:
    configured = (
        drawn.configure_axis(
            labelColor=TEXT,
            titleColor=TEXT,
            tickColor=TEXT,
            domainColor=TEXT,
            gridColor=TEXT,
            gridOpacity=0.12,
            titleFontWeight="normal",
            labelFontSize=FONT_SIZE,
            titleFontSize=FONT_SIZE,
        )
        .configure_legend(
            labelColor=TEXT,
            labelFontSize=FONT_SIZE,
            labelLimit=260,
            symbolOpacity=1,
            symbolStrokeWidth=2,
        )
        .configure_title(color=TEXT, subtitleColor=TEXT, anchor="start")
        .configure_view(stroke=None)
    )
    spec: dict[str, Any] = configured.to_dict()
    # Legends below each other also fit a phone. Vega has this property; Vega-Lite passes it on, but does not define it.
    spec["config"]["legend"]["layout"] = {"top": {"anchor": "start", "direction": "vertical"}}
    return spec


def _data(curves: Sequence[Curve]) -> alt.InlineData:
    """Return the curves with a list of steps and of values each, which takes a third of the space of rows."""
    return alt.InlineData(
        values=[
            {
                "curve": f"c{i}",
                "job": curve.job,
                "split": curve.split,
                "step": curve.steps,
                "value": curve.values,
            }
            for i, curve in enumerate(curves)
        ]
    )


def _points() -> alt.Chart:
    return alt.Chart().transform_flatten(["step", "value"])


def _lines(panel: Panel) -> alt.Chart:
    is_smoothed = any(map(_is_smoothed, panel.curves))
    drawn = _points().mark_line(strokeWidth=1 if is_smoothed else 1.6)
    opacity = (
        alt.condition(f"datum.split === '{TRAINING}'", alt.value(0.35), alt.value(1))
        if is_smoothed
        else alt.value(1)
    )
    lines: alt.Chart = drawn.encode(_x(), _y(), *_appearance(panel), opacity=opacity)
    return lines


def _averages(panel: Panel) -> list[alt.Chart]:
    smoothed = [curve for curve in panel.curves if _is_smoothed(curve)]
    if not smoothed:
        return []
    half = max(len(curve.steps) for curve in smoothed) // WINDOWS // 2
    averages = (
        _points()
        .transform_filter(f"datum.split === '{TRAINING}'")
        .transform_window(
            average="mean(value)",
            frame=[-half, half],
            groupby=["curve"],
            sort=[alt.SortField("step")],
        )
    )
    y = alt.Y("average:Q", scale=alt.Scale(zero=False), title=None)
    return [averages.mark_line(strokeWidth=2.4).encode(_x(), y, *_appearance(panel))]


def _is_smoothed(curve: Curve) -> bool:
    return curve.split == TRAINING and len(curve.steps) >= SMOOTHED_FROM


def _dots(panel: Panel) -> list[alt.Chart]:
    """Return the dots of validation curves with few values, and of curves that would otherwise be invisible."""
    names = [f"c{i}" for i, curve in enumerate(panel.curves) if _has_dots(curve)]
    if not names:
        return []
    dotted = _points().transform_filter(alt.FieldOneOfPredicate("curve", names))
    return [dotted.mark_point(filled=True, size=28, opacity=1).encode(_x(), _y(), *_appearance(panel)[:1])]


def _has_dots(curve: Curve) -> bool:
    return len(curve.steps) == 1 or (curve.split != TRAINING and len(curve.steps) <= DOTS)


def _checkpoints(panel: Panel) -> list[alt.Chart]:
    return [
        layer
        for i, job in enumerate(panel.jobs)
        for layer in _checkpoints_of_job(panel, job, i * FLAG_DISTANCE)
    ]


def _checkpoints_of_job(panel: Panel, job: str, y: int) -> list[alt.Chart]:
    """Return a line and a diamond for each checkpoint of a job.

    Args:
        panel: The panel.
        job: Label of the job.
        y: Distance of the diamonds from the top, so that those of several jobs do not cover each other.
    """
    marks = [{"job": job, "step": mark.step, "name": mark.name} for mark in panel.marks if mark.job == job]
    if not marks:
        return []
    tooltip = [alt.Tooltip("name:N", title="checkpoint"), alt.Tooltip("step:Q", format=",d")]
    color = _color_of_job(panel) if _overlays(panel) else alt.value(TEXT)
    drawn = alt.Chart(alt.InlineData(values=marks)).encode(_x(), color=color, tooltip=tooltip)
    rule = drawn.mark_rule(strokeDash=[2, 3], opacity=0.55)
    return [rule, drawn.mark_point(shape="diamond", filled=True, size=70, opacity=1).encode(y=alt.value(y))]


def _hover(panel: Panel) -> list[alt.Chart]:
    """Return an invisible line for each step, which appears with a tooltip near the pointer."""
    steps = sorted({step for curve in panel.curves for step in curve.steps})
    every = -(-len(steps) // HOVER_POSITIONS)
    near = alt.selection_point(
        name=f"near_{panel.kind}",
        fields=["step"],
        nearest=True,
        on="pointerover",
        clear="pointerout",
        empty=False,
    )
    values = [
        alt.Tooltip(f"c{i}:Q", title=_curve_title(panel, curve), format=".4~g")
        for i, curve in enumerate(panel.curves)
    ]
    rows = _points().transform_pivot("curve", value="value", groupby=["step"])
    if every > 1:
        rows = rows.transform_filter(alt.FieldOneOfPredicate("step", steps[::every]))
    opacity = alt.condition(near, alt.value(0.4), alt.value(0))
    tooltip = [alt.Tooltip("step:Q", format=",d"), *values]
    return [rows.mark_rule(color=TEXT).encode(_x(), opacity=opacity, tooltip=tooltip).add_params(near)]


def _curve_title(panel: Panel, curve: Curve) -> str:
    # Vega-Lite writes a title into an expression and escapes only the quotes.
    job = curve.job.replace("\\", r"\\")
    return f"{job}, {curve.split}" if _overlays(panel) else curve.split


def _overlays(panel: Panel) -> bool:
    return len(panel.compared) > 1


def _x() -> alt.X:
    return alt.X(
        "step:Q",
        title="step",
        axis=alt.Axis(format=",d", tickMinStep=1, tickCount=8),
        scale=alt.Scale(zero=False, nice=False),
    )


def _y() -> alt.Y:
    return alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))


def _appearance(panel: Panel) -> list[Any]:
    """Return color and dashes: of the split for a single job, otherwise the color of the job, dashed by split."""
    if not _overlays(panel):
        return [_color("split", panel.splits, COLORS, legend_columns=3)]
    dashes = {TRAINING: [1, 0]} | dict(zip(panel.splits, ([1, 0], [6, 3], [2, 2]), strict=False))
    dash = alt.StrokeDash(
        "split:N",
        title=None,
        scale=alt.Scale(domain=panel.splits, range=[dashes[split] for split in panel.splits]),
        legend=alt.Legend(orient="top", columns=3, symbolType="stroke", symbolStrokeColor=TEXT),
    )
    return [_color_of_job(panel), dash]


def _color_of_job(panel: Panel) -> alt.Color:
    """Return the color of a job, which is the same in all charts and in the summary."""
    colors = [COLORS[panel.compared.index(job) % len(COLORS)] for job in panel.jobs]
    return _color("job", panel.jobs, colors, legend_columns=1)


def _color(field: str, domain: Sequence[str], colors: Sequence[str], *, legend_columns: int) -> alt.Color:
    legend = alt.Legend(orient="top", columns=legend_columns, symbolType="stroke")
    scale = alt.Scale(domain=list(domain), range=list(colors[: len(domain)]))
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=legend)

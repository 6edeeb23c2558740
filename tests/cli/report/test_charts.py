from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.report.support import rows_of

from pulumi_openai_ft._metrics.steps import StepMetrics
from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.report import vega
from pulumi_openai_ft.cli.report.charts import COLORS, HOVER_POSITIONS, VEGA_LITE, chart, picture_spec
from pulumi_openai_ft.cli.report.curves import Mark, panels

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.xdist_group("report")


def drawn(jobs: dict[str, Sequence[StepMetrics]], marks: Sequence[Mark] = ()) -> str:
    """Return the SVG of the first chart of jobs."""
    [panel, *_] = panels(jobs.items(), marks)
    return vl_convert.vegalite_to_svg(chart(panel, 600).to_dict(), vl_version=VEGA_LITE)


def lines(svg: str, color: str) -> list[int]:
    """Return the number of points of each line of a color."""
    paths = re.findall(
        r'<path aria-label="[^"]*" role="graphics-symbol"[^>]*? d="([^"]+)"[^>]*? stroke="' + color, svg
    )
    return [path.count("L") + 1 for path in paths if path.startswith("M")]


@pytest.mark.parametrize("steps", [2, 50, 199])
def test_a_curve_has_a_point_for_each_step(steps: int) -> None:
    assert lines(drawn({"a": rows_of(steps)}), COLORS[0])[:1] == [steps]


def test_a_long_curve_also_has_its_moving_average() -> None:
    assert lines(drawn({"a": rows_of(1000)}), COLORS[0])[:2] == [1000, 1000]


def test_a_single_step_is_visible() -> None:
    svg = drawn({"a": [StepMetrics(step=1, train_loss=0.5)]})

    assert f'fill="{COLORS[0]}"' in svg


def test_each_job_has_its_color() -> None:
    svg = drawn({"a": rows_of(20), "b": rows_of(30)}, [Mark("a", 10, "ft:a"), Mark("b", 10, "ft:b")])

    assert lines(svg, COLORS[0])[:1] == [20]
    assert lines(svg, COLORS[1])[:1] == [30]


def test_a_job_without_metrics_keeps_the_colors_of_others() -> None:
    svg = drawn({"failed": (), "b": rows_of(30)}, [Mark("b", 10, "ft:b")])

    assert lines(svg, COLORS[1])[:1] == [30]
    assert COLORS[0] not in svg


@pytest.mark.parametrize(("first", "every"), [(1, 1), (1, 2), (7, 10)])
def test_tooltips_exist_for_any_distance_of_steps(first: int, every: int) -> None:
    count = 2 * HOVER_POSITIONS
    rows = [StepMetrics(step=first + n * every, train_loss=1 / (n + 1)) for n in range(count)]

    tooltips = re.findall(r'aria-label="step: ([\d,]+); training: ', drawn({"a": rows}))

    assert HOVER_POSITIONS / 2 <= len(tooltips) <= HOVER_POSITIONS


@given(st.text(min_size=1).map(one_line).filter(bool) | st.text("\\\"'`${}<>", min_size=1))
@settings(max_examples=25)
def test_jobs_of_any_name_can_be_drawn(name: str) -> None:
    svg = drawn({name: rows_of(3), f"{name}b": rows_of(3)})

    labels = [found.get("aria-label", "") for found in ET.fromstring(svg).iter()]  # noqa: S314 - our own text
    assert [label for label in labels if f"{name}, training: " in label]


def test_more_jobs_than_colors_are_drawn() -> None:
    jobs: dict[str, Any] = {f"job {n}": rows_of(3) for n in range(len(COLORS) + 2)}

    svg = drawn(jobs)

    assert all(f">{name}</text>" in svg for name in jobs)


def test_checkpoints_of_several_jobs_do_not_cover_each_other() -> None:
    svg = drawn({"a": rows_of(20), "b": rows_of(20)}, [Mark("a", 10, "ft:a"), Mark("b", 10, "ft:b")])

    diamonds = re.findall(r'checkpoint: [^"]*"[^>]*="point" transform="translate\(([\d.]+),([\d.]+)\)"', svg)
    assert len(set(diamonds)) == len(diamonds) == 2


def test_a_picture_is_a_png_of_plausible_size() -> None:
    found = panels([("a", rows_of(300))], [Mark("a", 100, "ft:a")])

    content = vega.png(picture_spec(found, "Training of a", ["gpt-4.1-mini, succeeded"]))

    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert 900 <= width <= 2000
    assert 500 <= height <= 3000
    assert 20_000 < len(content) < 2_000_000


def test_the_script_fits_into_a_page() -> None:
    script = vega.script()

    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert len(script) < 1_200_000


def test_the_script_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vl_convert, "javascript_bundle", None)

    assert vega.script() == vega.script_file().read_text(encoding="utf-8")

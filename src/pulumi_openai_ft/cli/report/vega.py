"""Vega: the program that draws the charts in a page, and pictures of charts. It accesses no network."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import vl_convert

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft.cli.report.charts import VEGA_LITE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SNIPPET = "window.vegaEmbed = vegaEmbed;"
SCALE = 1.5
"""Pixels of a picture per pixel of the chart."""


def script() -> str:
    """Return the JavaScript that defines `vegaEmbed`. It takes seconds to build, so it is kept in the user's cache."""
    file = script_file()
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        built = vl_convert.javascript_bundle(_SNIPPET, vl_version=VEGA_LITE)
    write_cache_file(file, built.encode())
    return built


def script_file() -> Path:
    """Return the file of the script in the user's cache, which may not exist yet."""
    return cache_dir("report") / f"vega-{VEGA_LITE}-{version('vl-convert-python')}.js"


def png(spec: Mapping[str, Any]) -> bytes:
    """Return a chart as a PNG file."""
    return vl_convert.vegalite_to_png(dict(spec), vl_version=VEGA_LITE, scale=SCALE)

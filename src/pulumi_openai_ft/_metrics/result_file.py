"""Metrics of training steps, parsed from a job's result file. Source: docs/openai-api.md#result-files."""

from __future__ import annotations

import csv
import io
from base64 import b64decode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING

from pulumi_openai_ft._metrics.steps import by_step, metric_name, step_metrics

if TYPE_CHECKING:
    from pulumi_openai_ft._metrics.steps import StepMetrics


def metrics_of_result_file(content: bytes) -> list[StepMetrics]:
    """Return the metrics in a result file, one row per step, sorted by step.

    The result is empty if the content has no column `step`. Columns and cells that cannot be read are ignored.

    Args:
        content: CSV with a header, or CSV encoded in base64, as OpenAI returns it.
    """
    text = _text(content)
    lines = csv.reader(io.StringIO(text if _has_steps(text) else _decoded(content)))
    try:
        header = next(lines, [])
        rows = [step_metrics(dict(zip(header, cells, strict=False))) for cells in lines]
    except csv.Error:
        return []
    return by_step(row for row in rows if row)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace").lstrip().replace("\0", "")


def _has_steps(text: str) -> bool:
    header = text.partition("\n")[0].split(",")
    return any(metric_name(name.strip('" \r')) == "step" for name in header)


def _decoded(content: bytes) -> str:
    try:
        return _text(b64decode(b"".join(content.removeprefix(b"\xef\xbb\xbf").split()), validate=True))
    except NotBase64:
        return ""

"""Texts of values: times, numbers, and texts of the service, which may contain any characters."""

from __future__ import annotations

from datetime import UTC, datetime

from pulumi_openai_ft._provider.progress.job_progress import in_one_line

UNKNOWN = "-"
_UNLIMITED = 10**9


def one_line(text: str) -> str:
    """Return a text of the service as a line, without the control characters that could change a terminal."""
    return in_one_line(text, _UNLIMITED)


def time_text(seconds: int | None) -> str:
    """Return a time in UTC, such as `2026-11-30 07:01:14`."""
    try:
        return UNKNOWN if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, OSError, ValueError):  # outside of the years that Python supports
        return UNKNOWN


def number_text(value: float | None) -> str:
    """Return a metric with three significant digits."""
    return UNKNOWN if value is None else f"{value:#.3g}".rstrip(".")

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

KILLS, TOO_LATE, DUPLICATE_JOBS = "kills", "kills that came too late", "duplicate jobs"
"""The properties that tests record of their kills."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums of the recorded properties."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    failed = {report.nodeid for report in terminalreporter.stats.get("failed", ())}
    totals: Counter[str] = Counter()
    for report in reports:
        if getattr(report, "when", None) == "teardown":
            recorded = {
                name: value
                for name, value in report.user_properties
                if name in (KILLS, TOO_LATE, DUPLICATE_JOBS)
            }
            totals.update(recorded)
            totals["survived"] += 0 if report.nodeid in failed else recorded.get(KILLS, 0)
    if totals[KILLS]:
        terminalreporter.write_line(
            f"{KILLS}: {totals[KILLS]}, survived: {totals['survived']}, {TOO_LATE}: {totals[TOO_LATE]}, "
            f"{DUPLICATE_JOBS}: {totals[DUPLICATE_JOBS]}"
        )

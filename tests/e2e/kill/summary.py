from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

KILLS, TOO_LATE, PAID_TWICE = "kills", "kills that came too late", "jobs paid twice"
"""What tests note of their kills."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Adds up what the tests noted."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    failed = {report.nodeid for report in terminalreporter.stats.get("failed", ())}
    totals: Counter[str] = Counter()
    for report in reports:
        if getattr(report, "when", None) == "teardown":
            noted = {
                name: value for name, value in report.user_properties if name in (KILLS, TOO_LATE, PAID_TWICE)
            }
            totals.update(noted)
            totals["survived"] += 0 if report.nodeid in failed else noted.get(KILLS, 0)
    if totals[KILLS]:
        terminalreporter.write_line(
            f"{KILLS}: {totals[KILLS]}, survived: {totals['survived']}, {TOO_LATE}: {totals[TOO_LATE]}, "
            f"{PAID_TWICE}: {totals[PAID_TWICE]}"
        )

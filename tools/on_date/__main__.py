"""Run a command on another date in its Python processes: `python tools/on_date 2027-03-01 COMMAND…`.

The time of day is real, and time passes. Other programs, such as the Pulumi engine, use the real date.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path


def environment(day: date, today: date) -> dict[str, str]:
    """Return the environment variables that move the clocks from a day to another."""
    folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "CLOCK_OFFSET": str((day - today).total_seconds()),
        "PYTHONPATH": os.pathsep.join(folders),
    }


def main() -> None:
    """Replace this process by the command."""
    day, command = date.fromisoformat(sys.argv[1]), sys.argv[2:]
    os.execvpe(command[0], command, {**os.environ, **environment(day, datetime.now(UTC).date())})  # noqa: S606 - runs the given command


if __name__ == "__main__":
    main()

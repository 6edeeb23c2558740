"""Runs a command whose Python processes believe in another date: `python tools/on_date 2027-03-01 COMMAND…`.

The time of day stays, and time goes on. Other programs, such as the Pulumi engine, keep the real date.
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
    os.execvpe(command[0], command, {**os.environ, **environment(day, datetime.now(UTC).date())})  # noqa: S606 - the command is what this is for


if __name__ == "__main__":
    main()

"""Moves the clocks of a Python process. Python imports it at start, because `tools/on_date` puts it on PYTHONPATH."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

if seconds := os.environ.get("CLOCK_OFFSET"):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)), tick=True).start()

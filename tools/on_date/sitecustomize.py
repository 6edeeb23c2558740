"""Moves the clocks of a Python process. Python imports it at start, because `tools/on_date` puts it on PYTHONPATH."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

import time_machine


def _time() -> float:
    """Return the moved time, or the real time to gRPC, whose core compares deadlines with the machine's clock."""
    caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - the public way is slow
    return _real_time() if caller.startswith("grpc.") else _moved_time()


if seconds := os.environ.get("CLOCK_OFFSET"):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(seconds)), tick=True).start()
    _moved_time, _real_time = time.time, time_machine.escape_hatch.time.time
    time.time = _time

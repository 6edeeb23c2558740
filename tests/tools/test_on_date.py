"""`tools/on_date` moves the clocks of a command and of the processes that it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ON_DATE = Path(__file__).parents[2] / "tools" / "on_date"
PRINT = "import datetime, time; print(datetime.date.today(), datetime.datetime.now(datetime.UTC).date(), time.time() > 1.8e9)"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PRINT!r}], check=True)"


def test_children_have_the_date_too() -> None:
    output = subprocess.run(
        [sys.executable, ON_DATE, "2027-03-01", sys.executable, "-c", IN_A_CHILD],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout

    assert output == "2027-03-01 2027-03-01 True\n"

"""The clock of this package: every other module takes times and the day from here.

The day decides which base models exist and which services are closed. An environment variable can set it, because
program, host, policy pack and commands are processes of their own: for an emulator, which has a day of its own, and to
find out what a later day will bring.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY_VARIABLE = "OPENAI_FT_TODAY"


def is_day_set() -> bool:
    """Return whether OPENAI_FT_TODAY takes the place of the real day."""
    return bool(os.environ.get(TODAY_VARIABLE))


def today() -> date:
    """Return the day that OPENAI_FT_TODAY names, else the day in UTC, in which services announce their dates.

    Raises:
        SettingsError: The variable holds something else than a date.
    """
    day = os.environ.get(TODAY_VARIABLE)
    try:
        return date.fromisoformat(day) if day else datetime.now(UTC).date()
    except ValueError:
        raise SettingsError(
            f"{TODAY_VARIABLE} in the environment is {day!r}: write a date such as 2027-03-01, or unset it"
        ) from None


@dataclass(frozen=True)
class TimeSource:
    """Clocks and sleep.

    Attributes:
        clock: Seconds that only ever grow.
        sleep: Waits for so many seconds.
        wall: Unix seconds.
        today: The day by which models and services are judged.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    today: Callable[[], date] = today


REAL_TIME = TimeSource()

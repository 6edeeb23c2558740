"""The clock. Every other module reads times and the current date from here.

The date determines which base models are available and which services are closed. OPENAI_FT_TODAY sets it for program,
host, policy pack and commands, which are separate processes: use it with the emulator, which has a fixed date, or to
check the effects of a later date.
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


def is_date_set() -> bool:
    """Return whether OPENAI_FT_TODAY replaces the current date."""
    return bool(os.environ.get(TODAY_VARIABLE))


def today() -> date:
    """Return the date in OPENAI_FT_TODAY, or else the current date in UTC, the time zone of the services.

    Raises:
        SettingsError: The variable is not a date.
    """
    day = os.environ.get(TODAY_VARIABLE)
    try:
        return date.fromisoformat(day) if day else datetime.now(UTC).date()
    except ValueError:
        raise SettingsError(
            f"{TODAY_VARIABLE} in the environment is {day!r}: set a date such as 2027-03-01, or unset it"
        ) from None


@dataclass(frozen=True)
class TimeSource:
    """Clocks and sleep.

    Attributes:
        clock: Returns monotonic seconds.
        sleep: Waits for a number of seconds.
        wall: Returns Unix seconds.
        today: Returns the date that determines which models and services are available.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    today: Callable[[], date] = today


REAL_TIME = TimeSource()

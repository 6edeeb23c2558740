"""Search for an object created by a request whose response was lost. The service may create it with a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulumi_openai_ft._shared.clock import TimeSource

Found = TypeVar("Found")

LOOKUP_SECONDS = 30.0
"""Seconds for which an object is searched for, whatever it is."""


def lookup_delays(first: float, growth: float) -> tuple[float, ...]:
    """Return the seconds before each lookup: 0, then `first`, then growing ones, `LOOKUP_SECONDS` in total."""
    delays, remaining = [0.0], LOOKUP_SECONDS
    while remaining > 0:
        delays.append(min(first, remaining))
        remaining -= delays[-1]
        first *= growth
    return tuple(delays)


LOOKUP_DELAYS = lookup_delays(0.5, 2)
SPARSE_LOOKUP_DELAYS = lookup_delays(2, 4)
"""Delays for requests with the admin key, which the service limits to about ten per minute."""


def poll_until_found(
    find: Callable[[], Found | None], timing: TimeSource, delays: Sequence[float] = LOOKUP_DELAYS
) -> Found | None:
    """Call `find` after each delay and return its first non-empty result, or None.

    Args:
        find: Returns the object, or None if it does not exist yet.
        timing: Clock and sleep.
        delays: Seconds before each call.

    Raises:
        CommandInterruptedError: The user has interrupted the command.
    """
    for delay in delays:
        try:
            timing.sleep(delay)
        except CommandInterruptedError as error:
            unclear = "before it was known whether the service processed the request"
            error.args = (
                f"{error} {unclear}: run `pulumi up` again; it adopts the object if it was created",
            )
            raise
        if found := find():
            return found
    return None

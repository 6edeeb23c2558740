"""Search for an object created by a request whose response was lost. The service may create it with a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulumi_openai_ft._shared.clock import TimeSource

Found = TypeVar("Found")

LOOKUP_DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each lookup."""


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

"""Looking for what a request has created whose answer was lost: the service may act late."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pulumi_openai_ft._shared.clock import TimeSource

Found = TypeVar("Found")

LOOKUP_DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look."""


def poll_until_found(
    look: Callable[[], Found | None], timing: TimeSource, pauses: Sequence[float] = LOOKUP_DELAYS
) -> Found | None:
    """What the first look that finds something finds, or None where none does.

    Args:
        look: Gives what it finds, or None.
        timing: Clock and sleep.
        pauses: Seconds before each look.
    """
    for pause in pauses:
        try:
            timing.sleep(pause)
        except CommandInterruptedError as error:
            unclear = "before it was clear whether the service had acted"
            error.args = (f"{error} {unclear}: run `pulumi up` again, which looks for what was created",)
            raise
        if found := look():
            return found
    return None

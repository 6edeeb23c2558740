"""The order of a job's events."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_openai_ft._client.objects import Event


def newest_first(events: Iterable[Event]) -> list[Event]:
    """Return events by time. Events of the same second keep the API's order, which is newest first.

    An event without a time has the time of the event before it in that order.
    """
    timed: list[tuple[float, Event]] = []
    for event in events:
        previous = timed[-1][0] if timed else math.inf
        timed.append((previous if event.created_at is None else event.created_at, event))
    return [event for _, event in sorted(timed, key=lambda entry: entry[0], reverse=True)]

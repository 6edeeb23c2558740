"""Limit of the time for which an operation waits for the service: the resource option `custom_timeouts`.

Requests in progress are not limited, so that a create request never ends without its response.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import CUSTOM_TIMEOUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMITED_OPERATIONS = ("create", "update", "delete")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Units of Go's durations, in which the engine accepts timeouts."""
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


@dataclass(frozen=True)
class WaitLimit:
    """The limit of an operation.

    Attributes:
        operation: `create`, `update` or `delete`.
        seconds: Maximum duration of the operation.
        ends_at: Unix seconds at which waiting ends.
    """

    operation: str
    seconds: float
    ends_at: float

    def __str__(self) -> str:
        return f"{self.seconds:g} s, custom_timeouts: {self.operation}"


_current: ContextVar[WaitLimit | None] = ContextVar("wait_limit", default=None)


def current_limit() -> WaitLimit | None:
    """Return the limit of the current operation, or None if the program sets no timeout for it."""
    return _current.get()


def limits_waiting(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an operation of a provider, whose last argument is properties, so that its timeout limits its waits."""

    @wraps(operation)
    def wrapper(self: Any, *arguments: Any) -> Any:
        name = operation.__name__
        seconds = self.host.custom_timeout(name, arguments[-1])
        limit = WaitLimit(name, seconds, self.host.time.wall() + seconds) if seconds else None
        token = _current.set(limit)
        try:
            return operation(self, *arguments)
        finally:
            _current.reset(token)

    return wrapper


def timeout_in(props: Mapping[str, Any], operation: str) -> float | None:
    """Return the timeout in seconds that the program recorded in the properties, or None if it sets none."""
    timeouts = props.get(CUSTOM_TIMEOUTS)
    duration = timeouts.get(operation) if isinstance(timeouts, dict) else None
    if not isinstance(duration, str):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration)) or None

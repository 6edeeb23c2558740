"""A request to stop a training run after its current step."""

from __future__ import annotations

import signal


class Stop:
    """Remembers that a stop was requested. Code that can stop asks for it."""

    def __init__(self) -> None:
        self._requested = False

    @property
    def requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._requested

    def request(self) -> None:
        """Request a stop."""
        self._requested = True

    def listen(self) -> None:
        """Request a stop on SIGTERM. Call this in the main thread."""
        signal.signal(signal.SIGTERM, lambda *_: self.request())

    def check(self) -> None:
        """Raise StoppedError if a stop was requested."""
        if self.requested:
            raise StoppedError


class StoppedError(Exception):
    """The run stopped on request. A later attempt continues from its last checkpoint."""

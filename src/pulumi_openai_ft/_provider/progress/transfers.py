"""How far bytes are: on their way to the service, or read here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pulumi_openai_ft._provider.progress.job_progress import SHORTEST, joined
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass
class _Transfer:
    """How far bytes are.

    Attributes:
        size: Bytes in all.
        time: Clock.
        done_before: Bytes of them that an earlier run has done.
    """

    size: int
    time: TimeSource = REAL_TIME
    done_before: int = 0
    _done: int = 0
    _began: float = math.inf

    under_way: ClassVar[str]
    """What happens to them."""
    over: ClassVar[str]
    """What has happened in the end."""

    @property
    def status(self) -> str:
        """What happens to them, or has happened to all."""
        return self.under_way if self._done < self.size else self.over

    def see(self, done: int) -> None:
        """Takes note that so many bytes, of all, are on their way. Fewer than before are those of another try."""
        if done < self._done or self._began == math.inf:
            self._began = self.time.clock()
        self._done = done

    def line(self) -> str:
        """All of it, as `uploading 43 % · 12.3 of 28.6 MB · 4.1 MB/s`."""
        scale, unit = _scale(self.size)
        done = f"{self._done / scale:.1f} of " if self._done < self.size else ""
        return joined(self.stable_part(), f"{done}{self.size / scale:.1f} {unit}", self._speed())

    def stable_part(self) -> str:
        """The line by whole per cents: what it says besides changes with each of them."""
        return f"{self.status} {100 * self._done // self.size} %" if self._done < self.size else self.status

    def _speed(self) -> str:
        seconds = self.time.clock() - self._began
        if seconds < SHORTEST:  # what fits into the buffers of the network is gone at once
            return ""
        speed = max(self._done - self.done_before, 0) / seconds
        scale, unit = _scale(speed)
        return f"{speed / scale:.1f} {unit}/s"


class UploadProgress(_Transfer):
    """How far an upload is."""

    under_way, over = "uploading", "uploaded"


class ReadingProgress(_Transfer):
    """How far training data is read."""

    under_way, over = "reading training data", "training data is read"


def _scale(size: float) -> tuple[float, str]:
    return next((scale for scale in _SIZES if size >= scale[0]), _SIZES[-1])

"""Progress of transfers in bytes: uploading a file, or reading training data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pulumi_openai_ft._provider.progress.job_progress import SHORTEST, joined
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(slots=True)
class _Transfer:
    """Progress of a transfer.

    Attributes:
        size: Total number of bytes.
        time: Clock.
        done_before: Number of bytes that an earlier run transferred.
    """

    size: int
    time: TimeSource = REAL_TIME
    done_before: int = 0
    _done: int = 0
    _began: float = math.inf

    under_way: ClassVar[str]
    """Status during the transfer."""
    over: ClassVar[str]
    """Status after the transfer."""

    @property
    def status(self) -> str:
        """Status of the transfer, such as `uploading`."""
        return self.under_way if self._done < self.size else self.over

    def see(self, done: int) -> None:
        """Record the number of bytes transferred. A lower number than before means that the transfer was restarted."""
        if done < self._done or self._began == math.inf:
            self._began = self.time.clock()
        self._done = done

    def line(self) -> str:
        """Return the full line, such as `uploading 43 % · 12.3 of 28.6 MB · 4.1 MB/s`."""
        scale, unit = _scale(self.size)
        done = f"{self._done / scale:.1f} of " if self._done < self.size else ""
        return joined(self.stable_part(), f"{done}{self.size / scale:.1f} {unit}", self._speed())

    def stable_part(self) -> str:
        """Return the start of the line, which changes only with each whole percent."""
        return f"{self.status} {100 * self._done // self.size} %" if self._done < self.size else self.status

    def _speed(self) -> str:
        seconds = self.time.clock() - self._began
        if seconds < SHORTEST:  # network buffers accept the first bytes immediately
            return ""
        speed = max(self._done - self.done_before, 0) / seconds
        scale, unit = _scale(speed)
        return f"{speed / scale:.1f} {unit}/s"


class UploadProgress(_Transfer):
    """Progress of an upload."""

    under_way, over = "uploading", "uploaded"


class ReadingProgress(_Transfer):
    """Progress of reading training data."""

    under_way, over = "reading training data", "training data read"


def _scale(size: float) -> tuple[float, str]:
    return next((scale for scale in _SIZES if size >= scale[0]), _SIZES[-1])

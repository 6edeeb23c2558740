"""Client of the sink, a service that accepts uploads and only counts their bytes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from benchmarks import processes, stack
from benchmarks.benchmark import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = stack.PROGRAMS / "sink"


@dataclass(frozen=True)
class Sink:
    """A running sink in a separate process.

    Attributes:
        url: Base URL for the paths of the API.
    """

    url: str

    @classmethod
    @contextmanager
    def running(cls, folder: Path, speed: float | None = None) -> Iterator[Sink]:
        """Start a sink.

        Args:
            folder: Home folder of the process.
            speed: Maximum number of megabytes that it accepts per second; unlimited by default.
        """
        command = [sys.executable, str(PROGRAM), *([str(speed)] if speed else [])]
        with processes.serving(command, env=stack.environment(folder)) as serving:
            yield cls(serving.first_line)

    def require(self, size: int) -> None:
        """Check that the sink has received exactly `size` bytes of files since the last check.

        Raises:
            BenchmarkError: The number of bytes differs, so the results are invalid.
        """
        received = httpx.get(f"{self.url}/received", trust_env=False).json()["bytes"]
        if received != size:
            raise BenchmarkError(
                f"the sink received {received} bytes instead of {size}: the results are invalid"
            )

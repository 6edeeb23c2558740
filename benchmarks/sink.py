"""A service that takes files as fast as they come, and only counts them."""

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
    """A running one, in a process of its own.

    Attributes:
        url: Its address, to which paths of the API are added.
    """

    url: str

    @classmethod
    @contextmanager
    def running(cls, folder: Path, speed: float | None = None) -> Iterator[Sink]:
        """Starts one.

        Args:
            folder: Where it may leave something.
            speed: Megabytes that it takes in a second at the most.
        """
        command = [sys.executable, str(PROGRAM), *([str(speed)] if speed else [])]
        with processes.serving(command, env=stack.environment(folder)) as serving:
            yield cls(serving.said)

    def require(self, size: int) -> None:
        """Makes sure that so many bytes of files have come since this was last asked.

        Raises:
            BenchmarkError: Others came, so that no figure is valid.
        """
        came = httpx.get(f"{self.url}/received", trust_env=False).json()["bytes"]
        if came != size:
            raise BenchmarkError(f"{came} bytes came where {size} were to be sent: no figure is valid")

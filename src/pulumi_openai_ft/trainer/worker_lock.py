"""Keeps the workers of an earlier attempt out of a job folder.

The workers of a Ray cluster may outlive their driver, and with it the folder's lock, by seconds. Therefore the workers
share a second lock as long as they run, and only while the file names their driver. A new driver first writes its own name,
so that no worker of an earlier one can begin, and then waits until the earlier ones have ended.
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pulumi_openai_ft.trainer.errors import AttemptError
from pulumi_openai_ft.trainer.file_lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.trainer.stop import Stop

LONGEST_WAIT_SECONDS = 120.0
_PAUSE = 0.1


class WorkerLock:
    """The lock of the workers that train in a job folder.

    Args:
        folder: The job folder.

    Attributes:
        driver: Name of the driver that has taken over the folder in this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "workers.lock"
        self.driver: str = ""

    def take_over(self, stop: Stop) -> None:
        """Become the driver. The caller must have locked the folder.

        Raises:
            AttemptError: Workers of an earlier attempt do not end.
            StoppedError: A stop was requested while they ended.
        """
        self.driver = secrets.token_hex(8)
        self._path.write_text(self.driver)
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        with self._path.open("r+") as lock:
            while not try_lock(lock, self._folder):
                stop.check()
                if time.monotonic() > deadline:
                    raise AttemptError(
                        f"Workers of an earlier attempt still run in {self._folder}, {LONGEST_WAIT_SECONDS:.0f} s after "
                        "their driver ended: end their processes on the machines of the Ray cluster."
                    )
                time.sleep(_PAUSE)

    @contextmanager
    def shared(self, driver: str) -> Iterator[None]:
        """Train as a worker of a driver.

        Raises:
            AttemptError: Another driver has taken over.
        """
        with self._path.open() as lock:
            while not try_lock(lock, self._folder, shared=True):
                time.sleep(_PAUSE)  # a driver locks it for a moment when it takes over
            if lock.read() != driver:
                raise AttemptError(f"A later attempt trains in {self._folder}.")
            yield

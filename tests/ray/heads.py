"""A Ray head for tests, which listens on loopback only: all its processes run in the network namespace of the lane."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from pulumi_openai_ft.serve.engines.ray.client import RayClient, RayError

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "http://127.0.0.1:8265"
_MARK = "OPENAI_FT_TEST_HEAD"
_OBJECT_STORE_BYTES = 80_000_000
_START_SECONDS = 120
_OWN = ("gcs_server", "dashboard", "raylet")


class Head:
    """A head with two CPUs.

    Args:
        ray: The command `ray`.
        folder: Folder of Ray's files.
        cpus: Number of CPUs.

    Attributes:
        mode: Ray's mode of authentication for the next start.
    """

    def __init__(self, ray: Path, folder: Path, cpus: int = 2) -> None:
        self.mode: str = "token"
        self._ray = ray
        self._folder = folder
        self._cpus = cpus
        self._mark = secrets.token_hex(8)
        self.token: str = secrets.token_hex(32)
        self._client = RayClient(ADDRESS, lambda: self.token)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._client.close()

    def start(self) -> None:
        """Start a head, which remembers nothing of earlier heads, and wait until it accepts requests."""
        command: list[str | Path] = [
            self._ray,
            "start",
            "--head",
            "--node-ip-address=127.0.0.1",
            "--dashboard-host=127.0.0.1",
            f"--num-cpus={self._cpus}",
            f"--object-store-memory={_OBJECT_STORE_BYTES}",
            f"--temp-dir={self._folder / secrets.token_hex(2)}",
            "--disable-usage-stats",
        ]
        with (self._folder / "head.log").open("ab") as log:
            subprocess.run(command, stdout=log, stderr=log, env=self._environment(), check=True)
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts_requests():
            assert time.monotonic() < deadline, (self._folder / "head.log").read_text()[-2000:]
            time.sleep(0.2)

    def lose(self) -> None:
        """Kill Ray's own processes. Those of the training runs notice it."""
        for pid, command in self.processes():
            if any(name in command for name in _OWN):
                _kill(pid)

    def end(self) -> None:
        """Kill all processes of the head and of its training runs, by pid."""
        while found := [pid for pid, _ in self.processes()]:
            for pid in found:
                _kill(pid)
            time.sleep(0.05)

    def pause(self, number: signal.Signals = signal.SIGSTOP) -> None:
        """Pause the dashboard, or continue it with SIGCONT."""
        for pid, command in self.processes():
            if "dashboard" in command:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def get(self, path: str) -> httpx.Response:
        """Return the dashboard's response to a request with the token."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.get(f"{ADDRESS}{path}", headers=headers, timeout=20, trust_env=False)

    def _accepts_requests(self) -> bool:
        """Return whether the head accepts submissions, which is later than other requests."""
        try:
            self._client.submit("ready", {"entrypoint": "true"})
        except RayError:
            return False
        return True

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            _MARK: self._mark,
            "PATH": f"{self._ray.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src"),
            "OMP_NUM_THREADS": "1",
            "RAY_AUTH_MODE": self.mode,
            "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def processes(self) -> Iterator[tuple[int, str]]:
        """Yield the pid and the command of each process of the head and of its training runs."""
        mark = f"{_MARK}={self._mark}".encode()
        for path in Path("/proc").iterdir():
            if not path.name.isdecimal():
                continue
            with suppress(OSError):
                if mark in (path / "environ").read_bytes() and not _is_zombie(path):
                    yield int(path.name), (path / "cmdline").read_bytes().decode(errors="replace")


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

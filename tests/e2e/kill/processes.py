"""The processes of the kill tests: an emulator with persistent data, and a command with its child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from tests.support import API_KEY, TODAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.e2e.conftest import Stack

PROCESSES = Path("/proc")
MARK = "KILL_TEST"
HOSTS = ("-m pulumi.dynamic", "pulumi_openai_ft.host")
"""Texts in the command lines of Pulumi's own host and of this package's host."""
COMMAND_TIMEOUT = 120.0
MAX_ORPHAN_TIME = 45.0
QUIET = 1.5
"""Seconds without a request after which an orphaned host counts as finished."""


class Service:
    """An emulator in its own process, which keeps its folder and port across restarts."""

    def __init__(self, data: Path, job_seconds: int) -> None:
        emulator = [sys.executable, "-m", "pulumi_openai_ft.emulator", "--data", str(data)]
        pace = ["--speed", "1", "--job-seconds", str(job_seconds)]
        self._command = [*emulator, "--today", str(TODAY), *pace]
        self._process, self.url = self._start("0")
        no_certificates = SSLContext(PROTOCOL_TLS_CLIENT)  # loading them would take most of a request's time
        self._client = httpx.Client(trust_env=False, verify=no_certificates, timeout=10)

    def _start(self, port: str) -> tuple[subprocess.Popen[str], str]:
        command = [*self._command, "--port", port]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().rstrip("\n")
        assert url, f"the emulator did not start on port {port}"
        return process, url

    def kill_and_restart(self) -> None:
        self._end()
        self._process, _ = self._start(str(httpx.URL(self.url).port))

    def close(self) -> None:
        self._client.close()
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def delay(self, method: str, path: str, *, skip: int, acts: bool, seconds: float) -> None:
        """Delay the response to a request, or the request itself unless the service `acts` first."""
        spec = {"method": method, "path": path, "skip": skip, "times": 1}
        self._control("POST", "faults", json={**spec, "action": "hang", "acts": acts, "seconds": seconds})

    def reject(self, method: str, path: str, *, retry_after: int) -> None:
        """Reject a request, to be retried after a number of seconds."""
        action = {"action": "status", "status": 429, "headers": {"retry-after": str(retry_after)}}
        self._control("POST", "faults", json={"method": method, "path": path, "times": 1, **action})

    def fault_was_hit(self) -> bool:
        """Return whether a request was delayed or rejected."""
        return any(fault["struck"] for fault in self._control("GET", "faults")["faults"])

    def clear_faults(self) -> None:
        self._control("DELETE", "faults")

    def wait_until_quiet(self) -> None:
        """Wait until no more requests arrive."""
        deadline, requests_before, since = time.monotonic() + MAX_ORPHAN_TIME, -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            assert time.monotonic() < deadline, "an orphaned host keeps sending requests to the emulator"
            time.sleep(0.1)
            requests = sum(self._control("GET", "counts")["counts"].values())
            if requests != requests_before:
                requests_before, since = requests, time.monotonic()

    def jobs(self) -> list[dict[str, Any]]:
        return list(self._control("GET", "objects/jobs")["jobs"])

    def files(self) -> list[dict[str, Any]]:
        """Return the uploaded training files."""
        files = self._control("GET", "objects/files")["files"]
        return [file for file in files if file["purpose"] == "fine-tune"]

    def permissions(self) -> list[dict[str, Any]]:
        return list(self._control("GET", "objects/permissions")["permissions"])

    def cancel_externally(self, job_id: str) -> None:
        """Cancel a job as another user of the key, outside of the stack."""
        key = {"authorization": f"Bearer {API_KEY}"}
        self._client.post(f"{self.url}/fine_tuning/jobs/{job_id}/cancel", headers=key).raise_for_status()

    def _control(self, method: str, route: str, **body: Any) -> dict[str, Any]:
        address = f"{self.url.removesuffix('/v1')}/_emulator/{route}"
        response: dict[str, Any] = self._client.request(method, address, **body).raise_for_status().json()
        return response


class Command:
    """A running engine command. Its child processes, including orphans, inherit a mark in the environment."""

    def __init__(self, stack: Stack, log: Path, arguments: Sequence[str]) -> None:
        mark = uuid4().hex
        self._mark = f"{MARK}={mark}".encode()
        self.started = time.monotonic()
        with log.open("w") as output:
            self._engine = subprocess.Popen(
                ["pulumi", *arguments, "--yes", "--skip-preview", "--non-interactive", "--color=never"],
                cwd=stack.folder,
                env={**stack.environment, MARK: mark},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_over(self) -> bool:
        return self._engine.poll() is not None

    def kill_engine(self) -> bool:
        """Kill the engine unless the command is over; its child processes keep running for a while."""
        if self.is_over:
            return False
        self._engine.kill()
        return True

    def kill_host(self) -> bool:
        """Wait for the process that runs the providers and kill it, unless the command ends before."""
        while not self.is_over:
            if hosts := [pid for pid, line in self._alive().items() if any(map(line.__contains__, HOSTS))]:
                return _killed(hosts[0])
            time.sleep(0.01)
        return False

    def wait(self) -> float:
        """Wait until the engine ends, and return the duration of the command in seconds."""
        self._engine.wait(COMMAND_TIMEOUT)
        return time.monotonic() - self.started

    def kill_leftovers(self) -> None:
        for pid in self._alive():
            _killed(pid)
        self._engine.wait(COMMAND_TIMEOUT)

    def _alive(self) -> dict[int, str]:
        """Return the command lines of the running processes of the command, by process id."""
        found = {}
        for folder in PROCESSES.glob("[0-9]*"):
            if self._mark in _read(folder / "environ").split(b"\0"):
                found[int(folder.name)] = _read(folder / "cmdline").replace(b"\0", b" ").decode()
        return found


def wait_for(condition: Callable[[], bool], command: Command) -> bool:
    """Wait for a condition; return False if the command ended before."""
    while not command.is_over:
        if condition():
            return True
        time.sleep(0.01)
    return False


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _read(file: Path) -> bytes:
    """Return the content of a process's file, or b"" if it ended or belongs to another user."""
    try:
        return file.read_bytes()
    except OSError:
        return b""

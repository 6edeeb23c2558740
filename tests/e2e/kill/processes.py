"""What a kill test kills: an emulator whose books survive it, and a command with all that it has started."""

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
"""What the command lines of Pulumi's own host and of ours hold."""
LONGEST_COMMAND = 120.0
LONGEST_NOISE = 45.0
QUIET = 1.5
"""Seconds without a request after which an orphaned host has done what it was doing."""


class Service:
    """An emulator in a process of its own, on a folder and a port that it gets again when it is started again."""

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

    def kill_and_start_again(self) -> None:
        self._end()
        self._process, _ = self._start(str(httpx.URL(self.url).port))

    def close(self) -> None:
        self._client.close()
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def hold_back(self, method: str, path: str, *, skip: int, acts: bool, seconds: float) -> None:
        """Holds the answer to one request back, or, unless it `acts` first, the request itself."""
        spec = {"method": method, "path": path, "skip": skip, "times": 1}
        self._control("POST", "faults", json={**spec, "action": "hang", "acts": acts, "seconds": seconds})

    def refuse(self, method: str, path: str, *, again_after: int) -> None:
        """Refuses one request for so many seconds."""
        answer = {"action": "status", "status": 429, "headers": {"retry-after": str(again_after)}}
        self._control("POST", "faults", json={"method": method, "path": path, "times": 1, **answer})

    def has_struck(self) -> bool:
        """Whether a request was held back or refused."""
        return any(fault["struck"] for fault in self._control("GET", "faults")["faults"])

    def hold_nothing_back(self) -> None:
        self._control("DELETE", "faults")

    def wait_until_quiet(self) -> None:
        """Waits until nobody asks for anything any more."""
        deadline, seen, since = time.monotonic() + LONGEST_NOISE, -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            assert time.monotonic() < deadline, "an orphan asks the emulator again and again"
            time.sleep(0.1)
            asked = sum(self._control("GET", "counts")["counts"].values())
            if asked != seen:
                seen, since = asked, time.monotonic()

    def jobs(self) -> list[dict[str, Any]]:
        return list(self._control("GET", "objects/jobs")["jobs"])

    def files(self) -> list[dict[str, Any]]:
        """The files that somebody uploaded."""
        files = self._control("GET", "objects/files")["files"]
        return [file for file in files if file["purpose"] == "fine-tune"]

    def permissions(self) -> list[dict[str, Any]]:
        return list(self._control("GET", "objects/permissions")["permissions"])

    def cancel_elsewhere(self, job_id: str) -> None:
        """Cancels a job as somebody does who has the key and not the stack."""
        key = {"authorization": f"Bearer {API_KEY}"}
        self._client.post(f"{self.url}/fine_tuning/jobs/{job_id}/cancel", headers=key).raise_for_status()

    def _control(self, method: str, route: str, **body: Any) -> dict[str, Any]:
        address = f"{self.url.removesuffix('/v1')}/_emulator/{route}"
        answer: dict[str, Any] = self._client.request(method, address, **body).raise_for_status().json()
        return answer


class Command:
    """A running command of the engine. What it starts inherits a mark in the environment, orphans included."""

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
        """Kills the engine, unless the command is over; what it has started lives on for a while."""
        if self.is_over:
            return False
        self._engine.kill()
        return True

    def kill_host(self) -> bool:
        """Kills the process that runs the providers, waiting until there is one, unless the command is over."""
        while not self.is_over:
            if hosts := [pid for pid, line in self._alive().items() if any(map(line.__contains__, HOSTS))]:
                return _killed(hosts[0])
            time.sleep(0.01)
        return False

    def wait(self) -> float:
        """Waits for the engine's end; gives the seconds that the command took."""
        self._engine.wait(LONGEST_COMMAND)
        return time.monotonic() - self.started

    def kill_leftovers(self) -> None:
        for pid in self._alive():
            _killed(pid)
        self._engine.wait(LONGEST_COMMAND)

    def _alive(self) -> dict[int, str]:
        """Command lines of the command's living processes."""
        found = {}
        for folder in PROCESSES.glob("[0-9]*"):
            if self._mark in _read(folder / "environ").split(b"\0"):
                found[int(folder.name)] = _read(folder / "cmdline").replace(b"\0", b" ").decode()
        return found


def wait_for(what: Callable[[], bool], command: Command) -> bool:
    """Waits for it, unless the command is over before."""
    while not command.is_over:
        if what():
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
    """A process's file, empty for one that has ended or is not ours."""
    try:
        return file.read_bytes()
    except OSError:
        return b""

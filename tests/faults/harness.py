"""The harness of the fault tests: an emulator, providers that use it, and a fake clock."""

from __future__ import annotations

import math
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import Config, ConfigureRequest
from tests.fake_clock import FakeClock
from tests.fake_host import FakeHost
from tests.support import ADMIN_KEY, API_KEY, TODAY

from pulumi_openai_ft._client import client as _api
from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._program import stack_config
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.file_manager import FileManager
from pulumi_openai_ft._provider.upload.resume_store import ResumeStore
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.emulator import Clock, Emulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.support import SomeProvider

    from pulumi_openai_ft.emulator.request_log import JournalEntry

PATIENT, IMPATIENT = 20.0, 0.25
"""Real seconds that a client waits for a response; the shorter time is for faults without a response."""
QUICK, SLOW, ENDLESS = 2.0, 1200.0, 100_000.0
"""Simulated seconds that a job trains."""
LARGE = "0.0025"
"""Megabytes above which a file is uploaded in parts: between the sizes of 13 and 20 rows."""
LIVE, PAUSED = "live", "paused"
SETTINGS_BY_MODE = {"openai": {}, "azure": {"service": "azure", "query": "api-version=preview"}}
"""Settings of a stack for each mode of the emulator in which the matrix runs."""
_OUTCOMES = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}
_OUTCOMES |= {"pausing": PAUSED, "paused": PAUSED}


class RecordingClient(Client):
    """A client that records the names of the endpoints that are used."""

    def __init__(self, settings: Settings, time: TimeSource, used: set[str]) -> None:
        super().__init__(settings, time)
        self.used = used

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "used":
            self.used.add(name)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Contents:
    """The objects of a service.

    Attributes:
        jobs: The outcomes of its jobs.
        files: The number of training files.
        permissions: The projects with a permission.
        models: The number of fine-tuned models."""

    jobs: tuple[str, ...] = ()
    files: int = 0
    permissions: frozenset[str] = frozenset()
    models: int = 0


@dataclass
class Harness:
    """A service as the programs of a stack use it.

    Attributes:
        folder: The folder for the local files.
        clock: The clock of the service and of all providers.
        messages: Messages of providers to the user.
        operations: Operations of providers that have run, for example `FileProvider.create`.
        used: Names of the methods of `Client` that have been used.
        timeout: Real seconds that providers wait for a response.
        base_url: The URL to use instead of the service's.
        mode: The emulator's mode after a reset.
        settings: More settings of the stack.
    """

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    messages: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    timeout: float = PATIENT
    base_url: str | None = None
    mode: str = "openai"
    settings: dict[str, str] = field(default_factory=dict)
    _opened: list[Client] = field(default_factory=list)

    @cached_property
    def service(self) -> Emulator:
        return Emulator(today=TODAY, clock=Clock(speed=1.0, source=lambda: self.clock.now))

    @property
    def ledger(self) -> ResumeStore:
        """The resumable uploads that this machine has recorded."""
        return ResumeStore(self.folder / "ledger")

    def close(self) -> None:
        """Close the connections of all providers."""
        while self._opened:
            self._opened.pop().close()

    def reset(self) -> None:
        self.close()
        self.clock.now = math.ceil(
            self.clock.now
        )  # start at a whole second, because the service counts whole seconds
        self.service.reset()
        self.service.settings.job_seconds = QUICK
        self.messages.clear()
        self.settings.clear()
        self.settings.update(SETTINGS_BY_MODE[self.mode])
        self.service.settings.mode = self.mode
        shutil.rmtree(self.ledger.folder, ignore_errors=True)
        self.clear_faults()

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.service.clear_faults()
        self.timeout, self.base_url = PATIENT, None

    @property
    def config(self) -> dict[str, str]:
        settings = {
            "apiKey": API_KEY,
            "adminKey": ADMIN_KEY,
            "baseUrl": self.base_url or self.service.url,
            "timeout": str(self.timeout),
            "pollInterval": "60",
            "maxRetries": "2",
            "multipartThreshold": LARGE,
            **self.settings,
        }
        return {f"openai-ft:{key}": value for key, value in settings.items()}

    def provider(self, kind: type[SomeProvider]) -> SomeProvider:
        """Make a provider as in a new process, without caches of earlier commands."""
        made = kind()
        made.configure(ConfigureRequest(Config(self.config, "tests")))
        made.host = FakeHost(time=self.clock.time, messages=self.messages)
        made.api = self.client(made.settings)
        if isinstance(made, FileProvider):
            made.files = FileManager(made.api, made.host, resume_store=self.ledger)
        return made

    def client(self, settings: Settings) -> Client:
        self._opened.append(RecordingClient(settings, self.clock.time, self.used))
        return self._opened[-1]

    @contextmanager
    def program(self) -> Iterator[None]:
        """Let functions that a program calls use this service."""
        pulumi.runtime.set_all_config(self.config)
        settings = Settings.resolve(stack_config.config)
        _api._connected[settings, REAL_TIME] = self.client(settings)
        try:
            yield
        finally:
            _api._connected.pop((settings, REAL_TIME)).close()
            pulumi.runtime.set_all_config({})

    def calls(self, after: int) -> list[JournalEntry]:
        """Return the requests after that request number."""
        return self.service.journal(after=after)

    @property
    def latest(self) -> int:
        """The number of the last request, or 0."""
        entries = self.service.journal()
        return entries[-1].number if entries else 0

    def contents(self) -> Contents:
        """Return the objects of the service."""
        files = [file for file in self.service.files() if file["purpose"] == "fine-tune"]
        permissions = [permission["project_id"] for permission in self.service.permissions()]
        assert len(permissions) == len(set(permissions))
        return Contents(
            outcomes(self.service.jobs()), len(files), frozenset(permissions), len(self.service.models())
        )


def outcomes(jobs: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(_OUTCOMES.get(job["status"], LIVE) for job in jobs))

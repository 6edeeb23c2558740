"""A service, its books, and a time that passes only while somebody sleeps."""

from __future__ import annotations

import math
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
from pulumi.dynamic import Config, ConfigureRequest
from tests.support import ADMIN_KEY, API_KEY, TODAY

from pulumi_openai_ft._client import client as _api
from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.rate_limit import RateLimiter
from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._program import stack_config
from pulumi_openai_ft._provider.base import Provider
from pulumi_openai_ft._provider.file_manager import FileManager
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.manager import JobManager
from pulumi_openai_ft._provider.permission_manager import PermissionManager
from pulumi_openai_ft._provider.upload.resume_store import ResumeStore
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.emulator import Clock, Emulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator.request_log import JournalEntry

SomeProvider = TypeVar("SomeProvider", bound=Provider)
PATIENT, IMPATIENT = 20.0, 0.25
"""Real seconds that a client waits for an answer; the latter only where an answer is not to come."""
QUICK, SLOW, ENDLESS = 2.0, 1200.0, 100_000.0
"""Simulated seconds that a job trains."""
LARGE = "0.0025"
"""Megabytes above which a file goes in parts: fewer than 20 rows have, and more than 13."""
LIVE, PAUSED = "live", "paused"
_STANDING = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled"}
_STANDING |= {"pausing": PAUSED, "paused": PAUSED}


@dataclass
class SleptTime:
    """Time of a single thread: it passes only while that sleeps."""

    now: float = field(default_factory=time.time)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def time(self) -> TimeSource:
        return TimeSource(clock=lambda: self.now, sleep=self.sleep, wall=lambda: self.now)


@dataclass(kw_only=True)
class Listener(Host):
    """A host that remembers what it was told."""

    said: list[str]

    def info(self, message: str) -> None:
        self.said.append(message)


class WatchedApi(Client):
    """The API over slept time; it notes which endpoints are asked for."""

    def __init__(self, settings: Settings, time: TimeSource, used: set[str]) -> None:
        super().__init__(settings)
        self.used = used
        self._project = Session(settings, time=time)
        self._admin = Session(settings, admin=True, time=time, limiter=RateLimiter(time))

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "used":
            self.used.add(name)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Left:
    """What a service holds: how its jobs stand, its training files, grants and models."""

    jobs: tuple[str, ...] = ()
    files: int = 0
    grants: frozenset[str] = frozenset()
    models: int = 0

    def exceeds(self, other: Left) -> bool:
        """Whether there is anything that the other does not hold, whatever becomes of its jobs."""
        return len(self.jobs) > len(other.jobs) or self.files > other.files or not self.grants <= other.grants


@dataclass
class World:
    """One service, as programs of one stack see it.

    Attributes:
        folder: Where local files lie.
        time: What its clock and all providers go by.
        said: What providers told the user.
        operations: Operations of providers that were carried out, as `FileProvider.create`.
        used: Endpoints that were asked for, as methods of `Api`.
        timeout: Real seconds that providers wait for an answer.
        base_url: Another service than this one.
    """

    folder: Path
    time: SleptTime = field(default_factory=SleptTime)
    said: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    timeout: float = PATIENT
    base_url: str | None = None
    _opened: list[Client] = field(default_factory=list)

    @cached_property
    def service(self) -> Emulator:
        return Emulator(today=TODAY, clock=Clock(speed=1.0, source=lambda: self.time.now))

    @property
    def ledger(self) -> ResumeStore:
        """What the machine remembers that all commands run on."""
        return ResumeStore(self.folder / "ledger")

    def close(self) -> None:
        """Closes the connections of all providers."""
        while self._opened:
            self._opened.pop().close()

    def reset(self) -> None:
        self.close()
        self.time.now = math.ceil(
            self.time.now
        )  # the service counts whole seconds, so they begin alike each time
        self.service.reset()
        self.service.settings.job_seconds = QUICK
        self.said.clear()
        shutil.rmtree(self.ledger.folder, ignore_errors=True)
        self.be_kind()

    def be_kind(self) -> None:
        """Ends all trouble."""
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
        }
        return {f"openai-ft:{key}": value for key, value in settings.items()}

    def provider(self, kind: type[SomeProvider]) -> SomeProvider:
        """A provider as in a process of its own, which remembers nothing of earlier commands."""
        made = kind()
        made.configure(ConfigureRequest(Config(self.config, "tests")))
        api, host = self.api(made.settings), Listener(said=self.said, time=self.time.time)
        files = FileManager(api, host, ledger=self.ledger)
        parts = {"files": files, "jobs": JobManager(api, host), "grants": PermissionManager(api, host)}
        vars(made).update(parts, api=api, host=host)
        return made

    def api(self, settings: Settings) -> Client:
        self._opened.append(WatchedApi(settings, self.time.time, self.used))
        return self._opened[-1]

    @contextmanager
    def program(self) -> Iterator[None]:
        """Lets functions that a program calls see this service, as a running program does."""
        pulumi.runtime.set_all_config(self.config)
        settings = Settings.resolve(stack_config.config)
        _api._connected[settings, REAL_TIME] = self.api(settings)
        try:
            yield
        finally:
            _api._connected.pop((settings, REAL_TIME)).close()
            pulumi.runtime.set_all_config({})

    def calls(self, after: int) -> list[JournalEntry]:
        """The requests after the one of that number."""
        return self.service.journal(after=after)

    @property
    def latest(self) -> int:
        """The number of the last request."""
        entries = self.service.journal()
        return entries[-1].number if entries else 0

    def left(self) -> Left:
        """What is in the service's books."""
        files = [file for file in self.service.files() if file["purpose"] == "fine-tune"]
        grants = [grant["project_id"] for grant in self.service.permissions()]
        assert len(grants) == len(set(grants))
        return Left(standing(self.service.jobs()), len(files), frozenset(grants), len(self.service.models()))


def standing(jobs: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(_STANDING.get(job["status"], LIVE) for job in jobs))

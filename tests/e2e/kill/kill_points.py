"""The points at which a process is killed: after a part of the command's usual duration, or at a request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.kill.processes import wait_for

if TYPE_CHECKING:
    from random import Random

    from tests.e2e.kill.processes import Command, Service

DELAY = 1.0
"""Seconds that a request is delayed. It is shorter than `processes.QUIET`, or an orphan would seem to be finished."""
MAX_LINGER = 0.3


@dataclass(frozen=True)
class AtTime:
    """A number of seconds after the command's start."""

    seconds: float

    def prepare(self, service: Service) -> None:
        service.clear_faults()

    def wait(self, command: Command, _service: Service) -> bool:
        """Wait for the kill point; return False if the command ended before."""
        return wait_for(lambda: time.monotonic() - command.started >= self.seconds, command)


@dataclass(frozen=True)
class AtRequest:
    """During a request, before or after the service acted on it."""

    method: str
    path: str
    skip: int
    acts: bool
    linger: float = 0.0

    @classmethod
    def choose_randomly(cls, random: Random, requests: tuple[tuple[str, str], ...]) -> AtRequest:
        method, path = random.choice(requests)
        linger = random.uniform(0, MAX_LINGER)
        return cls(method, path, random.choice((0, 1)), random.choice((True, False)), linger)

    def prepare(self, service: Service) -> None:
        service.clear_faults()
        service.delay(self.method, self.path, skip=self.skip, acts=self.acts, seconds=DELAY)

    def wait(self, command: Command, service: Service) -> bool:
        """Wait for the kill point; return False if the command ended before."""
        reached = wait_for(service.fault_was_hit, command)
        time.sleep(self.linger)
        return reached


@dataclass(frozen=True)
class AtRejection:
    """After a request was rejected, which the client retries after a number of seconds."""

    method: str
    path: str
    retry_after: int

    def prepare(self, service: Service) -> None:
        service.clear_faults()
        service.reject(self.method, self.path, retry_after=self.retry_after)

    def wait(self, command: Command, service: Service) -> bool:
        """Wait for the kill point; return False if the command ended before."""
        return wait_for(service.fault_was_hit, command)


KillPoint = AtTime | AtRequest | AtRejection

"""When a victim dies: after a part of the command's usual time, or at a request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.kill.processes import wait_for

if TYPE_CHECKING:
    from random import Random

    from tests.e2e.kill.processes import Command, Service

HELD_BACK = 1.0
"""Seconds that a request is held back; shorter than `processes.QUIET`, or an orphan would seem to be done."""
LONGEST_LINGER = 0.3


@dataclass(frozen=True)
class AtTime:
    """So many seconds after the command's start."""

    seconds: float

    def prepare(self, service: Service) -> None:
        service.hold_nothing_back()

    def wait(self, command: Command, _service: Service) -> bool:
        """Waits for the moment; False if the command is over before."""
        return wait_for(lambda: time.monotonic() - command.started >= self.seconds, command)


@dataclass(frozen=True)
class AtRequest:
    """While a request is on its way, before or after it took effect at the service."""

    method: str
    path: str
    skip: int
    acts: bool
    linger: float = 0.0

    @classmethod
    def drawn(cls, random: Random, requests: tuple[tuple[str, str], ...]) -> AtRequest:
        method, path = random.choice(requests)
        linger = random.uniform(0, LONGEST_LINGER)
        return cls(method, path, random.choice((0, 1)), random.choice((True, False)), linger)

    def prepare(self, service: Service) -> None:
        service.hold_nothing_back()
        service.hold_back(self.method, self.path, skip=self.skip, acts=self.acts, seconds=HELD_BACK)

    def wait(self, command: Command, service: Service) -> bool:
        """Waits for the moment; False if the command is over before."""
        seen = wait_for(service.has_struck, command)
        time.sleep(self.linger)
        return seen


@dataclass(frozen=True)
class AtRefusal:
    """Once a request was refused for now, and is to be made again after so many seconds."""

    method: str
    path: str
    again_after: int

    def prepare(self, service: Service) -> None:
        service.hold_nothing_back()
        service.refuse(self.method, self.path, again_after=self.again_after)

    def wait(self, command: Command, service: Service) -> bool:
        """Waits for the moment; False if the command is over before."""
        return wait_for(service.has_struck, command)


Moment = AtTime | AtRequest | AtRefusal

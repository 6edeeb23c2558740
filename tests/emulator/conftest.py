from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.emulator.support import ADMIN_KEY, JOB_SECONDS, KEY, NO_CERTIFICATES, Api, connect
from tests.support import TODAY

from pulumi_openai_ft.emulator import Clock, Emulator, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def _server() -> Iterator[Emulator]:
    with Emulator(clock=Clock.manual(), today=TODAY, job_seconds=JOB_SECONDS) as running:
        yield running


@pytest.fixture
def emulator(_server: Emulator) -> Emulator:
    """Return an empty emulator, whose time passes only in `advance`."""
    _server.reset()
    _server.backend.keyring.clear()
    for name, value in asdict(Settings(today=TODAY, job_seconds=JOB_SECONDS)).items():
        setattr(_server.settings, name, value)
    return _server


@pytest.fixture
def open_client() -> Iterator[Callable[..., Api]]:
    """Create clients: `open_client(emulator, key, **headers)`."""
    clients: list[Api] = []

    def make(emulator: Emulator, key: str = KEY, **headers: str) -> Api:
        clients.append(connect(emulator, key, **headers))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def api(emulator: Emulator, open_client: Callable[..., Api]) -> Api:
    """Return a client with a project key."""
    return open_client(emulator)


@pytest.fixture
def admin(emulator: Emulator, open_client: Callable[..., Api]) -> Api:
    """Return a client with an admin key."""
    return open_client(emulator, ADMIN_KEY)


@pytest.fixture
def control(emulator: Emulator) -> Iterator[httpx.Client]:
    """Create a client of the control routes, which need no key."""
    base = emulator.url.removesuffix("/v1")
    with httpx.Client(base_url=f"{base}/_emulator", trust_env=False, verify=NO_CERTIFICATES) as client:
        yield client

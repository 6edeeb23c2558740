from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import connect
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def api(service: Emulator) -> Iterator[Api]:
    """Return a bare client with a project key."""
    with connect(service, API_KEY) as client:
        yield client


@pytest.fixture
def admin(service: Emulator) -> Iterator[Api]:
    """Return a bare client with an admin key."""
    with connect(service, ADMIN_KEY) as client:
        yield client


@pytest.fixture
def settings(service: Emulator) -> Settings:
    return Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url)


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    """Return the client of the commands."""
    with closing(Client(settings)) as found:
        yield found

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import WALL, FakeClock
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """Open sessions with an emulator, and close them after the test."""
    sessions: list[Session] = []

    def make(
        service: Emulator, *, admin: bool = False, clock: FakeClock | None = None, **settings: Any
    ) -> Session:
        resolved = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, **settings)
        sessions.append(Session(resolved, admin=admin, time=(clock or FakeClock(WALL)).time))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()

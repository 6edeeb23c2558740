from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import WALL, FakeClock
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.http import Http
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def opened() -> Iterator[Callable[..., Http]]:
    """Makes connections to a service over the wire, and closes them."""
    made: list[Http] = []

    def make(
        service: Emulator, *, admin: bool = False, sleeper: FakeClock | None = None, **settings: Any
    ) -> Http:
        known = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, **settings)
        made.append(Http(known, admin=admin, time=(sleeper or FakeClock(WALL)).time))
        return made[-1]

    yield make
    for http in made:
        http.close()

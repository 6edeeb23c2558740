from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.faults.harness import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("faults"))
    with made.service, closing(made):
        yield made


@pytest.fixture
def world(_world: World) -> World:
    """A service without trouble and with empty books."""
    _world.reset()
    return _world

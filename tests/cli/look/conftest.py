from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import connect
from tests.support import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def _no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder without a project, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    return tmp_path


@pytest.fixture
def at_service(_no_project: Path, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Use the emulator whose jobs finish at the first request for them."""
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    return service


@pytest.fixture
def api(at_service: Emulator) -> Iterator[Api]:
    with connect(at_service) as client:
        yield client


@pytest.fixture
def at_slow_service(_no_project: Path, slow_service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Use the emulator whose time moves only when the test advances it."""
    monkeypatch.setenv("OPENAI_BASE_URL", slow_service.url)
    return slow_service

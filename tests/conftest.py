from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from tests.e2e.kill.summary import pytest_terminal_summary  # noqa: F401 - a hook
from tests.support import ADMIN_KEY, API_KEY, REINFORCEMENT_DAY, TODAY, write_training_data

from pulumi_openai_ft._shared.clock import TODAY_VARIABLE
from pulumi_openai_ft.emulator import Clock, Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Configure, SomeProvider

    from pulumi_openai_ft._provider.base import Provider
    from pulumi_openai_ft._provider.host_interface import Host

# A shell ignores SIGINT for background jobs, which child processes inherit. The child processes of tests need it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Unit tests take seconds; `HYPOTHESIS_PROFILE=thorough` tries more examples.
hypothesis.settings.register_profile("quick", max_examples=25, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse a name that differs in each process, because the workers of pytest-xdist compare their lists of tests."""
    if " at 0x" in item.nodeid:
        raise pytest.UsageError(f"{item.nodeid} contains the address of an object; give this parameter an id")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Isolate tests from the settings and caches of the user who runs them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "PULUMI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(TODAY_VARIABLE, str(TODAY))


@pytest.fixture(scope="session")
def _instant_emulator() -> Iterator[Emulator]:
    with Emulator(today=TODAY) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def _manual_emulator() -> Iterator[Emulator]:
    with Emulator(today=TODAY, clock=Clock.manual()) as emulator:
        yield emulator


@pytest.fixture
def service(_instant_emulator: Emulator) -> Emulator:
    """An emulator whose jobs finish at the first request for them."""
    _instant_emulator.reset()
    return _instant_emulator


@pytest.fixture
def slow_service(_manual_emulator: Emulator) -> Emulator:
    """An emulator whose time moves only when the test advances it."""
    _manual_emulator.reset()
    return _manual_emulator


@pytest.fixture
def _every_method(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the emulator's date to one on which OpenAI trains by every method."""
    monkeypatch.setattr(service.settings, "today", REINFORCEMENT_DAY)


@pytest.fixture
def _free_account(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulator refuse contents of training files, as OpenAI does for free accounts."""
    monkeypatch.setattr(service.settings, "refused_contents", ("fine-tune",))


@pytest.fixture
def configure(service: Emulator) -> Iterator[Configure]:
    """Return a function that makes a provider configured for the emulator."""
    created: list[Provider] = []

    def make(kind: type[SomeProvider], host: Host | None = None, /, **changes: str | None) -> SomeProvider:
        config = {
            "apiKey": API_KEY,
            "adminKey": ADMIN_KEY,
            "baseUrl": service.url,
            "pollInterval": "0.01",
            **changes,
        }
        provider = kind()
        raw = {f"openai-ft:{key}": value for key, value in config.items() if value is not None}
        provider.configure(ConfigureRequest(Config(raw, "tests")))
        if host:
            provider.host = host
        created.append(provider)
        return provider

    yield make
    for provider in created:
        if "api" in vars(provider):
            provider.api.close()


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """A valid training file."""
    return write_training_data(tmp_path / "training.jsonl")

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from pulumi_openai_ft._provider import Provider
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

API_KEY = "sk-proj-tests-0123456789abcdef"
ADMIN_KEY = "sk-admin-tests-0123456789abcdef"
SomeProvider = TypeVar("SomeProvider", bound=Provider)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "PULUMI_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs are done at the first look."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def configure(service: Emulator) -> Callable[..., Any]:
    """Makes a provider that is configured as by a stack that uses the emulator."""

    def make(kind: type[SomeProvider], **changes: str | None) -> SomeProvider:
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
        return provider

    return make


@pytest.fixture
def training_data(tmp_path: Path) -> Path:
    """A file that trains well."""
    return write_training_data(tmp_path / "training.jsonl")


def write_training_data(path: Path, answer: str = "Reset it under Account.", rows: int = 12) -> Path:
    line = (
        '{{"messages":[{{"role":"user","content":"Question {n}: how do I reset my password?"}},'
        '{{"role":"assistant","content":"{answer}"}}]}}\n'
    )
    path.write_text("".join(line.format(n=n, answer=answer) for n in range(rows)))
    return path

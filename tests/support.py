"""Constants and helpers for tests."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pulumi_openai_ft.emulator.settings import DEFAULT_DAY

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft._provider.base import Provider
    from pulumi_openai_ft._provider.host_interface import Host

SomeProvider = TypeVar("SomeProvider", bound="Provider")

TODAY = DEFAULT_DAY
"""The date of the emulator, and of everything that tests run."""
REINFORCEMENT_DAY = date(2026, 10, 1)
"""A date in the emulator on which OpenAI still has a model for reinforcement training."""
API_KEY = "sk-proj-tests-0123456789abcdef"
ADMIN_KEY = "sk-admin-tests-0123456789abcdef"


def write_training_data(path: Path, answer: str = "Reset it under Account.", rows: int = 12) -> Path:
    line = (
        '{{"messages":[{{"role":"user","content":"Question {n}: how do I reset my password?"}},'
        '{{"role":"assistant","content":"{answer}"}}]}}\n'
    )
    path.write_text("".join(line.format(n=n, answer=answer) for n in range(rows)))
    return path


def parameter_id(value: Any) -> str:
    """Return a test id that is the same in every process, without the addresses of unknown values."""
    return re.sub(r"<[\w.]*Unknown object at \w+>", "unknown", repr(value))


class Configure(Protocol):
    """A function that makes a provider configured for the emulator."""

    def __call__(
        self, kind: type[SomeProvider], host: Host | None = None, /, **changes: str | None
    ) -> SomeProvider:
        """Make a provider in `host`; `changes` overrides settings, and None removes a setting."""

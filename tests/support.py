"""What tests share besides fixtures."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.settings import DEFAULT_DAY

if TYPE_CHECKING:
    from pathlib import Path

TODAY = DEFAULT_DAY
"""The day of the emulator, and of all that the tests run, whatever the real day is."""
REINFORCEMENT_DAY = date(2026, 10, 1)
"""A day in the emulator on which OpenAI still has a model for reinforcement training."""
API_KEY = "sk-proj-tests-0123456789abcdef"
ADMIN_KEY = "sk-admin-tests-0123456789abcdef"


def write_training_data(path: Path, answer: str = "Reset it under Account.", rows: int = 12) -> Path:
    line = (
        '{{"messages":[{{"role":"user","content":"Question {n}: how do I reset my password?"}},'
        '{{"role":"assistant","content":"{answer}"}}]}}\n'
    )
    path.write_text("".join(line.format(n=n, answer=answer) for n in range(rows)))
    return path


def shown(value: Any) -> str:
    """A parameter's name that is the same in every process: unknown values have an address in their repr."""
    return re.sub(r"<[\w.]*Unknown object at \w+>", "unknown", repr(value))

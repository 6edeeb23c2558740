"""OpenAI fine-tuning as code, for Pulumi in Python.

Names are imported when they are first used, so that `openai-ft` and the emulator need not load Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
    from pulumi_openai_ft.errors import OpenAIFTError
    from pulumi_openai_ft.file import File
    from pulumi_openai_ft.fine_tuning_job import FineTuningJob
    from pulumi_openai_ft.functions import (
        FineTuningEvents,
        get_fine_tuning_events,
        get_fine_tuning_events_output,
    )

__all__ = [
    "File",
    "FineTuningCheckpointPermission",
    "FineTuningEvents",
    "FineTuningJob",
    "OpenAIFTError",
    "get_fine_tuning_events",
    "get_fine_tuning_events_output",
]

_MODULES = {
    "File": "file",
    "FineTuningCheckpointPermission": "checkpoint_permission",
    "FineTuningEvents": "functions",
    "FineTuningJob": "fine_tuning_job",
    "OpenAIFTError": "errors",
    "get_fine_tuning_events": "functions",
    "get_fine_tuning_events_output": "functions",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

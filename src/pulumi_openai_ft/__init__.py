"""OpenAI fine-tuning as code, for Pulumi in Python.

Names are imported when they are first used, so that `openai-ft` and the emulator need not load Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
    from pulumi_openai_ft.errors import OpenAIFTError
    from pulumi_openai_ft.file import File
    from pulumi_openai_ft.fine_tuned_model import FineTunedModel
    from pulumi_openai_ft.fine_tuning_job import FineTuningJob
    from pulumi_openai_ft.functions import (
        get_file,
        get_file_output,
        get_files,
        get_files_output,
        get_fine_tuning_checkpoint_permissions,
        get_fine_tuning_checkpoint_permissions_output,
        get_fine_tuning_checkpoints,
        get_fine_tuning_checkpoints_output,
        get_fine_tuning_events,
        get_fine_tuning_events_output,
        get_fine_tuning_job,
        get_fine_tuning_job_output,
        get_fine_tuning_jobs,
        get_fine_tuning_jobs_output,
        get_model,
        get_model_output,
        get_models,
        get_models_output,
    )

__all__ = [
    "File",
    "FineTunedModel",
    "FineTuningCheckpointPermission",
    "FineTuningJob",
    "OpenAIFTError",
    "get_file",
    "get_file_output",
    "get_files",
    "get_files_output",
    "get_fine_tuning_checkpoint_permissions",
    "get_fine_tuning_checkpoint_permissions_output",
    "get_fine_tuning_checkpoints",
    "get_fine_tuning_checkpoints_output",
    "get_fine_tuning_events",
    "get_fine_tuning_events_output",
    "get_fine_tuning_job",
    "get_fine_tuning_job_output",
    "get_fine_tuning_jobs",
    "get_fine_tuning_jobs_output",
    "get_model",
    "get_model_output",
    "get_models",
    "get_models_output",
]

_MODULES = {
    "File": "file",
    "FineTunedModel": "fine_tuned_model",
    "FineTuningCheckpointPermission": "checkpoint_permission",
    "FineTuningJob": "fine_tuning_job",
    "OpenAIFTError": "errors",
    "get_file": "functions",
    "get_file_output": "functions",
    "get_files": "functions",
    "get_files_output": "functions",
    "get_fine_tuning_checkpoint_permissions": "functions",
    "get_fine_tuning_checkpoint_permissions_output": "functions",
    "get_fine_tuning_checkpoints": "functions",
    "get_fine_tuning_checkpoints_output": "functions",
    "get_fine_tuning_events": "functions",
    "get_fine_tuning_events_output": "functions",
    "get_fine_tuning_job": "functions",
    "get_fine_tuning_job_output": "functions",
    "get_fine_tuning_jobs": "functions",
    "get_fine_tuning_jobs_output": "functions",
    "get_model": "functions",
    "get_model_output": "functions",
    "get_models": "functions",
    "get_models_output": "functions",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

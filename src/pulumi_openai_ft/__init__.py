"""OpenAI fine-tuning as code, for Pulumi in Python."""

from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
from pulumi_openai_ft.errors import OpenAIFTError
from pulumi_openai_ft.file import File
from pulumi_openai_ft.fine_tuning_job import FineTuningJob
from pulumi_openai_ft.functions import FineTuningEvents, get_fine_tuning_events, get_fine_tuning_events_output

__all__ = [
    "File",
    "FineTuningCheckpointPermission",
    "FineTuningEvents",
    "FineTuningJob",
    "OpenAIFTError",
    "get_fine_tuning_events",
    "get_fine_tuning_events_output",
]

"""Functions that look things up, and their twins that take and give outputs."""

from __future__ import annotations

import pulumi
from pydantic import BaseModel, ConfigDict

from pulumi_openai_ft import _program
from pulumi_openai_ft._api import connect
from pulumi_openai_ft._objects import Event
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import InputError

__all__ = ["FineTuningEvents", "get_fine_tuning_events", "get_fine_tuning_events_output"]


class FineTuningEvents(BaseModel):
    """Events of a job.

    Attributes:
        fine_tuning_job_id: The job.
        events: Its events, newest first.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    fine_tuning_job_id: str
    events: list[Event]


def get_fine_tuning_events(fine_tuning_job_id: str, *, limit: int | None = None) -> FineTuningEvents:
    """Events of a job, newest first.

    Source in the API: `GET /fine_tuning/jobs/{id}/events`.

    Args:
        fine_tuning_job_id: The job, `ftjob-…`.
        limit: How many events at the most; all by default.

    Raises:
        InputError: The service has no events.
        NotFoundError: There is no such job for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    settings = Settings.resolve(_program.config)
    if not settings.profile.offers("events"):
        raise InputError(settings.profile.missing("events"))
    events = list(connect(settings).events(fine_tuning_job_id, limit=limit))
    return FineTuningEvents(fine_tuning_job_id=fine_tuning_job_id, events=events)


def get_fine_tuning_events_output(
    fine_tuning_job_id: pulumi.Input[str], *, limit: pulumi.Input[int | None] = None
) -> pulumi.Output[FineTuningEvents]:
    """Like `get_fine_tuning_events`, for a job that the same program makes. Unknown while the job is."""
    arguments = pulumi.Output.all(fine_tuning_job_id, limit)
    return arguments.apply(lambda given: get_fine_tuning_events(given[0], limit=given[1]))

"""Events and the end of a job as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pulumi_openai_ft._provider.job.messages import failure
from pulumi_openai_ft.cli.look.styles import LEVEL_STYLES
from pulumi_openai_ft.cli.look.text import one_line, time_text

if TYPE_CHECKING:
    from pulumi_openai_ft._client.objects import Event, Job

LEVEL_WIDTH = 5


def event_text(event: Event) -> Text:
    """Return an event as a line: time, level, and message."""
    level = one_line(event.level)
    return Text.assemble(
        (time_text(event.created_at), "dim"),
        "  ",
        (f"{level:<{LEVEL_WIDTH}}", LEVEL_STYLES.get(level.lower(), "")),
        "  ",
        one_line(event.message or event.type or ""),
    )


def end_text(job: Job) -> str:
    """Return a message about the end of a job: its model, or the reason why it has none."""
    if job.status != "succeeded":
        return one_line(failure(job))
    return one_line(
        f"job {job.id} succeeded{f': model {job.fine_tuned_model}' if job.fine_tuned_model else ''}"
    )

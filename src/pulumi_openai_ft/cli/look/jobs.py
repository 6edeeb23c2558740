"""`openai-ft jobs`: a list of fine-tuning jobs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pulumi_openai_ft._client.refusals import UNSUPPORTED_STATUSES
from pulumi_openai_ft._metrics.event_metrics import metrics_of_events
from pulumi_openai_ft._program.functions import lookups
from pulumi_openai_ft._provider.job.poller import BEFORE_TRAINING
from pulumi_openai_ft._provider.job.validation import load_catalog
from pulumi_openai_ft._provider.progress.job_progress import EVENTS_WITH_METRICS, duration_text
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.cli.look.job_summary import JobSummary
from pulumi_openai_ft.cli.look.styles import STATUS_STYLES
from pulumi_openai_ft.cli.look.text import UNKNOWN, number_text, one_line, time_text
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import RequestError, ServiceError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

COLUMNS = ("id", "status", "model", "suffix", "created", "duration", "tokens", "USD", "loss")
OMITTED_FIRST = ("loss", "tokens", "duration", "USD", "created", "model")
"""Columns that a narrow terminal omits, the least important first."""
GAP = 2
RIGHT_ALIGNED = frozenset({"duration", "tokens", "USD", "loss"})


def run(arguments: argparse.Namespace) -> int:
    """Print the jobs.

    Returns:
        The exit code.

    Raises:
        OpenAIFTError: The settings are invalid, or a request failed.
    """
    with Selection.of(arguments).client() as api:
        found = _find(api, arguments)
        jobs = found[: arguments.limit]
        summaries = _summaries(api, jobs, with_loss=arguments.loss)
    if arguments.json:
        print(json.dumps([asdict(summary) for summary in summaries], indent=2, ensure_ascii=False))
    else:
        _print_table(summaries)
    if len(found) > len(jobs):
        note(f"the list ends after --limit {arguments.limit}; use a higher limit or --all to see more")
    return 0


def _find(api: Client, arguments: argparse.Namespace) -> list[Job]:
    """Return the jobs, and a further job if the limit omits any."""
    given: dict[str, Any] = {
        "status": arguments.status,
        "model": arguments.model,
        "metadata": dict(arguments.metadata) or None,
        "limit": None if arguments.limit is None else arguments.limit + 1,
    }
    checked = lookups.JOBS.check({name: value for name, value in given.items() if value is not None})
    return lookups.JOBS.run(api, checked, note).jobs


def _summaries(api: Client, jobs: Sequence[Job], *, with_loss: bool) -> list[JobSummary]:
    settings = api.settings
    catalog = load_catalog(settings)
    losses = _losses(api, jobs) if with_loss else {}
    now = api.service_time or REAL_TIME.wall()
    return [
        JobSummary.of(job, catalog=catalog, profile=settings.profile, now=now, loss=losses.get(job.id))
        for job in jobs
    ]


def _losses(api: Client, jobs: Sequence[Job]) -> dict[str, float | None]:
    """Return the last losses of the jobs that have begun to train, with a request for each of them."""
    profile = api.settings.profile
    no_effect = f"--loss has no effect: {profile.lacks_message('events')}"
    if not profile.supports("events"):
        note(no_effect)
        return {}
    started = [job.id for job in jobs if job.status not in BEFORE_TRAINING]
    note(
        f"--loss sends {len(started)} more request{'' if len(started) == 1 else 's'}, each for a job that has started"
    )
    try:
        return {job_id: _last_loss(api, job_id) for job_id in started}
    except ServiceError as error:  # of a service without events; others are reported per job
        note(f"{no_effect} (HTTP {error.status})")
        return {}


def _last_loss(api: Client, job_id: str) -> float | None:
    try:
        events = list(api.events(job_id, limit=EVENTS_WITH_METRICS, unreadable=[]))
    except RequestError as error:
        if isinstance(error, ServiceError) and error.status in UNSUPPORTED_STATUSES:
            raise
        note(f"the events of {job_id} cannot be read: {error}")
        return None
    losses = [row.train_loss for row in metrics_of_events(events) if row.train_loss is not None]
    return losses[-1] if losses else None


def _print_table(summaries: Sequence[JobSummary]) -> None:
    rows = [_cells(summary) for summary in summaries]
    if not rows:
        note("no jobs found")
    elif sys.stdout.isatty():
        _print_rich_table(rows)
    else:
        _print_plain_table(rows)


def _cells(job: JobSummary) -> tuple[str, ...]:
    """Return the texts of the columns."""
    texts = (
        job.id,
        job.status,
        job.model,
        job.suffix,
        time_text(job.created_at),
        None if job.duration_seconds is None else duration_text(job.duration_seconds),
        None if job.trained_tokens is None else f"{job.trained_tokens:,}",
        None if job.cost_usd is None else f"{job.cost_usd:,.2f}",
        number_text(job.train_loss),
    )
    return tuple(one_line(text) if text else UNKNOWN for text in texts)


def _print_rich_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print the columns that fit into the terminal, and name the others."""
    console = Console(highlight=False)
    shown = _fitting(rows, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for name in shown:
        table.add_column(
            name, justify="right" if name in RIGHT_ALIGNED else "left", no_wrap=True, overflow="ellipsis"
        )
    for row in rows:
        style = STATUS_STYLES.get(row[COLUMNS.index("status")], "")
        cells = dict(zip(COLUMNS, row, strict=True))
        table.add_row(*(Text(cells[name], style if name == "status" else "") for name in shown))
    console.print(table)
    if omitted := [name for name in COLUMNS if name not in shown]:
        note(f"the terminal is too narrow for the columns {', '.join(omitted)}; piped output has all of them")


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return the columns that fit into a width. The least important columns are omitted first."""
    widths = dict(zip(COLUMNS, _widths(rows), strict=True))
    for omitted in range(len(OMITTED_FIRST) + 1):
        shown = [name for name in COLUMNS if name not in OMITTED_FIRST[:omitted]]
        if sum(widths[name] + GAP for name in shown) - GAP <= width:
            break
    return shown


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(COLUMNS, *rows, strict=True)]


def _print_plain_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = _widths(rows)
    for line in (COLUMNS, *rows):
        cells = [
            cell.rjust(width) if name in RIGHT_ALIGNED else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, line, widths, strict=True)
        ]
        print((" " * GAP).join(cells).rstrip())

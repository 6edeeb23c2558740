"""`openai-ft events`: the events of a job, oldest first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from pulumi_openai_ft._client.event_order import newest_first
from pulumi_openai_ft._client.refusals import UNSUPPORTED_STATUSES
from pulumi_openai_ft.cli.look.event_lines import end_text, event_text
from pulumi_openai_ft.cli.look.following import JobFollower, exit_code
from pulumi_openai_ft.cli.look.interruption import announcing_interrupts
from pulumi_openai_ft.cli.look.job_choice import find_job
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError, ServiceError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event, Job

    Print = Callable[[Event], None]


def run(arguments: argparse.Namespace) -> int:
    """Print the events, and with `--follow` new events until the job ends.

    Returns:
        The exit code.

    Raises:
        OpenAIFTError: The settings are invalid, there is no such job, or a request failed.
    """
    selection = Selection.of(arguments)
    print_event = _print_json if arguments.json else _printer()
    with selection.client() as api:
        job = find_job(api, selection, arguments.job)
        if not api.settings.profile.supports("events"):
            raise InputError(api.settings.profile.lacks_message("events"))
        if arguments.follow:
            return _follow(api, job, arguments.limit, print_event)
        events = _read(api, job, arguments.limit)
    for event in reversed(events):
        print_event(event)
    return 0


def _read(api: Client, job: Job, limit: int | None) -> list[Event]:
    """Return the newest events, newest first."""
    try:
        return newest_first(api.events(job.id, limit=limit, unreadable=[]))
    except ServiceError as error:
        if error.status in UNSUPPORTED_STATUSES:
            raise InputError(api.settings.profile.lacks_message("events")) from error
        raise


def _follow(api: Client, job: Job, limit: int | None, print_event: Print) -> int:
    follower, is_first, outage = JobFollower(api, job), True, ""
    with announcing_interrupts(follower):
        for update in follower.updates():
            if update.missing:
                raise InputError(update.missing)
            events = update.events[-limit:] if is_first and limit else update.events
            for event in events:
                print_event(event)
            sys.stdout.flush()
            if update.outage and not outage:
                note(f"trying again: {update.outage}")
            is_first, outage = False, update.outage
    note(end_text(follower.job))
    return exit_code(follower.job)


def _printer() -> Print:
    return _print_rich if sys.stdout.isatty() else _print_plain


def _print_plain(event: Event) -> None:
    print(event_text(event).plain)


def _print_rich(event: Event) -> None:
    Console(highlight=False).print(event_text(event), soft_wrap=True)


def _print_json(event: Event) -> None:
    print(event.model_dump_json())

"""`openai-ft watch`: the progress of a job, in the terminal or as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.cli.look.event_lines import end_text
from pulumi_openai_ft.cli.look.following import JobFollower, exit_code
from pulumi_openai_ft.cli.look.interruption import announcing_interrupts
from pulumi_openai_ft.cli.look.job_choice import find_job, find_running
from pulumi_openai_ft.cli.look.snapshot import History
from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.look.view import JobView
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.stack_settings import Selection

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

REFRESHES_PER_SECOND = 2
TALLEST_FINAL_VIEW = 30
"""Rows of the picture that remains in the terminal when the job has ended."""


def run(arguments: argparse.Namespace) -> int:
    """Show a job until it ends.

    Returns:
        The exit code: 0 if the job succeeded, 1 if it failed or was cancelled.

    Raises:
        OpenAIFTError: The settings are invalid, there is no such job, or a request failed.
        KeyboardInterrupt: The user stopped watching.
    """
    selection = Selection.of(arguments)
    with selection.client() as api:
        name = arguments.job
        job = find_running(api, selection) if name is None else find_job(api, selection, name)
        return _watch(Console(highlight=False), api, job)


def _watch(console: Console, api: Client, job: Job) -> int:
    follower, history = JobFollower(api, job), History.of(api, job, REAL_TIME)
    with announcing_interrupts(follower):
        if console.is_terminal and not console.is_dumb_terminal:
            _show_live(console, follower, history)
        else:
            _print_changes(follower, history)
    note(end_text(follower.job))
    return exit_code(follower.job)


def _show_live(console: Console, follower: JobFollower, history: History) -> None:
    """Show the job on a separate screen, and leave the last picture in the terminal."""
    view = JobView(history.add(follower.read()))
    with Live(
        console=console,
        screen=True,
        get_renderable=lambda: view,
        refresh_per_second=REFRESHES_PER_SECOND,
    ) as live:
        for update in follower.updates():
            view = JobView(history.add(update))
            live.refresh()
    console.print(JobView(view.snapshot, min(console.height, TALLEST_FINAL_VIEW), is_live=False))


def _print_changes(follower: JobFollower, history: History) -> None:
    """Print a line for each change of the progress, and for each milestone and problem."""
    progress, shown = history.progress, ""
    noted: Sequence[str] = ()
    for update in follower.updates():
        snapshot = history.add(update)
        for milestone in progress.milestones():
            print(one_line(milestone), flush=True)
        if progress.stable_part() != shown:
            shown = progress.stable_part()
            print(progress.line(), flush=True)
        for problem in snapshot.notes:
            if problem not in noted:
                note(problem)
        noted = snapshot.notes

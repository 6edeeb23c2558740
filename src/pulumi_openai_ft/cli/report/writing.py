"""Reads the jobs of a report and writes its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft._provider.job.validation import load_catalog
from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.look.job_choice import find_jobs
from pulumi_openai_ft.cli.look.text import time_text
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.report import vega
from pulumi_openai_ft.cli.report.charts import picture_spec
from pulumi_openai_ft.cli.report.csv_table import csv_table
from pulumi_openai_ft.cli.report.curves import panels
from pulumi_openai_ft.cli.report.facts import Describer
from pulumi_openai_ft.cli.report.job_report import read_reports
from pulumi_openai_ft.cli.report.page import Heading, page
from pulumi_openai_ft.cli.report.stack_facts import StackFacts
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.cli.report.curves import Panel
    from pulumi_openai_ft.cli.report.job_report import JobReport

READABLE = 0o644
"""Permissions of a new file."""


def run(arguments: argparse.Namespace) -> int:
    """Write the files. Nothing is written if any of them cannot be created.

    Returns:
        The exit code.

    Raises:
        InputError: A job does not exist, or there is nothing to draw.
        RequestError: A request failed.
        OSError: A file cannot be written.
    """
    selection = Selection.of(arguments)
    with selection.client() as api:
        report = Report.of(api, find_jobs(api, selection, arguments.jobs), _facts(selection))
    contents = {path: report.content(path) for path in dict.fromkeys(arguments.output)}
    for sentence in report.missing:
        note(sentence)
    for path, content in contents.items():
        atomic_write(path, content, _mode(path))
        print(f"{path}: {report.size_text(content)}")
    return 0


@dataclass(frozen=True)
class Report:
    """A report on jobs.

    Attributes:
        settings: Settings of the service.
        jobs: The jobs, with the facts about them.
        panels: The charts.
        now: The service's time, in Unix seconds.
    """

    settings: Settings
    jobs: list[JobReport]
    panels: list[Panel]
    now: float

    @classmethod
    def of(cls, api: Client, jobs: list[Job], facts: StackFacts) -> Report:
        """Read everything that the report shows.

        Raises:
            RequestError: A request failed.
        """
        reports = read_reports(api, jobs, facts)
        marks = [mark for report in reports for mark in report.marks]
        drawn = panels([(report.label, report.rows) for report in reports], marks)
        return cls(api.settings, reports, drawn, api.service_time or REAL_TIME.wall())

    @property
    def title(self) -> str:
        """Return the title."""
        names = [job.label for job in self.jobs]
        return f"Training of {names[0]}" if len(names) == 1 else f"Comparison of {len(names)} training jobs"

    @property
    def missing(self) -> list[str]:
        """Return sentences about features that the service lacks."""
        return list(dict.fromkeys(sentence for job in self.jobs for sentence in job.missing))

    def content(self, path: Path) -> bytes:
        """Return the content of an output, in the format of its name.

        Raises:
            InputError: It is a picture, and there are no metrics to draw.
        """
        match path.suffix.lower():
            case ".csv":
                return csv_table(self.jobs).encode()
            case ".png":
                return self._picture(path)
            case _:
                return self._page().encode()

    def size_text(self, content: bytes) -> str:
        """Return the numbers of jobs and steps, and the size of an output."""
        steps = sum(len(job.rows) for job in self.jobs)
        jobs = f"{len(self.jobs)} job{'' if len(self.jobs) == 1 else 's'}"
        return f"{jobs}, {steps:,} steps, {len(content) / 1000:,.0f} kB"

    def _page(self) -> str:
        settings = self.settings
        describer = Describer(load_catalog(settings), settings.profile, self.now)
        heading = Heading(
            self.title, f"{settings.profile.name}, {settings.base_url}", f"{time_text(int(self.now))} UTC"
        )
        return page(heading, self.panels, [describer.section(job) for job in self.jobs])

    def _picture(self, path: Path) -> bytes:
        if not self.panels:
            raise InputError(
                f"{path}: the jobs have no metrics of training steps yet, so there are no charts to draw"
            )
        lines = [
            f"{job.label}: {', '.join(filter(None, (job.job.model, job.job.status)))}" for job in self.jobs
        ]
        return vega.png(picture_spec(self.panels, self.title, lines))


def _facts(selection: Selection) -> StackFacts:
    """Return the facts in the state of the stack. Without a readable stack, there are none, which the page mentions."""
    try:
        folder = selection.project_folder()
        return StackFacts() if folder is None else StackFacts.of(pulumi_cli.state(folder, selection.stack))
    except InputError:
        if selection.is_explicit:
            raise
        return StackFacts()


def _mode(path: Path) -> int:
    """Return the permissions of an existing file, or those of a new file."""
    return path.stat().st_mode & 0o777 if path.exists() else READABLE

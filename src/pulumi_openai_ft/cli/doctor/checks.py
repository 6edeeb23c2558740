"""`openai-ft doctor`: what is missing for `pulumi up`, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft._settings import CONFIG_NAMESPACE
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.doctor import local_checks, service_checks
from pulumi_openai_ft.cli.doctor.report import Finding, ok, problem, warning
from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.cli.pulumi_cli import Configuration
from pulumi_openai_ft.errors import InputError, SettingsError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


def examine(folder: Path, today: date, *, stack: str | None = None, disclose: bool = False) -> list[Finding]:
    """Looks at everything that `pulumi up` needs. Nothing is changed, and no key is told.

    Args:
        folder: The project's folder, or one below it.
        today: The day by which services are closed.
        stack: Whose configuration counts; by default the selected one's.
        disclose: Whether Pulumi decrypts the stack's secret settings, so that its key can be tried.
    """
    project, findings = _project(folder)
    if project is None:
        return [*findings, *_service(Configuration(), today)]
    found, configuration = _configuration(project, stack, disclose=disclose)
    return [
        *findings,
        local_checks.host(project),
        local_checks.policies(project),
        found,
        *_service(configuration, today),
    ]


def _project(folder: Path) -> tuple[Project | None, list[Finding]]:
    project: Project | None = None
    try:
        project = Project.find(folder)
        found = ok("project", f"{project.name}, {project.file}")
    except InputError as error:
        found = problem("project", str(error))
    return project, [found, local_checks.pulumi_command(), *local_checks.program(project)]


def _configuration(project: Project, stack: str | None, *, disclose: bool) -> tuple[Finding, Configuration]:
    if pulumi_cli.command_path() is None:
        return warning("stack", "its configuration cannot be read without `pulumi`"), Configuration()
    try:
        found = pulumi_cli.configuration(project.folder, stack, show_secrets=disclose)
    except InputError as error:
        return warning("stack", f"its configuration cannot be read: {error}"), Configuration()
    return ok("stack", _summary(found)), found


def _summary(configuration: Configuration) -> str:
    names = [
        name
        for name in sorted(configuration.values.keys() | configuration.secret)
        if name.startswith(f"{CONFIG_NAMESPACE}:")
    ]
    hidden = [name for name in names if name in configuration.undisclosed]
    told = f"its configuration sets {', '.join(names) or 'nothing of ours'}"
    return f"{told}; not looked at, unless with --with-secrets: {', '.join(hidden)}" if hidden else told


def _service(configuration: Configuration, today: date) -> list[Finding]:
    try:
        settings = service_checks.settings_of(configuration)
    except SettingsError as error:
        return [problem("settings", str(error))]
    return [
        *service_checks.keys(settings, configuration),
        *service_checks.day(today),
        *service_checks.service(settings, today),
    ]

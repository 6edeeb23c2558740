"""`openai-ft doctor`: checks of everything that `pulumi up` needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft._settings import CONFIG_NAMESPACE
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.doctor import local_checks, service_checks
from pulumi_openai_ft.cli.doctor.report import Finding, ok, problem, warning
from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.cli.pulumi_cli import Configuration
from pulumi_openai_ft.cli.supported_systems import CURRENT, require_supported
from pulumi_openai_ft.errors import InputError, SettingsError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


def examine(
    folder: Path,
    today: date,
    *,
    stack: str | None = None,
    disclose: bool = False,
    system: str = CURRENT,
) -> list[Finding]:
    """Check everything that `pulumi up` needs. This changes no files, and the findings contain no keys.

    Args:
        folder: Folder of the project, or a folder inside it.
        today: Date that is compared with the shutdown dates of services.
        stack: Name of the stack whose configuration is checked, or None for the selected stack.
        disclose: Whether Pulumi decrypts the secret settings of the stack, to test its API key.
        system: Operating system, as `os.name`.
    """
    try:
        require_supported(system)
    except InputError as error:
        return [problem("system", str(error))]
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
        return warning("stack", "the configuration cannot be read without `pulumi`"), Configuration()
    try:
        found = pulumi_cli.configuration(project.folder, stack, show_secrets=disclose)
    except InputError as error:
        return warning("stack", f"the configuration cannot be read: {error}"), Configuration()
    return ok("stack", _summary(found)), found


def _summary(configuration: Configuration) -> str:
    names = [
        name
        for name in sorted(configuration.values.keys() | configuration.secret)
        if name.startswith(f"{CONFIG_NAMESPACE}:")
    ]
    hidden = [name for name in names if name in configuration.undisclosed]
    summary = f"the configuration sets {', '.join(names) or f'no {CONFIG_NAMESPACE} settings'}"
    return f"{summary}; not decrypted without --with-secrets: {', '.join(hidden)}" if hidden else summary


def _service(configuration: Configuration, today: date) -> list[Finding]:
    try:
        settings = service_checks.settings_of(configuration)
    except SettingsError as error:
        return [problem("settings", str(error))]
    return [
        *service_checks.keys(settings, configuration),
        *service_checks.current_date(today),
        *service_checks.service(settings, today),
    ]

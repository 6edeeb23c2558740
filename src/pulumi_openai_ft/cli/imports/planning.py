"""Planning for a project and its stack, with the options of the commands."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.cli.imports.job_choice import Filters
from pulumi_openai_ft.cli.imports.permissions import PermissionSearch, StoredResponses
from pulumi_openai_ft.cli.imports.plan import Planner
from pulumi_openai_ft.cli.imports.progress_counter import ProgressCounter
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse

    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.cli.imports.plan import Plan
    from pulumi_openai_ft.cli.imports.stack_objects import StackObjects


def make_plan(arguments: argparse.Namespace, settings: Settings, stack: StackObjects) -> Plan:
    """Return the plan for the options of a command.

    Args:
        arguments: The options.
        settings: The settings of the stack.
        stack: The objects that the stack manages.

    Raises:
        OpenAIFTError: An option or a setting is invalid, or a request failed.
    """
    settings = replace(settings, project=arguments.project or settings.project)
    settings.require_key(admin=False)
    with closing(Client(settings)) as api, closing(ProgressCounter("checkpoints checked")) as counter:
        search = _permission_search(arguments, api, counter) if arguments.with_permissions else None
        return Planner(
            api,
            stack,
            Filters(arguments.since, frozenset(arguments.status)),
            tuple(dict.fromkeys(arguments.models)),
            lists_files=arguments.with_files,
            permission_search=search,
        ).plan()


def _permission_search(
    arguments: argparse.Namespace, api: Client, counter: ProgressCounter
) -> PermissionSearch:
    profile = api.settings.profile
    if not profile.supports("permissions"):
        raise InputError(f"--with-permissions: {profile.unsupported_message('permissions')}")
    api.settings.require_key(admin=True)
    responses = StoredResponses.load(api.settings, REAL_TIME.wall(), refresh=arguments.refresh)
    return PermissionSearch(api, responses, REAL_TIME.wall, note, counter.show)

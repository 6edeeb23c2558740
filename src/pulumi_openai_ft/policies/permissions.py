"""Rules on who may use a checkpoint, and on the key that says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._settings import KEYS_IN_CONFIGURATION, MISSING_ADMIN_KEY
from pulumi_openai_ft._shared.state_names import PERMISSION_TYPE
from pulumi_openai_ft.errors import SettingsError
from pulumi_openai_ft.policies._rule import Limits, Rule
from pulumi_openai_ft.policies._schema import expression, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.policies._checked_resource import CheckedResource

_ADMIN_KEY = KEYS_IN_CONFIGURATION[1]


def _admin_key(permission: CheckedResource, _limits: Limits) -> Iterator[str]:
    try:
        if permission.settings().admin_key is None:
            yield MISSING_ADMIN_KEY
    except SettingsError as error:
        yield str(error)
    secret = permission.secret_configuration
    if _ADMIN_KEY in permission.configuration and secret is not None and _ADMIN_KEY not in secret:
        yield (
            f"{_ADMIN_KEY} is set in plain, so the stack's file and state show it: make a new key, and run "
            f"`pulumi config set --secret {_ADMIN_KEY}`, or set it in the environment"
        )


def _projects(permission: CheckedResource, limits: Limits) -> Iterator[str]:
    projects = permission.props.get("project_ids")
    owner = limits["owner"] or _owning_project(permission)
    for index, project in enumerate(projects if isinstance(projects, list) else []):
        path = f"project_ids[{index}]"
        if not isinstance(project, str):
            continue
        shown = permission.redacted_repr(path, project)
        if not re.search(limits["pattern"], project):
            yield f"{path}: {shown} is no project's id: write one of the form {limits['pattern']}"
        elif project == owner:
            yield f"{path}: {shown} owns the model and may use it anyway: leave it out"
        elif limits["allowed"] and project not in limits["allowed"]:
            yield f"{path}: {shown} is not on this rule's list: write one of {', '.join(limits['allowed'])}"


def _owning_project(permission: CheckedResource) -> str | None:
    try:
        return permission.settings().project
    except SettingsError:
        return None


ADMIN_KEY = Rule(
    name="checkpoint-permission-admin-key",
    description="Permissions are managed with an admin key, which is no project key and kept secret.",
    level=EnforcementLevel.MANDATORY,
    reason="without the key the update fails after the training was paid; a key in plain is a key lost",
    kinds=(PERMISSION_TYPE,),
    judge=_admin_key,
    judges_states=False,  # whoever updates has the key; a state and a nightly run need none
)

PROJECT = Rule(
    name="checkpoint-permission-project",
    description="Checkpoints are shared with projects that may have them, not with the one that owns the model.",
    level=EnforcementLevel.MANDATORY,
    reason="what was shared was seen; and the service refuses the owner and what is no project",
    kinds=(PERMISSION_TYPE,),
    properties=("project_ids",),
    options={
        "allowed": texts("Projects that checkpoints may be shared with; none allows all."),
        "owner": text(
            "", "The project that owns the models; by default the one that the stack is configured with."
        ),
        "pattern": expression(r"^proj_\S+$", "What the id of a project looks like."),
    },
    judge=_projects,
)

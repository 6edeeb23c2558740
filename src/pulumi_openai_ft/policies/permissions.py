"""Rules for checkpoint permissions and the admin key that they need."""

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
            f"{_ADMIN_KEY} is stored in plaintext in the stack's configuration and state: create a new key, and run "
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
            yield f"{path}: {shown} is not a project id: must match {limits['pattern']}"
        elif project == owner:
            yield f"{path}: {shown} owns the model and can use it without a permission: remove it"
        elif limits["allowed"] and project not in limits["allowed"]:
            yield f"{path}: {shown} is not in `allowed` of this rule: must be one of {', '.join(limits['allowed'])}"


def _owning_project(permission: CheckedResource) -> str | None:
    try:
        return permission.settings().project
    except SettingsError:
        return None


ADMIN_KEY = Rule(
    name="checkpoint-permission-admin-key",
    description="Permissions are managed with an admin key that is secret and differs from the project key.",
    level=EnforcementLevel.MANDATORY,
    reason="without the key, the update fails after training is billed; a plaintext key is compromised",
    kinds=(PERMISSION_TYPE,),
    judge=_admin_key,
    judges_states=False,  # only updates need the key, not checks of a state
)

PROJECT = Rule(
    name="checkpoint-permission-project",
    description="Checkpoints are shared only with allowed projects, and not with the project that owns the model.",
    level=EnforcementLevel.MANDATORY,
    reason="revoking a permission does not undo earlier use of the model; the service rejects the owner and invalid ids",
    kinds=(PERMISSION_TYPE,),
    properties=("project_ids",),
    options={
        "allowed": texts("Projects with which checkpoints may be shared; an empty list allows all."),
        "owner": text(
            "", "Project that owns the models; by default the project in the stack's configuration."
        ),
        "pattern": expression(r"^proj_\S+$", "Regular expression for project ids."),
    },
    judge=_projects,
)

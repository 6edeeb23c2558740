from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import invalid, no_such_checkpoint, no_such_permission, server_error
from pulumi_openai_ft.server.ids import new_id
from pulumi_openai_ft.server.records import Checkpoint, Permission
from pulumi_openai_ft.server.serializers import deleted_body, list_body, permission_body
from pulumi_openai_ft.server.store import created_before
from pulumi_openai_ft.server.validators import fields, items, text

if TYPE_CHECKING:
    from pulumi_openai_ft.server.request_context import ApiRequest, Json

_BODY = fields({"project_ids": items(text(1), minimum=1)})


def create_permissions(call: ApiRequest) -> Json:
    """POST /fine_tuning/checkpoints/{checkpoint}/permissions: keep existing permissions."""
    checkpoint = _checkpoint(call)
    _BODY(call.body, "")
    project_ids = list(dict.fromkeys(call.body["project_ids"]))
    for project in project_ids:
        _check_project(call, checkpoint, project)
    with call.backend.store.transaction():
        granted = [_grant(call, checkpoint.name, project) for project in project_ids]
    return list_body([permission_body(permission) for permission in granted], has_more=False, ends=True)


def list_permissions(call: ApiRequest) -> Json:
    """GET /fine_tuning/checkpoints/{checkpoint}/permissions."""
    where = {"checkpoint": _checkpoint(call).name}
    if project := call.query("project_id"):
        where["project"] = project
    page = call.backend.store.permissions.page(
        where,
        created_before(call.as_of),
        after=call.query("after"),
        limit=call.limit(10),
        newest_first=call.choice("order", ("descending", "ascending")) == "descending",
    )
    data = [permission_body(permission) for permission in page.records]
    return list_body(data, has_more=page.has_more, ends=True)


def delete_permission(call: ApiRequest) -> Json:
    """DELETE /fine_tuning/checkpoints/{checkpoint}/permissions/{permission_id}."""
    checkpoint, permission_id = _checkpoint(call), call.path("permission_id")
    permission = call.backend.store.permissions.get(permission_id)
    if permission is None or permission.checkpoint != checkpoint.name:
        raise no_such_permission(permission_id)
    call.backend.store.permissions.delete(permission, call.now)
    return deleted_body("checkpoint.permission", permission_id)


def _checkpoint(call: ApiRequest) -> Checkpoint:
    name = call.path("checkpoint")
    if name.startswith(call.backend.settings.rules.checkpoint_prefix):
        raise server_error()  # Source: docs/openai-api.md#checkpoint-permissions
    call.backend.lifecycle.advance_live()
    if (checkpoint := call.backend.checkpoint(name)) is None:
        raise no_such_checkpoint(name)
    return checkpoint


def _check_project(call: ApiRequest, checkpoint: Checkpoint, project: str) -> None:
    if project == checkpoint.project:
        raise invalid(
            f"You cannot modify checkpoint permissions for the owning project {project}.", "project_ids"
        )
    if not call.backend.settings.knows_project(project):
        raise invalid(
            f"Project {project} does not exist in this organization.", "project_ids", "invalid_value"
        )


def _grant(call: ApiRequest, checkpoint: str, project: str) -> Permission:
    permissions = call.backend.store.permissions
    if existing := permissions.find({"checkpoint": checkpoint, "project": project}):
        return existing[0]
    return permissions.add(
        Permission(id=new_id("cp_"), created_at=call.now, checkpoint=checkpoint, project=project)
    )

"""Provider of `FineTuningCheckpointPermission`: its inputs, and the operations on its permissions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pulumi.dynamic import CreateResult, ReadResult, UpdateResult
from pydantic import Field, StringConstraints

from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.base import DetailedDiff, Provider, is_get_call
from pulumi_openai_ft._provider.job.messages import NO_MODEL
from pulumi_openai_ft._provider.permission_manager import CHECKPOINT_ID, PermissionManager
from pulumi_openai_ft._provider.resource_import import find_permissions
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import IDENTITY, REQUESTED_CHECKPOINT, SECRET_INPUTS
from pulumi_openai_ft.errors import InputError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._client.objects import Permission
    from pulumi_openai_ft._settings import Settings

ID_OF_SECRET = "secret-"  # noqa: S105 - a prefix
"""Prefix of the id of a resource whose checkpoint is secret. Pulumi stores ids in plaintext."""
_NO_CHECKPOINT = f"checkpoint_id: {input_models.MISSING}"
ProjectId = Annotated[str, StringConstraints(min_length=1)]


class CheckpointPermissionInputs(input_models.InputModel):
    """Inputs of `FineTuningCheckpointPermission`."""

    checkpoint_id: Annotated[str, StringConstraints(min_length=1), input_models.ProgramType("str | None")] = (
        Field(
            description="Name of the checkpoint or fine-tuned model, `ft:…`, or id of a recent checkpoint, `ftckpt_…`."
        )
    )
    project_ids: Annotated[list[ProjectId], Field(min_length=1)] = Field(
        description="Projects that may use the checkpoint, without the project that owns it."
    )
    allow_view: Literal[True] | None = Field(
        default=None, description="True or omitted; the API always grants both permissions together."
    )
    allow_create: Literal[True] | None = Field(
        default=None, description="True or omitted; the API always grants both permissions together."
    )


class FineTuningCheckpointPermissionProvider(Provider):
    """Provider of the permissions of some projects for one checkpoint. It does not change those of other projects."""

    inputs_model = CheckpointPermissionInputs

    @locked_cached_property
    def permissions(self) -> PermissionManager:
        """Permissions of the service."""
        return PermissionManager(self.api, self.host)

    def require_settings(self, settings: Settings) -> None:
        """Require the admin key, which all permission requests use."""
        settings.require_key(admin=True)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Add problems of the checkpoint's name, and conflicts with other resources of the program."""
        problems = [
            f"{problem}: {NO_MODEL}" if problem == _NO_CHECKPOINT else problem
            for problem in super().input_problems(props)
        ]
        return [*problems, *_checkpoint_problems(props), *self._overlaps(props)]

    def profile_problems(self, _props: Mapping[str, Any]) -> list[str]:
        """Return a problem if the service does not support permissions."""
        profile = self.settings.profile
        return (
            []
            if profile.supports("permissions")
            else [f"this resource: {profile.unsupported_message('permissions')}"]
        )

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Compare a state with inputs. Another checkpoint replaces the resource; projects are updated in place."""
        same = news.get("checkpoint_id") in (olds.get("checkpoint_id"), olds.get(REQUESTED_CHECKPOINT))
        return DetailedDiff(
            [] if same else ["checkpoint_id"], ["project_ids"] if _projects_differ(olds, news) else []
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Grant the permissions that do not exist yet."""
        inputs = self.inputs(props)
        checkpoint = self.permissions.resolve_name(inputs["checkpoint_id"])
        granted = self.permissions.grant(checkpoint, inputs["project_ids"])
        return CreateResult(_id(checkpoint, props), _outputs(checkpoint, granted, inputs["checkpoint_id"]))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the permissions that still exist."""
        checkpoint = _recorded_checkpoint(id_, props)
        granted = self.permissions.list_for(checkpoint, props.get("project_ids"))
        if not granted and is_get_call(props):
            raise InputError(f"{checkpoint} is not shared with any project, so it has no permissions to read")
        return (
            ReadResult(id_, _outputs(checkpoint, granted, props.get(REQUESTED_CHECKPOINT)))
            if granted
            else ReadResult("", {})
        )

    def import_(self, id_: str) -> ReadResult:
        """Read existing permissions for `pulumi import`."""
        checkpoint, granted = find_permissions(self.permissions, id_)
        outs = _outputs(checkpoint, granted, checkpoint)
        return ReadResult(checkpoint, outs, {name: outs[name] for name in ("checkpoint_id", "project_ids")})

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs that are known in advance. Existing permissions keep their ids."""
        given, projects, recorded = news.get("checkpoint_id"), news.get("project_ids"), _recorded(olds or {})
        name = given if _is_name(given) else input_models.unknown()
        outs = {"checkpoint_id": olds["checkpoint_id"] if olds else name}
        if not (isinstance(projects, list) and input_models.is_known(projects)):
            return {**outs, "project_ids": input_models.unknown(), "permission_ids": input_models.unknown()}
        ids = {project: recorded.get(project, input_models.unknown()) for project in sorted(projects)}
        return {**outs, "project_ids": list(ids), "permission_ids": ids}

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Grant permissions to the added projects, then revoke the permissions of the removed projects.

        An error while revoking is printed and not raised, because the state would lose the new permissions. The
        remaining permissions stay in the state, and the next `up` revokes them.
        """
        inputs = self.inputs(news)
        own, checkpoint = _recorded(olds), _recorded_checkpoint(id_, olds)
        granted = self.permissions.grant(checkpoint, inputs["project_ids"], own.values())
        leftover = {project: cp for project, cp in own.items() if project not in inputs["project_ids"]}
        outs = _outputs(checkpoint, granted, inputs["checkpoint_id"])
        try:
            self.permissions.revoke(checkpoint, leftover)
        except OpenAIFTError as error:
            self.host.info(
                f"{checkpoint} is still shared with {', '.join(leftover)}: {error}; the next `pulumi up` revokes these permissions"
            )
            outs["permission_ids"] |= leftover
            outs["project_ids"] = list(outs["permission_ids"])
        return UpdateResult(outs)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Revoke the permissions of this resource."""
        self.permissions.revoke(_recorded_checkpoint(id_, props), _recorded(props))

    @locked_cached_property
    def _owners(self) -> dict[tuple[str, str], str]:
        return {}

    def _overlaps(self, props: Mapping[str, Any]) -> list[str]:
        """Return the projects that another resource shares the same checkpoint with. Each would revoke the other's."""
        identity, checkpoint, projects = (
            props.get(IDENTITY),
            props.get("checkpoint_id"),
            props.get("project_ids"),
        )
        if not (isinstance(identity, str) and isinstance(checkpoint, str) and isinstance(projects, list)):
            return []
        owners = {
            project: self._owners.setdefault((checkpoint, project), identity)
            for project in projects
            if isinstance(project, str)
        }
        return [
            f"project_ids: {project!r} already has access to {checkpoint} through another resource, {owner.split('::')[-1]!r}: "
            f"remove it from one of the two resources"
            for project, owner in owners.items()
            if owner != identity
        ]


def _id(checkpoint: str, props: Mapping[str, Any]) -> str:
    if "checkpoint_id" not in (props.get(SECRET_INPUTS) or ()):
        return checkpoint
    return ID_OF_SECRET + hashlib.sha256(checkpoint.encode()).hexdigest()[:16]


def _recorded_checkpoint(id_: str, props: Mapping[str, Any]) -> str:
    """Return the checkpoint's name: the id, unless it is secret or the id is that of a `get` call."""
    return str(props.get("checkpoint_id") or id_)


def _checkpoint_problems(props: Mapping[str, Any]) -> list[str]:
    checkpoint = props.get("checkpoint_id")
    if isinstance(checkpoint, str) and checkpoint.startswith("ftjob-"):
        names = "a job's `fine_tuned_model` or a checkpoint's `fine_tuned_model_checkpoint`, ft:…"
        return [f"checkpoint_id: {checkpoint!r} is a job: pass {names}"]
    return []


def _is_name(checkpoint: Any) -> bool:
    return isinstance(checkpoint, str) and not checkpoint.startswith(CHECKPOINT_ID)


def _projects_differ(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    project_ids = news.get("project_ids")
    if not isinstance(project_ids, list) or not all(isinstance(project, str) for project in project_ids):
        return True
    return set(project_ids) != set(olds.get("project_ids") or [])


def _outputs(checkpoint: str, granted: Iterable[Permission], requested: str | None) -> dict[str, Any]:
    """Return the state of the permissions that the service returned."""
    ids = {
        permission.project_id: permission.id
        for permission in sorted(granted, key=lambda found: found.project_id)
    }
    return {
        "checkpoint_id": checkpoint,
        "project_ids": list(ids),
        "permission_ids": ids,
        REQUESTED_CHECKPOINT: requested,
    }


def _recorded(props: Mapping[str, Any]) -> dict[str, str]:
    return dict(props.get("permission_ids") or {})

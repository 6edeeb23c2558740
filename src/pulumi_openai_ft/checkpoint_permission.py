"""`FineTuningCheckpointPermission`: the right of other projects to use a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, UpdateResult
from pydantic import Field, StringConstraints

from pulumi_openai_ft import _inputs
from pulumi_openai_ft._provider import Provider
from pulumi_openai_ft.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pulumi_openai_ft._objects import Permission
    from pulumi_openai_ft._settings import Settings

__all__ = [
    "CheckpointPermissionInputs",
    "FineTuningCheckpointPermission",
    "FineTuningCheckpointPermissionProvider",
]

ProjectId = Annotated[str, StringConstraints(min_length=1)]


class CheckpointPermissionInputs(_inputs.Inputs):
    """Inputs of `FineTuningCheckpointPermission`."""

    checkpoint_id: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Name of the checkpoint or the fine-tuned model, `ft:…`."
    )
    project_ids: Annotated[list[ProjectId], Field(min_length=1)] = Field(
        description="Projects that may use the checkpoint."
    )
    allow_view: Literal[True] | None = Field(default=None, description="The API grants both rights together.")
    allow_create: Literal[True] | None = Field(
        default=None, description="The API grants both rights together."
    )


class FineTuningCheckpointPermissionProvider(Provider):
    """Keeps the grants of some projects on one checkpoint; grants of others on it are not touched."""

    inputs_model = CheckpointPermissionInputs

    def require_settings(self, settings: Settings) -> None:
        """Permission calls are made with the admin key, and with it alone."""
        settings.require_key(admin=True)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds what the names themselves tell."""
        return [*super().input_problems(props), *_checkpoint_problems(props.get("checkpoint_id"))]

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another checkpoint is another resource; projects come and go in place."""
        replaces = [] if news.get("checkpoint_id") == olds.get("checkpoint_id") else ["checkpoint_id"]
        return DiffResult(changes=bool(replaces) or _projects_differ(olds, news), replaces=replaces)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Grants what is not granted yet."""
        inputs = self.inputs(props)
        checkpoint = inputs["checkpoint_id"]
        return CreateResult(checkpoint, _outputs(checkpoint, self._grant(checkpoint, inputs["project_ids"])))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks which of the grants are still there."""
        granted = self._granted(id_, props.get("project_ids") or [])
        return ReadResult(id_, _outputs(id_, granted)) if granted else ReadResult("", {})

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Grants to new projects first, then revokes from those that left."""
        wanted = self.inputs(news)["project_ids"]
        granted = self._grant(id_, wanted)
        self._revoke(id_, {project: cp for project, cp in _recorded(olds).items() if project not in wanted})
        return UpdateResult(_outputs(id_, granted))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Revokes the grants that this resource made."""
        self._revoke(id_, _recorded(props))

    def _grant(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        granted = self._granted(checkpoint, project_ids)
        there = {permission.project_id for permission in granted}
        missing = [project for project in dict.fromkeys(project_ids) if project not in there]
        return granted + (self.api.grant_permissions(checkpoint, missing) if missing else [])

    def _granted(self, checkpoint: str, project_ids: Iterable[str]) -> list[Permission]:
        """The grants to these projects: one list, however many they are."""
        wanted = set(project_ids)
        try:
            return [found for found in self.api.permissions(checkpoint) if found.project_id in wanted]
        except NotFoundError:
            return []

    def _revoke(self, checkpoint: str, permission_ids: Mapping[str, str]) -> None:
        for permission_id in permission_ids.values():
            try:
                self.api.revoke_permission(checkpoint, permission_id)
            except NotFoundError:
                continue


class FineTuningCheckpointPermission(
    pulumi.dynamic.Resource, module="openai_ft", name="FineTuningCheckpointPermission"
):
    """The right of other projects to use a checkpoint.

    Needs the admin key. Source in the API: `POST /fine_tuning/checkpoints/{name}/permissions`.
    """

    checkpoint_id: pulumi.Output[str]
    """Name of the checkpoint."""
    project_ids: pulumi.Output[list[str]]
    """Projects that may use the checkpoint."""
    permission_ids: pulumi.Output[dict[str, str]]
    """The id of each project's grant, `{"proj_…": "cp_…"}`."""

    def __init__(
        self,
        resource_name: str,
        *,
        checkpoint_id: pulumi.Input[str | None],
        project_ids: pulumi.Input[Sequence[pulumi.Input[str]]],
        allow_view: pulumi.Input[bool] | None = None,
        allow_create: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Shares a checkpoint when the stack is updated.

        Args:
            resource_name: Name of the resource in the stack.
            checkpoint_id: Name of the checkpoint or the fine-tuned model, `ft:…`.
            project_ids: Projects that may use the checkpoint; not the one that owns it.
            allow_view: True or nothing: the API grants both rights together.
            allow_create: True or nothing: the API grants both rights together.
            opts: Pulumi's resource options.
        """
        props = {
            "checkpoint_id": checkpoint_id,
            "project_ids": project_ids,
            "allow_view": allow_view,
            "allow_create": allow_create,
            "permission_ids": None,
        }
        super().__init__(FineTuningCheckpointPermissionProvider(), resource_name, props, opts)


def _checkpoint_problems(checkpoint: Any) -> list[str]:
    if isinstance(checkpoint, str) and checkpoint.startswith(("ftckpt_", "ftjob-")):
        advice = (
            "the name, ft:…, of a job's `fine_tuned_model` or a checkpoint's `fine_tuned_model_checkpoint`"
        )
        return [f"checkpoint_id: {checkpoint!r} is an id: write {advice}"]
    return []


def _projects_differ(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    wanted = news.get("project_ids")
    if not isinstance(wanted, list) or not all(isinstance(project, str) for project in wanted):
        return True
    return set(wanted) != set(olds.get("project_ids") or [])


def _outputs(checkpoint: str, granted: Iterable[Permission]) -> dict[str, Any]:
    """The state of the grants, from what the service says of them."""
    ids = {
        permission.project_id: permission.id
        for permission in sorted(granted, key=lambda found: found.project_id)
    }
    return {"checkpoint_id": checkpoint, "project_ids": list(ids), "permission_ids": ids}


def _recorded(props: Mapping[str, Any]) -> dict[str, str]:
    return dict(props.get("permission_ids") or {})

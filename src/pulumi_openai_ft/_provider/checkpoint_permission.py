"""What `FineTuningCheckpointPermission` does: its inputs, and how they become grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pulumi.dynamic import CreateResult, ReadResult, UpdateResult
from pydantic import Field, StringConstraints

from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.base import DetailedDiff, Provider, is_get_call
from pulumi_openai_ft._provider.permission_manager import CHECKPOINT_ID, PermissionManager
from pulumi_openai_ft._provider.resource_import import find_permissions
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import IDENTITY
from pulumi_openai_ft.errors import InputError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._client.objects import Permission
    from pulumi_openai_ft._settings import Settings

ASKED = "__asked_checkpoint_id"
"""Where the state keeps how the program named the checkpoint."""
_NO_CHECKPOINT = f"checkpoint_id: {input_models.MISSING}"
NO_MODEL = (
    f"{_NO_CHECKPOINT}: a job has no model before it has succeeded: let `up` wait for it (wait_for_completion, paused), "
    f"or run `pulumi up --refresh` when it is done"
)
ProjectId = Annotated[str, StringConstraints(min_length=1)]


class CheckpointPermissionInputs(input_models.InputModel):
    """Inputs of `FineTuningCheckpointPermission`."""

    checkpoint_id: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Name of the checkpoint or the fine-tuned model, `ft:…`, or a checkpoint's id, `ftckpt_…`."
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

    @locked_cached_property
    def grants(self) -> PermissionManager:
        """The service's permissions."""
        return PermissionManager(self.api, self.host)

    def require_settings(self, settings: Settings) -> None:
        """Permission calls are made with the admin key, and with it alone."""
        settings.require_key(admin=True)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds what the names tell, and what other resources of the program ask for."""
        found = [NO_MODEL if one == _NO_CHECKPOINT else one for one in super().input_problems(props)]
        return [*found, *_checkpoint_problems(props), *self._overlaps(props)]

    def profile_problems(self, _props: Mapping[str, Any]) -> list[str]:
        """A service may have no permissions at all."""
        profile = self.settings.profile
        return (
            []
            if profile.supports("permissions")
            else [f"this resource: {profile.unsupported_message('permissions')}"]
        )

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Another checkpoint is another resource; projects come and go in place."""
        same = news.get("checkpoint_id") in (olds.get("checkpoint_id"), olds.get(ASKED))
        return DetailedDiff(
            [] if same else ["checkpoint_id"], ["project_ids"] if _projects_differ(olds, news) else []
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Grants what is not granted yet."""
        inputs = self.inputs(props)
        checkpoint = self.grants.resolve_name(inputs["checkpoint_id"])
        granted = self.grants.grant(checkpoint, inputs["project_ids"])
        return CreateResult(checkpoint, _outputs(checkpoint, granted, inputs["checkpoint_id"]))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks which of the grants are still there."""
        granted = self.grants.list_for(id_, props.get("project_ids"))
        if not granted and is_get_call(props):
            raise InputError(f"{id_} is shared with no project: there are no permissions to read")
        return ReadResult(id_, _outputs(id_, granted, props.get(ASKED))) if granted else ReadResult("", {})

    def import_(self, id_: str) -> ReadResult:
        """Reads grants that no state knows."""
        checkpoint, granted = find_permissions(self.grants, id_)
        outs = _outputs(checkpoint, granted, checkpoint)
        return ReadResult(checkpoint, outs, {name: outs[name] for name in ("checkpoint_id", "project_ids")})

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """Grants that stay keep their ids."""
        asked, projects, recorded = news.get("checkpoint_id"), news.get("project_ids"), _recorded(olds or {})
        unresolved = asked if _is_name(asked) else input_models.unknown()
        outs = {"checkpoint_id": olds["checkpoint_id"] if olds else unresolved}
        if not (isinstance(projects, list) and input_models.is_known(projects)):
            return {**outs, "project_ids": input_models.unknown(), "permission_ids": input_models.unknown()}
        ids = {project: recorded.get(project, input_models.unknown()) for project in sorted(projects)}
        return {**outs, "project_ids": list(ids), "permission_ids": ids}

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Grants to new projects first, then revokes from those that left.

        What is granted must not be lost, so trouble while revoking is told, not raised: the grants that are left over
        stay in the state, and the next `up` revokes them.
        """
        inputs = self.inputs(news)
        own = _recorded(olds)
        granted = self.grants.grant(id_, inputs["project_ids"], own.values())
        unfinished_message = {
            project: cp for project, cp in own.items() if project not in inputs["project_ids"]
        }
        outs = _outputs(id_, granted, inputs["checkpoint_id"])
        try:
            self.grants.revoke(id_, unfinished_message)
        except OpenAIFTError as error:
            self.host.info(
                f"{id_} is still granted to {', '.join(unfinished_message)}; the next `pulumi up` revokes that: {error}"
            )
            outs["permission_ids"] |= unfinished_message
            outs["project_ids"] = list(outs["permission_ids"])
        return UpdateResult(outs)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Revokes the grants that this resource made."""
        self.grants.revoke(id_, _recorded(props))

    @locked_cached_property
    def _asked_by(self) -> dict[tuple[str, str], str]:
        return {}

    def _overlaps(self, props: Mapping[str, Any]) -> list[str]:
        """Two resources that own the same grant would take it from each other."""
        asker, checkpoint, projects = (
            props.get(IDENTITY),
            props.get("checkpoint_id"),
            props.get("project_ids"),
        )
        if not (isinstance(asker, str) and isinstance(checkpoint, str) and isinstance(projects, list)):
            return []
        owners = {
            project: self._asked_by.setdefault((checkpoint, project), asker)
            for project in projects
            if isinstance(project, str)
        }
        return [
            f"project_ids: {project!r} is granted {checkpoint} by another resource too, {owner.split('::')[-1]!r}: "
            f"leave it to one of the two"
            for project, owner in owners.items()
            if owner != asker
        ]


def _checkpoint_problems(props: Mapping[str, Any]) -> list[str]:
    checkpoint = props.get("checkpoint_id")
    if isinstance(checkpoint, str) and checkpoint.startswith("ftjob-"):
        advice = (
            "the name, ft:…, of a job's `fine_tuned_model` or a checkpoint's `fine_tuned_model_checkpoint`"
        )
        return [f"checkpoint_id: {checkpoint!r} is a job: write {advice}"]
    return []


def _is_name(checkpoint: Any) -> bool:
    return isinstance(checkpoint, str) and not checkpoint.startswith(CHECKPOINT_ID)


def _projects_differ(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    wanted = news.get("project_ids")
    if not isinstance(wanted, list) or not all(isinstance(project, str) for project in wanted):
        return True
    return set(wanted) != set(olds.get("project_ids") or [])


def _outputs(checkpoint: str, granted: Iterable[Permission], asked: str | None) -> dict[str, Any]:
    """The state of the grants, from what the service says of them."""
    ids = {
        permission.project_id: permission.id
        for permission in sorted(granted, key=lambda found: found.project_id)
    }
    return {"checkpoint_id": checkpoint, "project_ids": list(ids), "permission_ids": ids, ASKED: asked}


def _recorded(props: Mapping[str, Any]) -> dict[str, str]:
    return dict(props.get("permission_ids") or {})

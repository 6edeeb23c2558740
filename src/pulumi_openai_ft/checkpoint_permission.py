"""`FineTuningCheckpointPermission`: permissions for other projects to use a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import pulumi

from pulumi_openai_ft._program.provider_proxy import ProviderProxy
from pulumi_openai_ft._program.resource_base import ResourceBase
from pulumi_openai_ft._shared.lazy_module import LazyModule

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FineTuningCheckpointPermission", "FineTuningCheckpointPermissionProvider"]


class FineTuningCheckpointPermissionProvider(ProviderProxy):
    """The provider of `FineTuningCheckpointPermission`. State files refer to it by this name."""

    module: ClassVar[LazyModule] = LazyModule("_provider.checkpoint_permission")


class FineTuningCheckpointPermission(
    ResourceBase, pulumi.dynamic.Resource, module="openai_ft", name="FineTuningCheckpointPermission"
):
    """Permissions for other projects to use a checkpoint.

    Requires an admin key. Source in the API: `POST /fine_tuning/checkpoints/{name}/permissions`.
    """

    checkpoint_id: pulumi.Output[str]
    """Name of the checkpoint."""
    project_ids: pulumi.Output[list[str]]
    """Projects that may use the checkpoint."""
    permission_ids: pulumi.Output[dict[str, str]]
    """Id of each project's permission, `{"proj_…": "cp_…"}`."""

    def __init__(
        self,
        resource_name: str,
        *,
        # <<<cog from tools.codegen import permission; print(permission.parameters()) >>>
        checkpoint_id: pulumi.Input[str | None],
        project_ids: pulumi.Input[Sequence[pulumi.Input[str]]],
        allow_view: pulumi.Input[Literal[True] | None] = None,
        allow_create: pulumi.Input[Literal[True] | None] = None,
        # <<<end>>>
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # <<<cog print(permission.docstring("Share a checkpoint when the stack is updated.")) >>>
        """Share a checkpoint when the stack is updated.

        ## Example Usage

        ```python
        job = openai_ft.FineTuningJob("support", model="gpt-4o-mini", training_file="file-abc123")
        shared = openai_ft.FineTuningCheckpointPermission(
            "support", checkpoint_id=job.fine_tuned_model, project_ids=["proj_support"]
        )
        pulumi.export("permission_ids", shared.permission_ids)
        ```

        Args:
            resource_name: Name of the resource in the stack.
            checkpoint_id: Name of the checkpoint or fine-tuned model, `ft:…`, or id of a recent checkpoint,
                `ftckpt_…`.
            project_ids: Projects that may use the checkpoint, without the project that owns it.
            allow_view: True or omitted; the API always grants both permissions together.
            allow_create: True or omitted; the API always grants both permissions together.
            opts: Pulumi's resource options.
        """
        # <<<end>>>
        given = {
            "checkpoint_id": checkpoint_id,
            "project_ids": project_ids,
            "allow_view": allow_view,
            "allow_create": allow_create,
        }
        props = self._properties(resource_name, given, opts)
        super().__init__(FineTuningCheckpointPermissionProvider(), resource_name, props, opts)

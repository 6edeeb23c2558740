"""`FineTunedModel`: a component that turns a local file into a fine-tuned model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import pulumi

from pulumi_openai_ft._program.functions.error_transport import without_traceback
from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.file import File, LocalFile
from pulumi_openai_ft.fine_tuning_job import FineTuningJob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FineTunedModel", "FineTunedModelJobArgs"]

TYPE = "openai-ft:index:FineTunedModel"
"""Type token in Pulumi's form for components. Components have no provider, so `pulumi-python` does not appear in it."""
NOT_THERE_YET = (
    "FineTunedModel {!r}: share_with: the model has no name until the job has succeeded: remove "
    "wait_for_completion=False, or share the model with a FineTuningCheckpointPermission after that"
)


class FineTunedModelJobArgs(TypedDict, total=False):
    """Optional inputs that `FineTunedModel` passes on to its job. `FineTuningJob` describes them."""

    # <<<cog from codegen import job; print(job.optional_keys()) >>>
    suffix: pulumi.Input[str] | None
    seed: pulumi.Input[int] | None
    method: pulumi.Input[Mapping[str, Any]] | None
    integrations: pulumi.Input[Sequence[Mapping[str, Any]]] | None
    metadata: pulumi.Input[Mapping[str, str]] | None
    extra_body: pulumi.Input[Mapping[str, Any]] | None
    wait_for_completion: pulumi.Input[bool] | None
    cancel_after_timeout: pulumi.Input[int] | None
    paused: pulumi.Input[bool] | None
    recreate_on_failure: pulumi.Input[bool] | None
    delete_model_on_destroy: pulumi.Input[bool] | None
    triggers: pulumi.Input[Sequence[Any]] | None
    former_names: pulumi.Input[Sequence[str]] | None
    # <<<end>>>


class FineTunedModel(pulumi.ComponentResource):
    """A model fine-tuned on a local file: the component uploads the file, trains the model and optionally shares it.

    Editing the file re-uploads it and retrains the model. The child resources are available as `job`,
    `training_file`, `validation_file` and `permission`.
    """

    fine_tuned_model: pulumi.Output[str | None]
    """Name of the fine-tuned model, `ft:…`, once the job has succeeded."""
    job_id: pulumi.Output[str]
    """Id of the job, `ftjob-…`."""
    status: pulumi.Output[str]
    """Status of the job: `succeeded` if `up` waited for it."""
    training_file_id: pulumi.Output[str]
    """Id of the training file, `file-…`."""
    validation_file_id: pulumi.Output[str | None]
    """Id of the validation file, or None."""
    permission_ids: pulumi.Output[dict[str, str]]
    """Id of the permission, `cp_…`, of each project that the model is shared with."""

    training_file: File
    """The training file that you passed, or a new one named `<name>-training`."""
    validation_file: File | None
    """The validation file that you passed, a new one named `<name>-validation`, or None."""
    job: FineTuningJob
    """The job, with the same name as the component."""
    permission: FineTuningCheckpointPermission | None
    """The permissions of `share_with`, with the same name as the component, or None."""

    def __init__(
        self,
        resource_name: str,
        *,
        model: pulumi.Input[str],
        training_file: pulumi.Input[LocalFile] | File,
        validation_file: pulumi.Input[LocalFile] | File | None = None,
        share_with: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **job: Unpack[FineTunedModelJobArgs],
    ) -> None:
        """Fine-tune a model when the stack is updated.

        Args:
            resource_name: Name of the component in the stack. The names of its child resources start with it.
            model: Base model, its alias, or a fine-tuned model to train further.
            training_file: Path of the local training file, as in `File`, or an existing `File`.
            validation_file: Path of the local validation file, as in `File`, or an existing `File`.
            share_with: Projects that may use the model, without the project that owns it. Requires an admin key.
            opts: Pulumi's resource options. `custom_timeouts` applies to the child resources.
            job: Other inputs of `FineTuningJob`, such as `suffix` and `method`.

        Raises:
            InputError: `share_with` is set, but `up` does not wait for the job.
        """
        is_shared = share_with not in (None, [], ())
        if is_shared and job.get("wait_for_completion") is False:
            raise without_traceback(InputError(NOT_THERE_YET.format(resource_name)))
        super().__init__(TYPE, resource_name, None, opts)
        self._child_opts = pulumi.ResourceOptions(
            parent=self, custom_timeouts=opts.custom_timeouts if opts else None
        )
        self.training_file = self._file(f"{resource_name}-training", training_file)
        self.validation_file = (
            None if validation_file is None else self._file(f"{resource_name}-validation", validation_file)
        )
        self.job = FineTuningJob(
            resource_name,
            model=model,
            training_file=self.training_file,
            validation_file=self.validation_file,
            opts=self._child_opts,
            **job,
        )
        self.permission = self._permission(resource_name, share_with) if is_shared else None

        self.fine_tuned_model = self.job.fine_tuned_model
        self.job_id = self.job.id
        self.status = self.job.status
        self.training_file_id = self.training_file.id
        self.validation_file_id = self.job.validation_file
        self.permission_ids = (
            self.permission.permission_ids if self.permission else pulumi.Output.from_input({})
        )
        self.register_outputs({name: getattr(self, name) for name in OUTPUTS})

    def _file(self, name: str, given: pulumi.Input[LocalFile] | File) -> File:
        if isinstance(given, File):
            return given
        return File(name, file=given, opts=self._child_opts)

    def _permission(self, name: str, projects: Any) -> FineTuningCheckpointPermission:
        return FineTuningCheckpointPermission(
            name,
            checkpoint_id=self.job.fine_tuned_model,
            project_ids=projects,
            opts=self._child_opts,
        )


OUTPUTS = tuple(
    name for name, kind in FineTunedModel.__annotations__.items() if str(kind).startswith("pulumi.Output")
)
"""Names of the component's outputs, which are registered with the engine."""

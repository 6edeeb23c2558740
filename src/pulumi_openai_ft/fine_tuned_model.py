"""`FineTunedModel`: a component that turns a local file into a fine-tuned model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

import pulumi

from pulumi_openai_ft._program.functions.error_transport import without_traceback
from pulumi_openai_ft._program.stack_config import stack_service
from pulumi_openai_ft._shared.output_types import JobStatus  # noqa: TC001 - the annotations of outputs are evaluated
from pulumi_openai_ft._shared.state_names import COMPONENT_TYPE, JOB_TYPE
from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.file import File, LocalFile
from pulumi_openai_ft.fine_tuning_job import FineTuningJob
from pulumi_openai_ft.functions import best_checkpoint_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.types import (
        CheckpointMetric,
        IntegrationArgsDict,
        IntegrationDict,
        MethodArgsDict,
        MethodDict,
        ModelName,
    )

__all__ = ["FineTunedModel", "FineTunedModelJobArgs"]

NOT_THERE_YET = (
    "FineTunedModel {!r}: share_with: the model has no name until the job has succeeded: remove "
    "wait_for_completion=False, or share the model with a FineTuningCheckpointPermission after that"
)
NOT_A_CHOICE = "FineTunedModel {!r}: use_checkpoint: {!r} is invalid: must be 'best' or 'last'"
NOT_COMPARABLE = (
    "FineTunedModel {!r}: use_checkpoint: 'best' compares the checkpoints by their validation: pass a validation_file, "
    "or call best_checkpoint_output(model.job_id, by='train_loss')"
)
CheckpointChoice = Literal["best", "last"]


class FineTunedModelJobArgs(TypedDict, total=False):
    """Optional inputs that `FineTunedModel` passes on to its job. `FineTuningJob` describes them."""

    # <<<cog from tools.codegen import job; print(job.optional_keys()) >>>
    suffix: pulumi.Input[str | None]
    """Part of the fine-tuned model's name, 1 to 64 characters."""
    seed: pulumi.Input[int | None]
    """Seed for reproducible training, 0 to 2147483647. By default, the service chooses a seed."""
    method: pulumi.Input[MethodArgsDict | None] | pulumi.Output[MethodDict | None]
    """Training method, for example `{"type": "supervised", "supervised": {"hyperparameters":
    {"n_epochs": 3}}}`. Defaults to supervised.
    """
    integrations: (
        pulumi.Input[Sequence[pulumi.Input[IntegrationArgsDict]] | None]
        | pulumi.Output[list[IntegrationDict] | None]
    )
    """Services that record the training: `[{"type": "wandb", "wandb": {"project": "…"}}]` (at most 5).
    """
    metadata: pulumi.Input[Mapping[str, pulumi.Input[str]] | None]
    """Up to 15 key-value pairs to store with the job, at most 14 to recognize it after a rename."""
    extra_body: pulumi.Input[Mapping[str, Any] | None]
    """Additional fields of the request body, for parameters that a service adds to the API. At services
    other than OpenAI, `method` can be one of them.
    """
    wait_for_completion: pulumi.Input[bool | None]
    """Whether `up` waits until the job has ended; True by default."""
    cancel_after_timeout: pulumi.Input[int | None]
    """Seconds after the job's creation at which an `up` that waits for the job cancels it (at least 1).
    """
    paused: pulumi.Input[bool | None]
    """Whether to pause the job; False by default."""
    recreate_on_failure: pulumi.Input[bool | None]
    """Whether `up` creates a new job after a failure; False by default."""
    delete_model_on_destroy: pulumi.Input[bool | None]
    """Whether destroying the job deletes its model; False by default."""
    triggers: pulumi.Input[Sequence[Any] | None]
    """Arbitrary values. Changing them replaces the job."""
    former_names: pulumi.Input[Sequence[pulumi.Input[str]] | None]
    """Former names of the resource, or former identities as printed in an error. An existing job of one
    of them is adopted instead of creating a second one.
    """
    # <<<end>>>


class FineTunedModel(pulumi.ComponentResource):
    """A model fine-tuned on a local file: the component uploads the file, trains the model and optionally shares it.

    Editing the file re-uploads it and retrains the model. The child resources are available as `job`,
    `training_file`, `validation_file` and `permission`.
    """

    fine_tuned_model: pulumi.Output[str | None]
    """Name of the model of the chosen checkpoint, `ft:…`, once the job has succeeded."""
    job_id: pulumi.Output[str]
    """Id of the job, `ftjob-…`."""
    status: pulumi.Output[str | JobStatus]
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
        model: pulumi.Input[str | ModelName],
        training_file: pulumi.Input[LocalFile] | File,
        validation_file: pulumi.Input[LocalFile | None] | File = None,
        share_with: pulumi.Input[Sequence[pulumi.Input[str]] | None] = None,
        use_checkpoint: CheckpointChoice = "last",
        opts: pulumi.ResourceOptions | None = None,
        **job: Unpack[FineTunedModelJobArgs],
    ) -> None:
        """Fine-tune a model when the stack is updated.

        ## Example Usage

        ```python
        model = openai_ft.FineTunedModel(
            "support",
            model="gpt-4o-mini",
            training_file="customer_support.jsonl",
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        )
        pulumi.export("fine_tuned_model", model.fine_tuned_model)
        ```

        Args:
            resource_name: Name of the component in the stack. The names of its child resources start with it.
            model: Base model, its alias, or a fine-tuned model to train further.
            training_file: Path of the local training file, as in `File`, or an existing `File`.
            validation_file: Path of the local validation file, as in `File`, or an existing `File`.
            share_with: Projects that may use the model, without the project that owns it. Requires an admin key.
            use_checkpoint: Checkpoint whose model is `fine_tuned_model` and is shared. `best` is the one with the lowest
                loss of the whole validation file, or the highest reward in reinforcement; it requires a validation
                file and a service with checkpoints. `last` is the result of the whole training.
            opts: Pulumi's resource options. `custom_timeouts` applies to the child resources.
            job: Other inputs of `FineTuningJob`, such as `suffix` and `method`.

        Raises:
            InputError: `share_with` is set, but `up` does not wait for the job, or the best checkpoint cannot be
                determined, because there is no validation file, or the service has no checkpoints.
        """
        is_shared = share_with not in (None, [], ())
        if is_shared and job.get("wait_for_completion") is False:
            raise without_traceback(InputError(NOT_THERE_YET.format(resource_name)))
        _check_choice(resource_name, use_checkpoint, has_validation=validation_file is not None)
        super().__init__(COMPONENT_TYPE, resource_name, None, opts)
        if use_checkpoint == "best":
            self._require_checkpoints(resource_name)
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
        self.fine_tuned_model = (
            self._best_checkpoint() if use_checkpoint == "best" else self.job.fine_tuned_model
        )
        self.permission = self._permission(resource_name, share_with) if is_shared else None

        self.job_id = self.job.id
        self.status = self.job.status
        self.training_file_id = self.training_file.id
        self.validation_file_id = self.job.validation_file
        self.permission_ids = (
            self.permission.permission_ids if self.permission else pulumi.Output.from_input({})
        )
        self.register_outputs({name: getattr(self, name) for name in OUTPUTS})

    def _file(self, name: str, given: pulumi.Input[LocalFile | None] | File) -> File:
        if isinstance(given, File):
            return given
        return File(name, file=given, opts=self._child_opts)

    def _require_checkpoints(self, name: str) -> None:
        """Raise `InputError` if the stack's service has no checkpoints. An explicit provider has its own settings."""
        profile = stack_service()
        if self.get_provider(JOB_TYPE) is None and not profile.supports("checkpoints"):
            reason = profile.unsupported_message("checkpoints")
            raise without_traceback(InputError(f"FineTunedModel {name!r}: use_checkpoint: {reason}"))

    def _best_checkpoint(self) -> pulumi.Output[str | None]:
        """Return the name of the best checkpoint, or None unless the job has succeeded. It is unknown until then."""

        def choose(known: Mapping[str, Any]) -> pulumi.Output[str | None]:
            if known["status"] != "succeeded":
                return pulumi.Output.from_input(None)
            by: CheckpointMetric = "full_valid_reward" if _has_rewards(known["method"]) else "full_valid_loss"
            opts = pulumi.InvokeOptions(parent=self)
            found = best_checkpoint_output(known["job_id"], by=by, opts=opts)
            return found.apply(lambda checkpoint: checkpoint.fine_tuned_model_checkpoint)

        known = {"job_id": self.job.id, "status": self.job.status, "method": self.job.method}
        return pulumi.Output.from_input(known).apply(choose)

    def _permission(self, name: str, projects: Any) -> FineTuningCheckpointPermission:
        return FineTuningCheckpointPermission(
            name,
            checkpoint_id=self.fine_tuned_model,
            project_ids=projects,
            opts=self._child_opts,
        )


def _check_choice(name: str, use_checkpoint: object, *, has_validation: bool) -> None:
    if use_checkpoint not in get_args(CheckpointChoice):
        raise without_traceback(InputError(NOT_A_CHOICE.format(name, use_checkpoint)))
    if use_checkpoint == "best" and not has_validation:
        raise without_traceback(InputError(NOT_COMPARABLE.format(name)))


def _has_rewards(method: object) -> bool:
    return isinstance(method, Mapping) and method.get("type") == "reinforcement"


OUTPUTS = tuple(
    name for name, kind in FineTunedModel.__annotations__.items() if str(kind).startswith("pulumi.Output")
)
"""Names of the component's outputs, which are registered with the engine."""

"""`FineTuningJob`: a fine-tuning job and the model it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pulumi

from pulumi_openai_ft._program.identity import former_identities
from pulumi_openai_ft._program.provider_proxy import ProviderProxy
from pulumi_openai_ft._program.resource_base import ResourceBase, with_secret_outputs
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.output_types import (  # noqa: TC001 - Pulumi converts outputs by their types
    IntegrationDict,
    JobErrorDict,
    JobStatus,
    MethodDict,
)
from pulumi_openai_ft._shared.state_names import (
    FILE_HASHES,
    FORMER_IDENTITIES,
    REQUESTED_INPUTS,
    TRAINING_DATA,
)
from pulumi_openai_ft.file import File, file_hash, file_id, local_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_openai_ft.types import (
        IntegrationArgsDict,
        MethodArgsDict,
        ModelName,
    )

__all__ = ["FineTuningJob", "FineTuningJobProvider"]


class FineTuningJobProvider(ProviderProxy):
    """The provider of `FineTuningJob`. State files refer to it by this name."""

    module: ClassVar[LazyModule] = LazyModule("_provider.fine_tuning_job")


class FineTuningJob(ResourceBase, pulumi.dynamic.Resource, module="openai_ft", name="FineTuningJob"):
    """A fine-tuning job and the model it trains.

    If this resource has already created a job with the same inputs, for example in an interrupted `up`, that job is
    adopted instead of creating a second one. Source in the API: `POST /fine_tuning/jobs`.
    """

    model: pulumi.Output[str]
    """Base model, as resolved by the service."""
    training_file: pulumi.Output[str]
    """Id of the training file."""
    validation_file: pulumi.Output[str | None]
    """Id of the validation file."""
    suffix: pulumi.Output[str | None]
    """Part of the fine-tuned model's name."""
    seed: pulumi.Output[int]
    """Seed, as given in the inputs or chosen by the service."""
    method: pulumi.Output[MethodDict]
    """Training method, with the hyperparameters as resolved by the service."""
    integrations: pulumi.Output[list[IntegrationDict] | None]
    """Services that record the training."""
    metadata: pulumi.Output[dict[str, str] | None]
    """Metadata of the job, without the idempotency key that this package adds."""
    status: pulumi.Output[str | JobStatus]
    """Status: `validating_files`, `queued`, `running`, `paused`, `succeeded`, `failed`, `cancelled`, or a new value."""
    fine_tuned_model: pulumi.Output[str | None]
    """Name of the fine-tuned model, `ft:…`, once the job has succeeded."""
    created_at: pulumi.Output[int | None]
    """Time at which the job was created, in Unix seconds."""
    finished_at: pulumi.Output[int | None]
    """Time at which the job succeeded, in Unix seconds."""
    trained_tokens: pulumi.Output[int | None]
    """Number of billed tokens, over all epochs."""
    estimated_tokens: pulumi.Output[int | None]
    """Estimate of `trained_tokens` before the job is created. None without a local `File` or for reinforcement jobs."""
    estimated_cost_usd: pulumi.Output[float | None]
    """Estimated training cost in USD, from `estimated_tokens` and the catalog. None if the price is unknown."""
    result_files: pulumi.Output[list[str]]
    """Ids of the files with the training metrics."""
    first_valid_loss: pulumi.Output[float | None]
    """Validation loss of the first epoch, or None if the job has no validation file or the service does not return it."""
    best_valid_loss: pulumi.Output[float | None]
    """Lowest validation loss of an epoch, or None as with `first_valid_loss`."""
    final_valid_loss: pulumi.Output[float | None]
    """Validation loss of the last epoch, or None as with `first_valid_loss`."""
    error: pulumi.Output[JobErrorDict | None]
    """`code`, `message` and `param` of the error if the job failed, or None."""
    organization_id: pulumi.Output[str]
    """Organization that owns the job."""
    base_url: pulumi.Output[str]
    """Base URL of the service that runs the job."""

    def __init__(
        self,
        resource_name: str,
        *,
        # <<<cog from tools.codegen import job; print(job.parameters()) >>>
        model: pulumi.Input[str | ModelName],
        training_file: pulumi.Input[str] | File,
        validation_file: pulumi.Input[str | None] | File = None,
        suffix: pulumi.Input[str | None] = None,
        seed: pulumi.Input[int | None] = None,
        method: pulumi.Input[MethodArgsDict | None] | pulumi.Output[MethodDict | None] = None,
        integrations: pulumi.Input[Sequence[pulumi.Input[IntegrationArgsDict]] | None]
        | pulumi.Output[list[IntegrationDict] | None] = None,
        metadata: pulumi.Input[Mapping[str, pulumi.Input[str]] | None] = None,
        extra_body: pulumi.Input[Mapping[str, Any] | None] = None,
        wait_for_completion: pulumi.Input[bool | None] = None,
        cancel_after_timeout: pulumi.Input[int | None] = None,
        paused: pulumi.Input[bool | None] = None,
        recreate_on_failure: pulumi.Input[bool | None] = None,
        delete_model_on_destroy: pulumi.Input[bool | None] = None,
        triggers: pulumi.Input[Sequence[Any] | None] = None,
        former_names: pulumi.Input[Sequence[pulumi.Input[str]] | None] = None,
        # <<<end>>>
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # <<<cog print(job.docstring("Create a fine-tuning job when the stack is updated.")) >>>
        """Create a fine-tuning job when the stack is updated.

        ## Example Usage

        ```python
        data = openai_ft.File("support-data", file="customer_support.jsonl")
        job = openai_ft.FineTuningJob(
            "support",
            model="gpt-4o-mini",
            training_file=data,
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        )
        pulumi.export("fine_tuned_model", job.fine_tuned_model)
        ```

        Args:
            resource_name: Name of the resource in the stack.
            model: Base model, alias of a base model, or fine-tuned model to train further.
            training_file: Id of the training file, or the `File`.
            validation_file: Id of the validation file, or the `File`.
            suffix: Part of the fine-tuned model's name, 1 to 64 characters.
            seed: Seed for reproducible training, 0 to 2147483647. By default, the service chooses a seed.
            method: Training method, for example `{"type": "supervised", "supervised": {"hyperparameters":
                {"n_epochs": 3}}}`. Defaults to supervised.
            integrations: Services that record the training: `[{"type": "wandb", "wandb": {"project": "…"}}]`
                (at most 5).
            metadata: Up to 15 key-value pairs to store with the job, at most 14 to recognize it after a
                rename.
            extra_body: Additional fields of the request body, for parameters that a service adds to the API.
                At services other than OpenAI, `method` can be one of them.
            wait_for_completion: Whether `up` waits until the job has ended; True by default.
            cancel_after_timeout: Seconds after the job's creation at which an `up` that waits for the job
                cancels it (at least 1).
            paused: Whether to pause the job; False by default.
            recreate_on_failure: Whether `up` creates a new job after a failure; False by default.
            delete_model_on_destroy: Whether destroying the job deletes its model; False by default.
            triggers: Arbitrary values. Changing them replaces the job.
            former_names: Former names of the resource, or former identities as printed in an error. An
                existing job of one of them is adopted instead of creating a second one.
            opts: Pulumi's resource options.
        """
        # <<<end>>>
        given = {
            # <<<cog print(job.arguments()) >>>
            "model": model,
            "training_file": file_id(training_file),
            "validation_file": file_id(validation_file),
            "suffix": suffix,
            "seed": seed,
            "method": method,
            "integrations": integrations,
            "metadata": metadata,
            "extra_body": extra_body,
            "wait_for_completion": wait_for_completion,
            "cancel_after_timeout": cancel_after_timeout,
            "paused": paused,
            "recreate_on_failure": recreate_on_failure,
            "delete_model_on_destroy": delete_model_on_destroy,
            "triggers": triggers,
            "former_names": former_names,
            # <<<end>>>
            FILE_HASHES["training_file"]: file_hash(training_file),
            FILE_HASHES["validation_file"]: file_hash(validation_file),
            TRAINING_DATA: local_data(training_file),
            FORMER_IDENTITIES: former_identities(resource_name, type(self).__name__, opts),
        }
        props = self._properties(resource_name, given, opts)
        super().__init__(
            FineTuningJobProvider(), resource_name, props, with_secret_outputs(opts, REQUESTED_INPUTS)
        )

"""Inputs of `FineTuningJob`: the body of the API's create request, and the provider's own inputs.

The constructors of `FineTuningJob` and `FineTunedModel` are generated from `FineTuningJobInputs` (`make generate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pulumi_openai_ft._provider.input_models import InputModel, ProgramType, within
from pulumi_openai_ft._provider.job.graders import Grader  # noqa: TC001 - pydantic resolves the annotation
from pulumi_openai_ft._shared.api_limits import LIMITS, RANGES

MAX_METADATA = LIMITS["metadata_pairs"] - 1  # the idempotency key uses one pair
MAX_IDENTIFIED_METADATA = MAX_METADATA - 1
"""Maximum number of pairs that leave space for the content key, too.

Existing jobs may have one pair more. Refusing it would force their users to change the metadata, and so to pay again.
"""


@dataclass(frozen=True)
class ProviderInput:
    """A marker of an input that the API does not have.

    Attributes:
        replaces: Whether a change replaces the job. Otherwise, it updates the job in place.
    """

    replaces: bool = False


class AcceptsFile:
    """A marker of a file id. Programs may pass the `File` itself instead of its id."""


IN_PLACE, REPLACES = ProviderInput(), ProviderInput(replaces=True)
FileId = Annotated[str, StringConstraints(min_length=1), AcceptsFile()]

Auto = Literal["auto"]
Id = Annotated[str, StringConstraints(min_length=1)]
Epochs = Auto | Annotated[int, within("n_epochs")]
BatchSize = Auto | Annotated[int, within("batch_size")]
LearningRateMultiplier = Auto | Annotated[float, within("learning_rate_multiplier")]
Beta = Auto | Annotated[float, within("beta")]
EvalInterval = Auto | Annotated[int, within("eval_interval")]
EvalSamples = Auto | Annotated[int, within("eval_samples")]
ComputeMultiplier = Auto | Annotated[float, within("compute_multiplier")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=LIMITS["metadata_key_length"])]
MetadataValue = Annotated[str, StringConstraints(max_length=LIMITS["metadata_value_length"])]
FormerName = Annotated[str, StringConstraints(min_length=1)]
Suffix = Annotated[
    str,
    StringConstraints(min_length=RANGES["suffix_length"].minimum, max_length=RANGES["suffix_length"].maximum),
]


class SupervisedHyperparameters(InputModel):
    """Hyperparameters of supervised training. The service chooses values that are omitted or `auto`."""

    n_epochs: Epochs | None = Field(
        default=None, description=f"Number of passes over the training data, {RANGES['n_epochs']}."
    )
    batch_size: BatchSize | None = Field(
        default=None, description=f"Examples per step, {RANGES['batch_size']}."
    )
    learning_rate_multiplier: LearningRateMultiplier | None = Field(
        default=None,
        description=f"Scaling factor of the learning rate, {RANGES['learning_rate_multiplier']}.",
    )


class DpoHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of direct preference optimization."""

    beta: Beta | None = Field(
        default=None,
        description=f"Weight of the penalty for deviating from the base model, {RANGES['beta']}.",
    )


class ReinforcementHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of reinforcement training."""

    reasoning_effort: Literal["default", "low", "medium", "high"] | None = Field(
        default=None, description="Reasoning effort of the model."
    )
    compute_multiplier: ComputeMultiplier | None = Field(
        default=None,
        description=f"Multiplier of the compute used for exploration, {RANGES['compute_multiplier']}.",
    )
    eval_interval: EvalInterval | None = Field(
        default=None, description=f"Number of steps between evaluations, {RANGES['eval_interval']}."
    )
    eval_samples: EvalSamples | None = Field(
        default=None, description=f"Number of samples per evaluation, {RANGES['eval_samples']}."
    )


class Supervised(InputModel):
    """Supervised training: the model learns to reproduce the responses in the examples."""

    hyperparameters: SupervisedHyperparameters | None = Field(
        default=None, description="Hyperparameters of the training."
    )


class Dpo(InputModel):
    """Direct preference optimization: the model learns to prefer the better of two responses."""

    hyperparameters: DpoHyperparameters | None = Field(
        default=None, description="Hyperparameters of the training."
    )


class Reinforcement(InputModel):
    """Reinforcement training: the model learns to maximize the grader's reward."""

    grader: Grader = Field(description="Grader that computes the reward of a model response.")
    response_format: dict[str, Any] | None = Field(
        default=None, description="JSON schema that model responses must follow."
    )
    hyperparameters: ReinforcementHyperparameters | None = Field(
        default=None, description="Hyperparameters of the training."
    )


class Method(InputModel):
    """The training method. Its settings are nested under the name of the type."""

    type: Literal["supervised", "dpo", "reinforcement"] = Field(description="Type of the method.")
    supervised: Supervised | None = Field(default=None, description="Settings of supervised training.")
    dpo: Dpo | None = Field(default=None, description="Settings of direct preference optimization.")
    reinforcement: Reinforcement | None = Field(
        default=None, description="Settings of reinforcement training."
    )


class Wandb(InputModel):
    """The Weights & Biases run that records the training."""

    project: Id = Field(description="Project at Weights & Biases.")
    name: str | None = Field(default=None, description="Display name of the run. Defaults to the job's id.")
    entity: str | None = Field(default=None, description="User or team that owns the run.")
    tags: list[str] | None = Field(default=None, description="Tags of the run.")


class Integration(InputModel):
    """A service that records the training."""

    type: Literal["wandb"] = Field(description="Type of the service.")
    wandb: Wandb = Field(description="Settings of Weights & Biases.")


class FineTuningJobInputs(InputModel):
    """Inputs of `FineTuningJob`."""

    model: Annotated[Id, ProgramType("str | ModelName")] = Field(
        description="Base model, alias of a base model, or fine-tuned model to train further."
    )
    training_file: FileId = Field(description="Id of the training file, or the `File`.")
    validation_file: FileId | None = Field(
        default=None, description="Id of the validation file, or the `File`."
    )
    suffix: Suffix | None = Field(
        default=None,
        description=f"Part of the fine-tuned model's name, {RANGES['suffix_length']} characters.",
    )
    seed: Annotated[int, within("seed")] | None = Field(
        default=None,
        description="Seed for reproducible training, 0 to 2147483647. By default, the service chooses a seed.",
    )
    method: Method | None = Field(
        default=None,
        description="Training method, for example "
        '`{"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}`. Defaults to supervised.',
    )
    integrations: Annotated[list[Integration], Field(max_length=LIMITS["integrations"])] | None = Field(
        default=None,
        description='Services that record the training: `[{"type": "wandb", "wandb": {"project": "…"}}]`.',
    )
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA)] | None = Field(
        default=None,
        description=f"Up to {MAX_METADATA} key-value pairs to store with the job, at most {MAX_IDENTIFIED_METADATA} to recognize "
        "it after a rename.",
    )
    extra_body: Annotated[dict[str, Any] | None, REPLACES] = Field(
        default=None,
        description="Additional fields of the request body, for parameters that a service adds to the API. At services "
        "other than OpenAI, `method` can be one of them.",
    )
    wait_for_completion: Annotated[bool, IN_PLACE] = Field(
        default=True, description="Whether `up` waits until the job has ended."
    )
    cancel_after_timeout: Annotated[Annotated[int, Field(ge=1)] | None, IN_PLACE] = Field(
        default=None,
        description="Seconds after the job's creation at which an `up` that waits for the job cancels it.",
    )
    paused: Annotated[bool, IN_PLACE] = Field(default=False, description="Whether to pause the job.")
    recreate_on_failure: Annotated[bool, IN_PLACE] = Field(
        default=False, description="Whether `up` creates a new job after a failure."
    )
    delete_model_on_destroy: Annotated[bool, IN_PLACE] = Field(
        default=False, description="Whether destroying the job deletes its model."
    )
    triggers: Annotated[list[Any] | None, REPLACES] = Field(
        default=None, description="Arbitrary values. Changing them replaces the job."
    )
    former_names: Annotated[list[FormerName] | None, IN_PLACE] = Field(
        default=None,
        description="Former names of the resource, or former identities as printed in an error. An existing job of one of "
        "them is adopted instead of creating a second one.",
    )


_PROVIDER_INPUTS = {
    name: marker
    for name, field in FineTuningJobInputs.model_fields.items()
    for marker in field.metadata
    if isinstance(marker, ProviderInput)
}
API_INPUTS = tuple(name for name in FineTuningJobInputs.model_fields if name not in _PROVIDER_INPUTS)
"""Inputs that are parameters of the API."""
PROVIDER_INPUTS = tuple(_PROVIDER_INPUTS)
"""Inputs that the API does not have."""
REPLACING_PROVIDER_INPUTS = tuple(name for name, marker in _PROVIDER_INPUTS.items() if marker.replaces)
"""Inputs that the API does not have, and that replace the job when they change."""
REPLACE_ON_CHANGE = (*API_INPUTS, *REPLACING_PROVIDER_INPUTS)
"""Inputs that replace the job when they change."""
UPDATE_IN_PLACE = tuple(name for name, marker in _PROVIDER_INPUTS.items() if not marker.replaces)
"""Inputs that update the job in place when they change."""

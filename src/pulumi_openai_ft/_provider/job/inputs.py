"""Inputs of `FineTuningJob`: the body of the API's create request, and the provider's own inputs.

The constructors of `FineTuningJob` and `FineTunedModel` are generated from `FineTuningJobInputs` (`make generate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pulumi_openai_ft._provider.input_models import InputModel, within
from pulumi_openai_ft._provider.job.graders import Grader  # noqa: TC001 - pydantic looks it up
from pulumi_openai_ft._shared.api_limits import LIMITS, RANGES

MAX_METADATA = LIMITS["metadata_pairs"] - 1  # one pair holds the idempotency key


@dataclass(frozen=True)
class ProviderInput:
    """Marks an input that the API does not have.

    Attributes:
        replaces: Whether a change replaces the job. Otherwise it updates the job in place.
    """

    replaces: bool = False


class AcceptsFile:
    """Marks the id of a file, for which programs may also pass the `File`."""


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
Suffix = Annotated[
    str,
    StringConstraints(min_length=RANGES["suffix_length"].minimum, max_length=RANGES["suffix_length"].maximum),
]


class SupervisedHyperparameters(InputModel):
    """Hyperparameters of supervised training. The service chooses what is left out or `auto`."""

    n_epochs: Epochs | None = Field(
        default=None, description=f"Passes through the data, {RANGES['n_epochs']}."
    )
    batch_size: BatchSize | None = Field(
        default=None, description=f"Examples in a step, {RANGES['batch_size']}."
    )
    learning_rate_multiplier: LearningRateMultiplier | None = Field(
        default=None, description=f"Scales the learning rate, {RANGES['learning_rate_multiplier']}."
    )


class DpoHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of direct preference optimization."""

    beta: Beta | None = Field(
        default=None, description=f"Weight of the penalty against the base model, {RANGES['beta']}."
    )


class ReinforcementHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of reinforcement training."""

    reasoning_effort: Literal["default", "low", "medium", "high"] | None = Field(
        default=None, description="How much the model reasons."
    )
    compute_multiplier: ComputeMultiplier | None = Field(
        default=None, description=f"How much is explored, {RANGES['compute_multiplier']}."
    )
    eval_interval: EvalInterval | None = Field(default=None, description="Steps between two evaluations.")
    eval_samples: EvalSamples | None = Field(default=None, description="Samples in an evaluation.")


class Supervised(InputModel):
    """Supervised training: learn to answer like the examples."""

    hyperparameters: SupervisedHyperparameters | None = Field(default=None, description="How to train.")


class Dpo(InputModel):
    """Direct preference optimization: learn to prefer one answer to another."""

    hyperparameters: DpoHyperparameters | None = Field(default=None, description="How to train.")


class Reinforcement(InputModel):
    """Reinforcement training: learn to earn the grader's reward."""

    grader: Grader = Field(description="Gives an answer its reward.")
    response_format: dict[str, Any] | None = Field(
        default=None, description="JSON schema that answers follow."
    )
    hyperparameters: ReinforcementHyperparameters | None = Field(default=None, description="How to train.")


class Method(InputModel):
    """How the model is trained. The settings stand under the name of the type."""

    type: Literal["supervised", "dpo", "reinforcement"] = Field(description="Kind of training.")
    supervised: Supervised | None = Field(default=None, description="Settings of supervised training.")
    dpo: Dpo | None = Field(default=None, description="Settings of direct preference optimization.")
    reinforcement: Reinforcement | None = Field(
        default=None, description="Settings of reinforcement training."
    )


class Wandb(InputModel):
    """Where Weights & Biases records the training."""

    project: Id = Field(description="Project at Weights & Biases.")
    name: str | None = Field(default=None, description="Display name of the run; the job's id by default.")
    entity: str | None = Field(default=None, description="User or team of the run.")
    tags: list[str] | None = Field(default=None, description="Tags of the run.")


class Integration(InputModel):
    """A service that follows the training."""

    type: Literal["wandb"] = Field(description="Kind of service.")
    wandb: Wandb = Field(description="Settings of Weights & Biases.")


class FineTuningJobInputs(InputModel):
    """Inputs of `FineTuningJob`."""

    model: Id = Field(description="Base model, an alias of one, or a fine-tuned model to train further.")
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
        description="Makes training repeatable, 0 to 2147483647. The service picks one by default.",
    )
    method: Method | None = Field(
        default=None,
        description="How to train the model, for example "
        '`{"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}`. Supervised by default.',
    )
    integrations: Annotated[list[Integration], Field(max_length=LIMITS["integrations"])] | None = Field(
        default=None,
        description='Services that record the training: `[{"type": "wandb", "wandb": {"project": "…"}}]`.',
    )
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA)] | None = Field(
        default=None, description=f"Up to {MAX_METADATA} key-value pairs to keep with the job."
    )
    extra_body: Annotated[dict[str, Any] | None, REPLACES] = Field(
        default=None,
        description="Merged into the request unchanged, for parameters that a service adds to the API.",
    )
    wait_for_completion: Annotated[bool, IN_PLACE] = Field(
        default=True, description="Whether `up` waits until the job ends."
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
        default=None, description="Any values. A change creates a new job."
    )


_PROVIDER_INPUTS = {
    name: marker
    for name, field in FineTuningJobInputs.model_fields.items()
    for marker in field.metadata
    if isinstance(marker, ProviderInput)
}
API_INPUTS = tuple(name for name in FineTuningJobInputs.model_fields if name not in _PROVIDER_INPUTS)
"""Inputs that the API has."""
PROVIDER_INPUTS = tuple(_PROVIDER_INPUTS)
"""Inputs that the API does not have."""
REPLACING_PROVIDER_INPUTS = tuple(name for name, marker in _PROVIDER_INPUTS.items() if marker.replaces)
"""Inputs that the API does not have and whose change replaces the job."""
REPLACE_ON_CHANGE = (*API_INPUTS, *REPLACING_PROVIDER_INPUTS)
"""Inputs whose change replaces the job."""
UPDATE_IN_PLACE = tuple(name for name, marker in _PROVIDER_INPUTS.items() if not marker.replaces)
"""Inputs whose change updates the job in place."""

"""Inputs of `FineTuningJob`: the body of the API's create call, and what is ours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pulumi_openai_ft._provider.input_models import InputModel
from pulumi_openai_ft._provider.job.graders import Grader  # noqa: TC001 - pydantic looks it up

MAX_METADATA = 15  # the API allows 16; one carries the token that keeps a job from being paid twice

Auto = Literal["auto"]
Id = Annotated[str, StringConstraints(min_length=1)]
Epochs = Auto | Annotated[int, Field(ge=1, le=50)]
BatchSize = Auto | Annotated[int, Field(ge=1, le=256)]
Positive = Auto | Annotated[float, Field(gt=0)]
Beta = Auto | Annotated[float, Field(gt=0, le=2)]
AtLeastOne = Auto | Annotated[int, Field(ge=1)]
ComputeMultiplier = Auto | Annotated[float, Field(gt=0.00001, le=10)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


class SupervisedHyperparameters(InputModel):
    """Hyperparameters of supervised training. The service chooses what is left out or `auto`."""

    n_epochs: Epochs | None = Field(default=None, description="Passes through the data, 1 to 50.")
    batch_size: BatchSize | None = Field(default=None, description="Examples in a step, 1 to 256.")
    learning_rate_multiplier: Positive | None = Field(
        default=None, description="Scales the learning rate, above 0."
    )


class DpoHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of direct preference optimization."""

    beta: Beta | None = Field(
        default=None, description="Weight of the penalty against the base model, above 0 to 2."
    )


class ReinforcementHyperparameters(SupervisedHyperparameters):
    """Hyperparameters of reinforcement training."""

    reasoning_effort: Literal["default", "low", "medium", "high"] | None = Field(
        default=None, description="How much the model reasons."
    )
    compute_multiplier: ComputeMultiplier | None = Field(
        default=None, description="How much is explored, above 0.00001 to 10."
    )
    eval_interval: AtLeastOne | None = Field(default=None, description="Steps between two evaluations.")
    eval_samples: AtLeastOne | None = Field(default=None, description="Samples in an evaluation.")


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
    training_file: Id = Field(description="Id of the training file.")
    validation_file: Id | None = Field(default=None, description="Id of the validation file.")
    suffix: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="Part of the fine-tuned model's name, 1 to 64 characters."
    )
    seed: Annotated[int, Field(ge=0, le=2147483647)] | None = Field(
        default=None, description="Makes training repeatable; the service picks one by default."
    )
    method: Method | None = Field(
        default=None, description="How the model is trained; supervised by default."
    )
    integrations: Annotated[list[Integration], Field(max_length=5)] | None = Field(
        default=None, description="Services that follow the training."
    )
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA)] | None = Field(
        default=None, description="Up to 15 pairs of texts, kept with the job."
    )
    extra_body: dict[str, Any] | None = Field(
        default=None, description="Merged into the request as it is, for what a service adds to the API."
    )
    wait_for_completion: bool = Field(default=True, description="Whether `up` waits until the job is done.")
    cancel_after_timeout: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Seconds since the job's creation after which a waiting `up` cancels it."
    )
    paused: bool = Field(default=False, description="Whether the job is to be paused.")
    recreate_on_failure: bool = Field(default=False, description="Whether `up` trains again after a failure.")
    delete_model_on_destroy: bool = Field(
        default=False, description="Whether destroying the job deletes the model that it made."
    )
    triggers: list[Any] | None = Field(
        default=None, description="Any values; when they change, the job trains again."
    )


PROVIDER_INPUTS = (
    "wait_for_completion",
    "cancel_after_timeout",
    "paused",
    "recreate_on_failure",
    "delete_model_on_destroy",
    "triggers",
    "extra_body",
)
"""Inputs that the API does not know. All but `triggers` and `extra_body` change in place."""

REPLACE_ON_CHANGE = (
    "model",
    "training_file",
    "validation_file",
    "suffix",
    "seed",
    "method",
    "integrations",
    "metadata",
    "extra_body",
    "triggers",
)
"""Inputs whose change needs another job."""

UPDATE_IN_PLACE = tuple(name for name in PROVIDER_INPUTS if name not in REPLACE_ON_CHANGE)
"""Inputs that change in place."""

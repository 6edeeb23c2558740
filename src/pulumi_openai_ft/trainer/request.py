"""The request of a training run, which the server writes into the job folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
PositiveFloat = Annotated[float, msgspec.Meta(gt=0)]


class Hyperparameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The API's hyperparameters as numbers: the server has replaced "auto"."""

    n_epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate_multiplier: PositiveFloat
    beta: PositiveFloat = 0.1


class Lora(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rank and the scale of a new adapter. A continued adapter keeps its own."""

    r: PositiveInt = 16
    alpha: PositiveInt = 32


class Wandb(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The job's Weights & Biases integration. The key is only in the environment, as WANDB_API_KEY."""

    project: str
    entity: str | None = None
    name: str | None = None
    tags: list[str] | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training run to perform.

    Attributes:
        schema: Version of this structure.
        job: Id of the job.
        attempt: Number of this attempt, from 1.
        base: Folder of the base model, with safetensors.
        adapter: Folder of the adapter to continue from, if any.
        method: Training method.
        hyperparameters: Hyperparameters of the method.
        learning_rate: Learning rate of the base, which `learning_rate_multiplier` multiplies.
        seed: Seed of the adapter's initial weights and of the order of the rows.
        lora: Size of the adapter.
        max_length: Maximum number of tokens in a row. The end of a longer row is cut.
        keep_checkpoints: Number of checkpoints and of published models to keep.
        wandb: Weights & Biases integration, if any.
    """

    schema: int
    job: str
    attempt: PositiveInt
    base: str
    method: Literal["supervised", "dpo"]
    hyperparameters: Hyperparameters
    learning_rate: PositiveFloat
    seed: int
    lora: Lora
    max_length: Annotated[int, msgspec.Meta(ge=2)]
    adapter: str | None = None
    keep_checkpoints: PositiveInt = 3
    wandb: Wandb | None = None


class _Versioned(msgspec.Struct):
    schema: int


def read_request(file: Path) -> Request:
    """Read a request. Raise TrainingError if it is invalid or of another version."""
    try:
        content = file.read_bytes()
        version = msgspec.json.decode(content, type=_Versioned).schema
        if version != SCHEMA:
            raise TrainingError(
                "invalid_request",
                f"This trainer reads version {SCHEMA} of training requests, not {version}: "
                "install the server and the trainer from the same version of the package.",
            )
        return msgspec.json.decode(content, type=Request)
    except msgspec.MsgspecError as error:
        raise TrainingError("invalid_request", f"The training request is invalid: {error}.") from error

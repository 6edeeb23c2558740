"""Types of nested values, for the annotations of programs.

Programs pass nested inputs as dictionaries, whose keys a type checker knows from the signature. Annotate a dictionary
that a program builds separately: `settings: openai_ft.types.MethodArgsDict = {…}`. Names that end in `ArgsDict` are
types of inputs, and those that end in `Dict` are types of outputs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

import pulumi

FileStatus: TypeAlias = Literal["uploaded", "processed", "error"]
"""Known statuses of a file. A service may return others."""

JobStatus: TypeAlias = Literal[
    "validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"
]
"""Known statuses of a job. A service may return others."""

EventType: TypeAlias = Literal["message", "metrics", "moderation_checks"]
"""Known types of events. A service may return others."""

# <<<cog from tools.typed_dicts import source; print(source()) >>>
CheckpointMetric: TypeAlias = Literal[
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "full_valid_loss",
    "full_valid_accuracy",
    "train_reward",
    "valid_reward",
    "full_valid_reward",
]

EventLevel: TypeAlias = Literal["info", "warn", "warning", "error"]

EventOrder: TypeAlias = Literal["newest", "oldest"]

FilePurpose: TypeAlias = Literal["fine-tune", "assistants", "batch", "vision", "user_data", "evals"]

ValidationMode: TypeAlias = Literal["error", "warn", "off"]

MethodType: TypeAlias = Literal["supervised", "dpo", "reinforcement"]

ModelName: TypeAlias = Literal[
    "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo",
    "gpt-35-turbo",
    "gpt-35-turbo-0125",
    "gpt-3.5-turbo-1106",
    "gpt-35-turbo-1106",
    "gpt-4.1-2025-04-14",
    "gpt-4.1",
    "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-mini",
    "gpt-4.1-nano-2025-04-14",
    "gpt-4.1-nano",
    "gpt-4o-2024-08-06",
    "gpt-4o",
    "gpt-4o-mini-2024-07-18",
    "gpt-4o-mini",
    "gpt-5-2025-08-07",
    "gpt-5",
    "o4-mini-2025-04-16",
    "o4-mini",
    "Llama-3.3-70B-Instruct",
    "Ministral-3B",
    "Ministral-3B-2411",
    "Qwen-32B",
    "gpt-oss-20b",
    "openai.gpt-oss-20b",
    "qwen.qwen3-32b",
]
"""Base models that a service of the catalog offers. Programs may also use other names."""


class ExpiresAfterArgsDict(TypedDict):
    """Lifetime after which the service deletes the file."""

    anchor: pulumi.Input[Literal["created_at"]]
    """Start of the lifetime."""
    seconds: pulumi.Input[int]
    """Lifetime in seconds, 1 hour to 30 days (3600 to 2592000)."""


class SupervisedHyperparametersArgsDict(TypedDict):
    """Hyperparameters of supervised training. The service chooses values that are omitted or `auto`."""

    n_epochs: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[pulumi.Input[Literal["auto"] | float | None]]
    """Scaling factor of the learning rate, above 0."""
    context_length: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class SupervisedArgsDict(TypedDict):
    """Supervised training: the model learns to reproduce the responses in the examples."""

    hyperparameters: NotRequired[pulumi.Input[SupervisedHyperparametersArgsDict | None]]
    """Hyperparameters of the training."""


class DpoHyperparametersArgsDict(TypedDict):
    """Hyperparameters of direct preference optimization."""

    n_epochs: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[pulumi.Input[Literal["auto"] | float | None]]
    """Scaling factor of the learning rate, above 0."""
    beta: NotRequired[pulumi.Input[Literal["auto"] | float | None]]
    """Weight of the penalty for deviating from the base model, above 0 to 2."""
    context_length: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class DpoArgsDict(TypedDict):
    """Direct preference optimization: the model learns to prefer the better of two responses."""

    hyperparameters: NotRequired[pulumi.Input[DpoHyperparametersArgsDict | None]]
    """Hyperparameters of the training."""


class StringCheckArgsDict(TypedDict):
    """A grader that rewards 1 if the comparison of the input with the reference succeeds, otherwise 0."""

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: pulumi.Input[str]
    """Name of the grader."""
    input: pulumi.Input[str]
    """Text to grade, such as `{{sample.output_text}}`."""
    reference: pulumi.Input[str]
    """Text to compare with, such as `{{item.answer}}`."""
    type: pulumi.Input[Literal["string_check"]]
    """Type of the grader."""
    operation: pulumi.Input[Literal["eq", "ne", "like", "ilike"]]
    """`eq` equal, `ne` not equal, `like` contains, `ilike` contains (ignoring case)."""


class TextSimilarityArgsDict(TypedDict):
    """A grader that rewards the similarity of the input to the reference."""

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: pulumi.Input[str]
    """Name of the grader."""
    input: pulumi.Input[str]
    """Text to grade, such as `{{sample.output_text}}`."""
    reference: pulumi.Input[str]
    """Text to compare with, such as `{{item.answer}}`."""
    type: pulumi.Input[Literal["text_similarity"]]
    """Type of the grader."""
    evaluation_metric: pulumi.Input[
        Literal[
            "cosine",
            "fuzzy_match",
            "bleu",
            "gleu",
            "meteor",
            "rouge_1",
            "rouge_2",
            "rouge_3",
            "rouge_4",
            "rouge_5",
            "rouge_l",
        ]
    ]
    """Metric of the similarity: `cosine`, `fuzzy_match`, `bleu`, `gleu`, `meteor`, `rouge_1`,
    `rouge_2`, `rouge_3`, `rouge_4`, `rouge_5` or `rouge_l`.
    """


class GraderMessageArgsDict(TypedDict):
    """A message to the grading model."""

    role: pulumi.Input[Literal["user", "assistant", "system", "developer"]]
    """Role of the message's author: `user`, `assistant`, `system` or `developer`."""
    content: pulumi.Input[str | Mapping[str, Any] | Sequence[Any]]
    """A text, a part such as `{"type": "input_text", "text": "…"}`, or a list of these. Texts may
    contain templates.
    """
    type: NotRequired[pulumi.Input[Literal["message"] | None]]
    """Always `message`."""


class SamplingParamsArgsDict(TypedDict):
    """Sampling parameters of the grading model."""

    seed: NotRequired[pulumi.Input[int | None]]
    """Seed for reproducible model responses."""
    top_p: NotRequired[pulumi.Input[float | None]]
    """Cumulative probability of the tokens to sample from (nucleus sampling)."""
    temperature: NotRequired[pulumi.Input[float | None]]
    """Randomness of the model's responses."""
    max_completions_tokens: NotRequired[pulumi.Input[int | None]]
    """Maximum number of tokens in a model response (at least 1)."""
    reasoning_effort: NotRequired[pulumi.Input[str | None]]
    """Reasoning effort of the model: `low`, `medium`, `high`, or another value that it supports."""


class ScoreModelArgsDict(TypedDict):
    """A grader that rewards the score returned by a model."""

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: pulumi.Input[str]
    """Name of the grader."""
    model: pulumi.Input[str]
    """Grading model."""
    input: pulumi.Input[Sequence[pulumi.Input[GraderMessageArgsDict]]]
    """Messages to the grading model."""
    type: pulumi.Input[Literal["score_model"]]
    """Type of the grader."""
    range: NotRequired[pulumi.Input[Sequence[pulumi.Input[float]] | None]]
    """Minimum and maximum reward, 2 numbers. Scores outside of the range are clipped. Defaults to `[0,
    1]`.
    """
    sampling_params: NotRequired[pulumi.Input[SamplingParamsArgsDict | None]]
    """Sampling parameters of the grading model."""


class PythonCodeArgsDict(TypedDict):
    """A grader that rewards the number returned by Python code."""

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: NotRequired[pulumi.Input[str | None]]
    """Name of the grader. OpenAI's specification requires it; its guides omit it."""
    type: pulumi.Input[Literal["python"]]
    """Type of the grader."""
    source: pulumi.Input[str]
    """Python source that defines `grade(sample, item)`, which returns a number."""
    image_tag: NotRequired[pulumi.Input[str | None]]
    """Tag of the image in which the source runs."""


class LabelModelArgsDict(TypedDict):
    """A grader that rewards 1 if a model chooses a passing label, otherwise 0.

    It can only be used in a `multi` grader.
    """

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: pulumi.Input[str]
    """Name of the grader."""
    model: pulumi.Input[str]
    """Grading model."""
    input: pulumi.Input[Sequence[pulumi.Input[GraderMessageArgsDict]]]
    """Messages to the grading model."""
    type: pulumi.Input[Literal["label_model"]]
    """Type of the grader."""
    labels: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Labels that the grading model chooses from."""
    passing_labels: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Labels that are rewarded."""


PartialGraderArgsDict: TypeAlias = (
    StringCheckArgsDict
    | TextSimilarityArgsDict
    | ScoreModelArgsDict
    | LabelModelArgsDict
    | PythonCodeArgsDict
)


class MultiArgsDict(TypedDict):
    """A grader that rewards the result of a formula over the rewards of other graders."""

    pass_threshold: NotRequired[pulumi.Input[float | None]]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: NotRequired[pulumi.Input[str | None]]
    """Name of the grader. OpenAI's specification requires it; its guides omit it."""
    type: pulumi.Input[Literal["multi"]]
    """Type of the grader."""
    graders: pulumi.Input[
        Mapping[str, pulumi.Input[PartialGraderArgsDict]]
        | Sequence[pulumi.Input[PartialGraderArgsDict]]
        | PartialGraderArgsDict
    ]
    """Graders, as a map from names to graders or as a list."""
    calculate_output: pulumi.Input[str]
    """Formula that uses the graders' names, such as `0.7 * correct + 0.3 * brief`."""


class LambdaFunctionArgsDict(TypedDict):
    """An AWS Lambda function."""

    function: pulumi.Input[str]
    """ARN of the function."""


_LambdaGraderArgsDict = TypedDict("_LambdaGraderArgsDict", {"lambda": pulumi.Input[LambdaFunctionArgsDict]})


class LambdaGraderArgsDict(_LambdaGraderArgsDict):
    """A grader that rewards the number returned by an AWS Lambda function.

    Only Amazon Bedrock documents it.
    """

    type: pulumi.Input[Literal["lambda"]]
    """Type of the grader."""


GraderArgsDict: TypeAlias = (
    StringCheckArgsDict
    | TextSimilarityArgsDict
    | ScoreModelArgsDict
    | PythonCodeArgsDict
    | MultiArgsDict
    | LambdaGraderArgsDict
)


class ReinforcementHyperparametersArgsDict(TypedDict):
    """Hyperparameters of reinforcement training."""

    n_epochs: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[pulumi.Input[Literal["auto"] | float | None]]
    """Scaling factor of the learning rate, above 0."""
    reasoning_effort: NotRequired[pulumi.Input[Literal["default", "low", "medium", "high"] | None]]
    """Reasoning effort of the model."""
    compute_multiplier: NotRequired[pulumi.Input[Literal["auto"] | float | None]]
    """Multiplier of the compute used for exploration, above 0.00001 to 10."""
    eval_interval: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Number of steps between evaluations, at least 1."""
    eval_samples: NotRequired[pulumi.Input[Literal["auto"] | int | None]]
    """Number of samples per evaluation, at least 1."""
    context_length: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[pulumi.Input[bool | float | str | None]]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class ReinforcementArgsDict(TypedDict):
    """Reinforcement training: the model learns to maximize the grader's reward."""

    grader: pulumi.Input[GraderArgsDict]
    """Grader that computes the reward of a model response."""
    response_format: NotRequired[pulumi.Input[Mapping[str, Any] | None]]
    """JSON schema that model responses must follow."""
    hyperparameters: NotRequired[pulumi.Input[ReinforcementHyperparametersArgsDict | None]]
    """Hyperparameters of the training."""


class MethodArgsDict(TypedDict):
    """The training method. Its settings are nested under the name of the type."""

    type: pulumi.Input[MethodType]
    """Type of the method: `supervised`, `dpo` or `reinforcement`."""
    supervised: NotRequired[pulumi.Input[SupervisedArgsDict | None]]
    """Settings of supervised training."""
    dpo: NotRequired[pulumi.Input[DpoArgsDict | None]]
    """Settings of direct preference optimization."""
    reinforcement: NotRequired[pulumi.Input[ReinforcementArgsDict | None]]
    """Settings of reinforcement training."""


class WandbArgsDict(TypedDict):
    """The Weights & Biases run that records the training."""

    project: pulumi.Input[str]
    """Project at Weights & Biases."""
    name: NotRequired[pulumi.Input[str | None]]
    """Display name of the run. Defaults to the job's id."""
    entity: NotRequired[pulumi.Input[str | None]]
    """User or team that owns the run."""
    tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]] | None]]
    """Tags of the run."""


class IntegrationArgsDict(TypedDict):
    """A service that records the training."""

    type: pulumi.Input[Literal["wandb"]]
    """Type of the service."""
    wandb: pulumi.Input[WandbArgsDict]
    """Settings of Weights & Biases."""


class SupervisedHyperparametersDict(TypedDict):
    """Hyperparameters of supervised training. The service chooses values that are omitted or `auto`."""

    n_epochs: NotRequired[Literal["auto"] | int]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[Literal["auto"] | int]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[Literal["auto"] | float]
    """Scaling factor of the learning rate, above 0."""
    context_length: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class SupervisedDict(TypedDict):
    """Supervised training: the model learns to reproduce the responses in the examples."""

    hyperparameters: NotRequired[SupervisedHyperparametersDict]
    """Hyperparameters of the training."""


class DpoHyperparametersDict(TypedDict):
    """Hyperparameters of direct preference optimization."""

    n_epochs: NotRequired[Literal["auto"] | int]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[Literal["auto"] | int]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[Literal["auto"] | float]
    """Scaling factor of the learning rate, above 0."""
    beta: NotRequired[Literal["auto"] | float]
    """Weight of the penalty for deviating from the base model, above 0 to 2."""
    context_length: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class DpoDict(TypedDict):
    """Direct preference optimization: the model learns to prefer the better of two responses."""

    hyperparameters: NotRequired[DpoHyperparametersDict]
    """Hyperparameters of the training."""


class StringCheckDict(TypedDict):
    """A grader that rewards 1 if the comparison of the input with the reference succeeds, otherwise 0."""

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: str
    """Name of the grader."""
    input: str
    """Text to grade, such as `{{sample.output_text}}`."""
    reference: str
    """Text to compare with, such as `{{item.answer}}`."""
    type: Literal["string_check"]
    """Type of the grader."""
    operation: Literal["eq", "ne", "like", "ilike"]
    """`eq` equal, `ne` not equal, `like` contains, `ilike` contains (ignoring case)."""


class TextSimilarityDict(TypedDict):
    """A grader that rewards the similarity of the input to the reference."""

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: str
    """Name of the grader."""
    input: str
    """Text to grade, such as `{{sample.output_text}}`."""
    reference: str
    """Text to compare with, such as `{{item.answer}}`."""
    type: Literal["text_similarity"]
    """Type of the grader."""
    evaluation_metric: Literal[
        "cosine",
        "fuzzy_match",
        "bleu",
        "gleu",
        "meteor",
        "rouge_1",
        "rouge_2",
        "rouge_3",
        "rouge_4",
        "rouge_5",
        "rouge_l",
    ]
    """Metric of the similarity: `cosine`, `fuzzy_match`, `bleu`, `gleu`, `meteor`, `rouge_1`,
    `rouge_2`, `rouge_3`, `rouge_4`, `rouge_5` or `rouge_l`.
    """


class GraderMessageDict(TypedDict):
    """A message to the grading model."""

    role: Literal["user", "assistant", "system", "developer"]
    """Role of the message's author: `user`, `assistant`, `system` or `developer`."""
    content: str | dict[str, Any] | list[Any]
    """A text, a part such as `{"type": "input_text", "text": "…"}`, or a list of these. Texts may
    contain templates.
    """
    type: NotRequired[Literal["message"]]
    """Always `message`."""


class SamplingParamsDict(TypedDict):
    """Sampling parameters of the grading model."""

    seed: NotRequired[int]
    """Seed for reproducible model responses."""
    top_p: NotRequired[float]
    """Cumulative probability of the tokens to sample from (nucleus sampling)."""
    temperature: NotRequired[float]
    """Randomness of the model's responses."""
    max_completions_tokens: NotRequired[int]
    """Maximum number of tokens in a model response (at least 1)."""
    reasoning_effort: NotRequired[str]
    """Reasoning effort of the model: `low`, `medium`, `high`, or another value that it supports."""


class ScoreModelDict(TypedDict):
    """A grader that rewards the score returned by a model."""

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: str
    """Name of the grader."""
    model: str
    """Grading model."""
    input: list[GraderMessageDict]
    """Messages to the grading model."""
    type: Literal["score_model"]
    """Type of the grader."""
    range: NotRequired[list[float]]
    """Minimum and maximum reward, 2 numbers. Scores outside of the range are clipped. Defaults to `[0,
    1]`.
    """
    sampling_params: NotRequired[SamplingParamsDict]
    """Sampling parameters of the grading model."""


class PythonCodeDict(TypedDict):
    """A grader that rewards the number returned by Python code."""

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: NotRequired[str]
    """Name of the grader. OpenAI's specification requires it; its guides omit it."""
    type: Literal["python"]
    """Type of the grader."""
    source: str
    """Python source that defines `grade(sample, item)`, which returns a number."""
    image_tag: NotRequired[str]
    """Tag of the image in which the source runs."""


class LabelModelDict(TypedDict):
    """A grader that rewards 1 if a model chooses a passing label, otherwise 0.

    It can only be used in a `multi` grader.
    """

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: str
    """Name of the grader."""
    model: str
    """Grading model."""
    input: list[GraderMessageDict]
    """Messages to the grading model."""
    type: Literal["label_model"]
    """Type of the grader."""
    labels: list[str]
    """Labels that the grading model chooses from."""
    passing_labels: list[str]
    """Labels that are rewarded."""


PartialGraderDict: TypeAlias = (
    StringCheckDict | TextSimilarityDict | ScoreModelDict | LabelModelDict | PythonCodeDict
)


class MultiDict(TypedDict):
    """A grader that rewards the result of a formula over the rewards of other graders."""

    pass_threshold: NotRequired[float]
    """Reward from which a response passes. OpenAI's guides use it; its specification does not contain
    it.
    """
    name: NotRequired[str]
    """Name of the grader. OpenAI's specification requires it; its guides omit it."""
    type: Literal["multi"]
    """Type of the grader."""
    graders: dict[str, PartialGraderDict] | list[PartialGraderDict] | PartialGraderDict
    """Graders, as a map from names to graders or as a list."""
    calculate_output: str
    """Formula that uses the graders' names, such as `0.7 * correct + 0.3 * brief`."""


class LambdaFunctionDict(TypedDict):
    """An AWS Lambda function."""

    function: str
    """ARN of the function."""


_LambdaGraderDict = TypedDict("_LambdaGraderDict", {"lambda": LambdaFunctionDict})


class LambdaGraderDict(_LambdaGraderDict):
    """A grader that rewards the number returned by an AWS Lambda function.

    Only Amazon Bedrock documents it.
    """

    type: Literal["lambda"]
    """Type of the grader."""


GraderDict: TypeAlias = (
    StringCheckDict | TextSimilarityDict | ScoreModelDict | PythonCodeDict | MultiDict | LambdaGraderDict
)


class ReinforcementHyperparametersDict(TypedDict):
    """Hyperparameters of reinforcement training."""

    n_epochs: NotRequired[Literal["auto"] | int]
    """Number of passes over the training data, 1 to 50."""
    batch_size: NotRequired[Literal["auto"] | int]
    """Examples per step, 1 to 256."""
    learning_rate_multiplier: NotRequired[Literal["auto"] | float]
    """Scaling factor of the learning rate, above 0."""
    reasoning_effort: NotRequired[Literal["default", "low", "medium", "high"]]
    """Reasoning effort of the model."""
    compute_multiplier: NotRequired[Literal["auto"] | float]
    """Multiplier of the compute used for exploration, above 0.00001 to 10."""
    eval_interval: NotRequired[Literal["auto"] | int]
    """Number of steps between evaluations, at least 1."""
    eval_samples: NotRequired[Literal["auto"] | int]
    """Number of samples per evaluation, at least 1."""
    context_length: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    learning_rate: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_alpha: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_dropout: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    lora_r: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    max_grad_norm: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    packing: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    warmup_ratio: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""
    weight_decay: NotRequired[bool | float | str]
    """Hyperparameter of the service `nebius`. OpenAI does not have it."""


class ReinforcementDict(TypedDict):
    """Reinforcement training: the model learns to maximize the grader's reward."""

    grader: GraderDict
    """Grader that computes the reward of a model response."""
    response_format: NotRequired[dict[str, Any]]
    """JSON schema that model responses must follow."""
    hyperparameters: NotRequired[ReinforcementHyperparametersDict]
    """Hyperparameters of the training."""


class MethodDict(TypedDict):
    """The training method. Its settings are nested under the name of the type."""

    type: MethodType
    """Type of the method: `supervised`, `dpo` or `reinforcement`."""
    supervised: NotRequired[SupervisedDict]
    """Settings of supervised training."""
    dpo: NotRequired[DpoDict]
    """Settings of direct preference optimization."""
    reinforcement: NotRequired[ReinforcementDict]
    """Settings of reinforcement training."""


class WandbDict(TypedDict):
    """The Weights & Biases run that records the training."""

    project: str
    """Project at Weights & Biases."""
    name: NotRequired[str]
    """Display name of the run. Defaults to the job's id."""
    entity: NotRequired[str]
    """User or team that owns the run."""
    tags: NotRequired[list[str]]
    """Tags of the run."""


class IntegrationDict(TypedDict):
    """A service that records the training."""

    type: Literal["wandb"]
    """Type of the service."""
    wandb: WandbDict
    """Settings of Weights & Biases."""


class JobErrorDict(TypedDict):
    """The reason why a job failed. All fields are empty unless the job failed."""

    code: str | None
    """Error code, such as `invalid_training_file`."""
    message: str | None
    """Error message."""
    param: str | None
    """Job parameter that caused the failure."""


# <<<end>>>

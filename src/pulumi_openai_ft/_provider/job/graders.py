"""Graders, which compute the reward of a model response in reinforcement training.

Source in the API: `method.reinforcement.grader` of `POST /fine_tuning/jobs`. Only unambiguous errors are reported here;
the service checks messages and templates in full.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    create_model,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from pulumi_openai_ft._provider.input_models import InputModel
from pulumi_openai_ft._shared.suggestions import closest


def _closed(value: Any) -> Any:
    if isinstance(value, str) and value.rfind("{{") > value.rfind("}}"):
        raise ValueError("a string in which every {{ is closed by }}")
    return value


def _ascending(numbers: list[float]) -> list[float]:
    if numbers[0] >= numbers[1]:
        raise ValueError("two numbers in ascending order")
    return numbers


LAMBDA = "lambda"
"""Type of the grader that only Amazon Bedrock documents."""

Text = Annotated[str, StringConstraints(min_length=1)]
Template = Annotated[str, AfterValidator(_closed)]
Content = Annotated[str | dict[str, Any] | list[Any], AfterValidator(_closed)]
Labels = Annotated[list[str], Field(min_length=1)]
Range = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_ascending)]


class GraderMessage(InputModel):
    """A message to the grading model."""

    role: Literal["user", "assistant", "system", "developer"] = Field(
        description="Role of the message's author."
    )
    content: Content = Field(
        description='A text, a part such as `{"type": "input_text", "text": "…"}`, or a list of these. '
        "Texts may contain templates."
    )
    type: Literal["message"] | None = Field(default=None, description="Always `message`.")


class SamplingParams(InputModel):
    """Sampling parameters of the grading model."""

    seed: int | None = Field(default=None, description="Seed for reproducible model responses.")
    top_p: float | None = Field(
        default=None, description="Cumulative probability of the tokens to sample from (nucleus sampling)."
    )
    temperature: float | None = Field(default=None, description="Randomness of the model's responses.")
    max_completions_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Maximum number of tokens in a model response."
    )
    reasoning_effort: Text | None = Field(
        default=None,
        description="Reasoning effort of the model: `low`, `medium`, `high`, or another value that it supports.",
    )


class _Grader(InputModel):
    pass_threshold: float | None = Field(
        default=None,
        description="Reward from which a response passes. OpenAI's guides use it; its specification does not contain it.",
    )


class _Named(_Grader):
    name: Text = Field(description="Name of the grader.")


class _Nameable(_Grader):
    name: Text | None = Field(
        default=None,
        description="Name of the grader. OpenAI's specification requires it; its guides omit it.",
    )


class _Comparing(_Named):
    input: Template = Field(description="Text to grade, such as `{{sample.output_text}}`.")
    reference: Template = Field(description="Text to compare with, such as `{{item.answer}}`.")


class _ModelBased(_Named):
    model: Text = Field(description="Grading model.")
    input: Annotated[list[GraderMessage], Field(min_length=1)] = Field(
        description="Messages to the grading model."
    )


class StringCheck(_Comparing):
    """A grader that rewards 1 if the comparison of the input with the reference succeeds, otherwise 0."""

    type: Literal["string_check"] = Field(description="Type of the grader.")
    operation: Literal["eq", "ne", "like", "ilike"] = Field(
        description="`eq` equal, `ne` not equal, `like` contains, `ilike` contains (ignoring case)."
    )


class TextSimilarity(_Comparing):
    """A grader that rewards the similarity of the input to the reference."""

    type: Literal["text_similarity"] = Field(description="Type of the grader.")
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
    ] = Field(description="Metric of the similarity.")


class ScoreModel(_ModelBased):
    """A grader that rewards the score returned by a model."""

    type: Literal["score_model"] = Field(description="Type of the grader.")
    range: Range | None = Field(
        default=None,
        description="Minimum and maximum reward. Scores outside of the range are clipped. Defaults to `[0, 1]`.",
    )
    sampling_params: SamplingParams | None = Field(
        default=None, description="Sampling parameters of the grading model."
    )


class LabelModel(_ModelBased):
    """A grader that rewards 1 if a model chooses a passing label, otherwise 0.

    It can only be used in a `multi` grader.
    """

    type: Literal["label_model"] = Field(description="Type of the grader.")
    labels: Labels = Field(description="Labels that the grading model chooses from.")
    passing_labels: Labels = Field(description="Labels that are rewarded.")

    @field_validator("passing_labels")
    @classmethod
    def _are_labels(cls, passing: list[str], info: ValidationInfo) -> list[str]:
        labels = info.data.get("labels", passing)  # absent if the labels are invalid or unknown
        if not set(passing) <= set(labels):
            raise ValueError(f"among the labels: {', '.join(map(repr, labels))}")
        return passing


class PythonCode(_Nameable):
    """A grader that rewards the number returned by Python code."""

    type: Literal["python"] = Field(description="Type of the grader.")
    source: Text = Field(
        description="Python source that defines `grade(sample, item)`, which returns a number."
    )
    image_tag: Text | None = Field(default=None, description="Tag of the image in which the source runs.")


def _as_its_type(union: Any) -> WrapValidator:
    """Return a validator that selects the model by the grader's type.

    Pydantic's own unions would add the name of the branch to every property path.
    """
    models: dict[str, type[InputModel]] = {
        get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(union)
    }

    def checked(value: Any, _handler: Any) -> InputModel:
        if not isinstance(value, dict):
            raise PydanticKnownError("dict_type")
        kind = value.get("type")
        if isinstance(kind, str) and kind in models:
            return models[kind].model_validate(value)
        raise ValidationError.from_exception_data("Grader", [_type_problem(value, list(models))])

    return WrapValidator(checked)


def _type_problem(grader: dict[str, Any], kinds: list[str]) -> InitErrorDetails:
    if "type" not in grader:
        if misspelled := _misspelled_type(grader):
            return InitErrorDetails(type="extra_forbidden", loc=(misspelled,), input=grader[misspelled])
        return InitErrorDetails(type="missing", loc=("type",), input=grader)
    *others, last = map(repr, kinds)
    given, expected = grader["type"], f"{', '.join(others)} or {last}"
    if given in _PLACED:  # not misspelled
        return InitErrorDetails(type=PydanticCustomError("place", expected), loc=("type",), input=given)
    return InitErrorDetails(type="literal_error", loc=("type",), input=given, ctx={"expected": expected})


def _misspelled_type(grader: dict[str, Any]) -> str | None:
    """Return the key of a grader that is its type or is probably meant as its type. A grader's name is not."""
    return closest("type", [key for key, value in grader.items() if not isinstance(value, dict)])


_Partial = StringCheck | TextSimilarity | ScoreModel | LabelModel | PythonCode
PartialGrader = Annotated[_Partial, Field(discriminator="type"), _as_its_type(_Partial)]
"""A grader that can be used in a `multi` grader."""

_DEFERRED = ConfigDict(defer_build=True)
_SINGLE: TypeAdapter[Any] = TypeAdapter(PartialGrader, config=_DEFERRED)
_LIST: TypeAdapter[Any] = TypeAdapter(Annotated[list[PartialGrader], Field(min_length=1)], config=_DEFERRED)
_MAP: TypeAdapter[Any] = TypeAdapter(
    Annotated[dict[str, PartialGrader], Field(min_length=1)], config=_DEFERRED
)


def _as_its_form(value: Any, _handler: Any) -> Any:
    """Validate a map of graders, a list of graders, or a single grader.

    The API's guide uses a map, its example a list, and its specification a single grader.
    """
    if isinstance(value, list):
        return _LIST.validate_python(value)
    if isinstance(value, dict):
        is_grader = _misspelled_type(value) is not None
        return (_SINGLE if is_grader else _MAP).validate_python(value)
    raise ValueError("a map from names to graders, or a list of graders")


class Multi(_Nameable):
    """A grader that rewards the result of a formula over the rewards of other graders."""

    type: Literal["multi"] = Field(description="Type of the grader.")
    graders: Annotated[
        dict[str, PartialGrader] | list[PartialGrader] | PartialGrader, WrapValidator(_as_its_form)
    ] = Field(description="Graders, as a map from names to graders or as a list.")
    calculate_output: Text = Field(
        description="Formula that uses the graders' names, such as `0.7 * correct + 0.3 * brief`."
    )


class LambdaFunction(InputModel):
    """An AWS Lambda function."""

    function: Text = Field(description="ARN of the function.")


LambdaGrader = create_model(  # type: ignore[call-overload]  # mypy takes the fields for other arguments
    "LambdaGrader",
    __base__=InputModel,
    __doc__="A grader that rewards the number returned by an AWS Lambda function. Only Amazon Bedrock documents it.",
    type=(Literal["lambda"], Field(description="Type of the grader.")),
    **{LAMBDA: (LambdaFunction, Field(description="The function."))},
)
"""Made by a function, because a class body can not contain a field named `lambda`."""

_PLACED = ("label_model", "multi", LAMBDA)
"""Types of graders that can only be used within a `multi` grader, or only outside."""
_NAMELESS = ("multi", "python")
"""Types of graders that OpenAI's guides show without a name."""

_Whole = StringCheck | TextSimilarity | ScoreModel | PythonCode | Multi | LambdaGrader
Grader = Annotated[_Whole, Field(discriminator="type"), _as_its_type(_Whole)]
"""A grader that can compute the reward of a reinforcement job."""


def grader_warnings(grader: Any, path: str) -> list[str]:
    """Return the differences between OpenAI's guides and its specification that a grader and its parts contain.

    Args:
        grader: A grader of a job, or the graders of a `multi` grader.
        path: Its property path.
    """
    if isinstance(grader, list):
        return [
            text for index, part in enumerate(grader) for text in grader_warnings(part, f"{path}[{index}]")
        ]
    if not isinstance(grader, dict):
        return []
    if isinstance(grader.get("type", {}), dict):
        return [text for name, part in grader.items() for text in grader_warnings(part, f"{path}.{name}")]
    found = []
    if grader["type"] in _NAMELESS and grader.get("name") is None:
        found.append(
            f"{path}.name: is missing: OpenAI's guides omit it, but its specification requires it: add a name if the "
            f"service refuses the job"
        )
    if grader.get("pass_threshold") is not None:
        found.append(
            f"{path}.pass_threshold: OpenAI's guides use it, but its specification does not contain it: remove it if the "
            f"service refuses the job"
        )
    return [*found, *grader_warnings(grader.get("graders"), f"{path}.graders")]

"""Graders: what gives an answer its reward in reinforcement training.

Source in the API: `method.reinforcement.grader` of `POST /fine_tuning/jobs`. Messages and templates are checked by
the service; here only what is surely wrong is found.
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
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticKnownError

from pulumi_openai_ft._provider.input_models import InputModel


def _closed(value: Any) -> Any:
    if isinstance(value, str) and value.rfind("{{") > value.rfind("}}"):
        raise ValueError("a text in which }} follows every {{")
    return value


def _ascending(numbers: list[float]) -> list[float]:
    if numbers[0] >= numbers[1]:
        raise ValueError("two numbers, the lower one first")
    return numbers


Text = Annotated[str, StringConstraints(min_length=1)]
Template = Annotated[str, AfterValidator(_closed)]
Content = Annotated[str | dict[str, Any] | list[Any], AfterValidator(_closed)]
Labels = Annotated[list[str], Field(min_length=1)]
Range = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_ascending)]


class GraderMessage(InputModel):
    """A message to the model that grades."""

    role: Literal["user", "assistant", "system", "developer"] = Field(description="Who speaks.")
    content: Content = Field(
        description='A text, a part such as `{"type": "input_text", "text": "…"}`, or a list of these. '
        "Texts may hold templates."
    )
    type: Literal["message"] | None = Field(default=None, description="Always `message`.")


class SamplingParams(InputModel):
    """How the model that grades is asked."""

    seed: int | None = Field(default=None, description="Makes the model's answers repeatable.")
    top_p: float | None = Field(default=None, description="Share of the likeliest tokens to choose from.")
    temperature: float | None = Field(default=None, description="How random the answers are.")
    max_completions_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most tokens of an answer."
    )
    reasoning_effort: Text | None = Field(
        default=None, description="How much the model reasons: `low`, `medium`, `high` or what else it knows."
    )


class _Named(InputModel):
    name: Text = Field(description="Name of the grader.")


class _Comparing(_Named):
    input: Template = Field(description="Text to grade, such as `{{sample.output_text}}`.")
    reference: Template = Field(description="Text to compare with, such as `{{item.answer}}`.")


class _Asking(_Named):
    model: Text = Field(description="Model that grades.")
    input: Annotated[list[GraderMessage], Field(min_length=1)] = Field(
        description="Messages to the model that grades."
    )


class StringCheck(_Comparing):
    """Rewards 1 where the input compares to the reference as asked, else 0."""

    type: Literal["string_check"] = Field(description="Kind of grader.")
    operation: Literal["eq", "ne", "like", "ilike"] = Field(
        description="`eq` equal, `ne` not equal, `like` contains, `ilike` contains in any case."
    )


class TextSimilarity(_Comparing):
    """Rewards how similar the input is to the reference."""

    type: Literal["text_similarity"] = Field(description="Kind of grader.")
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
    ] = Field(description="How similarity is measured.")


class ScoreModel(_Asking):
    """Rewards with the number that a model answers."""

    type: Literal["score_model"] = Field(description="Kind of grader.")
    range: Range | None = Field(
        default=None, description="Lowest and highest reward; `[0, 1]` by default. Rewards beyond are cut."
    )
    sampling_params: SamplingParams | None = Field(
        default=None, description="How the model that grades is asked."
    )


class LabelModel(_Asking):
    """Rewards 1 where a model gives the answer a passing label, else 0. Only a part of a `multi` grader."""

    type: Literal["label_model"] = Field(description="Kind of grader.")
    labels: Labels = Field(description="Labels that the model chooses from.")
    passing_labels: Labels = Field(description="Those of the labels that are rewarded.")

    @field_validator("passing_labels")
    @classmethod
    def _are_labels(cls, passing: list[str], info: ValidationInfo) -> list[str]:
        labels = info.data.get("labels", passing)  # absent where the labels are wrong or not known yet
        if not set(passing) <= set(labels):
            raise ValueError(f"among the labels: {', '.join(map(repr, labels))}")
        return passing


class PythonCode(_Named):
    """Rewards with the number that Python code returns."""

    type: Literal["python"] = Field(description="Kind of grader.")
    source: Text = Field(
        description="Python source that defines `grade(sample, item)`, which returns a number."
    )
    image_tag: Text | None = Field(default=None, description="Image that the source runs in.")


def _as_its_type(union: Any) -> WrapValidator:
    """Checks a grader as its type says. A union of pydantic's would name its branch in every path."""
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
        return InitErrorDetails(type="missing", loc=("type",), input=grader)
    *others, last = map(repr, kinds)
    return InitErrorDetails(
        type="literal_error",
        loc=("type",),
        input=grader["type"],
        ctx={"expected": f"{', '.join(others)} or {last}"},
    )


_Partial = StringCheck | TextSimilarity | ScoreModel | LabelModel | PythonCode
PartialGrader = Annotated[_Partial, Field(discriminator="type"), _as_its_type(_Partial)]
"""A grader that may stand in a `multi` grader."""

_DEFERRED = ConfigDict(defer_build=True)
_ONE: TypeAdapter[Any] = TypeAdapter(PartialGrader, config=_DEFERRED)
_LIST: TypeAdapter[Any] = TypeAdapter(Annotated[list[PartialGrader], Field(min_length=1)], config=_DEFERRED)
_MAP: TypeAdapter[Any] = TypeAdapter(
    Annotated[dict[str, PartialGrader], Field(min_length=1)], config=_DEFERRED
)


def _as_its_form(value: Any, _handler: Any) -> Any:
    """The API's guide writes a map, its example a list, its specification a single grader."""
    if isinstance(value, list):
        return _LIST.validate_python(value)
    if isinstance(value, dict):
        is_grader = not isinstance(value.get("type", {}), dict)
        return (_ONE if is_grader else _MAP).validate_python(value)
    raise ValueError("a map from names to graders, or a list of graders")


class Multi(_Named):
    """Rewards with a formula over the rewards of other graders."""

    type: Literal["multi"] = Field(description="Kind of grader.")
    graders: Annotated[
        dict[str, PartialGrader] | list[PartialGrader] | PartialGrader, WrapValidator(_as_its_form)
    ] = Field(description="The graders: a map from names to graders, or a list.")
    calculate_output: Text = Field(
        description="Formula over the graders' names, such as `0.7 * correct + 0.3 * brief`."
    )


_Whole = StringCheck | TextSimilarity | ScoreModel | PythonCode | Multi
Grader = Annotated[_Whole, Field(discriminator="type"), _as_its_type(_Whole)]
"""A grader that may be the reward of a reinforcement job."""

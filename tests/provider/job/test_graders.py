from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import Unknown

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.input_models import public_properties, validation_errors
from pulumi_openai_ft._provider.job.graders import (
    LabelModel,
    Multi,
    PythonCode,
    ScoreModel,
    StringCheck,
    TextSimilarity,
    grader_warnings,
)
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft.server.errors import ApiError
from pulumi_openai_ft.server.graders import check_grader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

TOP = "method.reinforcement.grader"
PART = f"{TOP}.graders.part"
PART_TYPES = "'string_check', 'text_similarity', 'score_model', 'label_model' or 'python'"
WHOLE_TYPES = "'string_check', 'text_similarity', 'score_model', 'python', 'multi' or 'lambda'"

CHECK = {
    "type": "string_check",
    "name": "correct",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
    "operation": "eq",
}
SIMILARITY = {
    "type": "text_similarity",
    "name": "similar",
    "input": "{{ sample.output_json.answer }}",
    "reference": "in {braces}}} and {{{item.answer}}}",
    "evaluation_metric": "rouge_l",
}
SCORE: dict[str, Any] = {
    "type": "score_model",
    "name": "score",
    "model": "gpt-4o-2024-08-06",
    "input": [
        {"role": "developer", "content": "Grade from 0 to 1."},
        {
            "role": "user",
            "type": "message",
            "content": [{"type": "input_text", "text": "{{item.answer}}"}, "a"],
        },
        {"role": "assistant", "content": {"type": "output_text", "text": "1"}},
    ],
}
FULL_SCORE = {
    **SCORE,
    "range": [0, 2.5],
    "sampling_params": {
        "seed": 0,
        "top_p": 0.9,
        "temperature": 1,
        "max_completions_tokens": 1,
        "reasoning_effort": "low",
    },
}
LABEL = {
    **SCORE,
    "type": "label_model",
    "labels": ["good", "fair", "bad"],
    "passing_labels": ["fair", "good"],
}
PYTHON = {"type": "python", "name": "code", "source": "def grade(sample, item):\n    return 1.0\n"}


def multi(graders: Any) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": graders, "calculate_output": "part"}


VALID = {
    "string_check": CHECK,
    "text_similarity": SIMILARITY,
    "score_model": SCORE,
    "full score_model": FULL_SCORE,
    "python": PYTHON,
    "python with image": {**PYTHON, "image_tag": "alpha"},
    "multi of a map": multi({"part": CHECK, "label": LABEL, "python": PYTHON}),
    "multi of a list": multi([SCORE, SIMILARITY]),
    "multi of one": multi(PYTHON),
    "python as in the guide": {"type": "python", "source": "def grade(sample, item):\n    return 1.0\n"},
    "multi as in the guide": {
        "type": "multi",
        "graders": {"part": {**SIMILARITY, "pass_threshold": 0.8}, "code": {"type": "python", "source": "x"}},
        "calculate_output": "part",
    },
    **{
        f"{kind['type']} with a threshold": {**kind, "pass_threshold": 0.5}
        for kind in (CHECK, SIMILARITY, SCORE)
    },
}
PARTS = {grader["type"]: grader for grader in (CHECK, SIMILARITY, SCORE, LABEL, PYTHON)}
MODELS = (StringCheck, TextSimilarity, ScoreModel, LabelModel, PythonCode, Multi)


OMITTED = {("python", "name"), ("multi", "name")}
"""Fields that the specification requires and the guides omit."""
LAMBDA = {"type": "lambda", "lambda": {"function": "arn:aws:lambda:us-west-2:123456789012:function:reward"}}


def inputs(grader: Any) -> dict[str, Any]:
    method = {"type": "reinforcement", "reinforcement": {"grader": grader}}
    return {"model": "o4-mini", "training_file": "file-1", "method": method}


def found(grader: Any) -> list[str]:
    return validation_errors(FineTuningJobInputs, inputs(grader))


def without(grader: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in grader.items() if name != field}


def refusal(grader: Any) -> str | None:
    """Return the location of the emulator's error, or None."""
    try:
        check_grader(grader, TOP)
    except ApiError as error:
        return error.param
    return None


@pytest.mark.parametrize("grader", VALID.values(), ids=VALID)
def test_good_graders_have_no_problems(grader: dict[str, Any]) -> None:
    assert (found(grader), refusal(grader)) == ([], None)


@pytest.mark.parametrize("grader", VALID.values(), ids=VALID)
def test_graders_are_sent_as_given(grader: dict[str, Any]) -> None:
    sent = FineTuningJobInputs.model_validate(public_properties(inputs(grader))).provided()

    assert sent["method"]["reinforcement"]["grader"] == grader


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        *(
            (kind, field)
            for kind, grader in PARTS.items()
            for field in grader
            if (kind, field) not in OMITTED
        ),
        *(("multi", field) for field in multi(CHECK) if ("multi", field) not in OMITTED),
    ],
)
def test_a_missing_field_is_named(kind: str, field: str) -> None:
    """Every field of a plain grader is required, except names that the guides omit. The emulator agrees."""
    if kind == "multi":
        grader, path = without(multi(CHECK), field), TOP
    else:
        grader, path = multi({"part": without(PARTS[kind], field)}), PART

    assert found(grader) == [f"{path}.{field}: is missing"]
    assert refusal(grader) == f"{path}.{field}"


@pytest.mark.parametrize(
    ("grader", "sentence"),
    [
        ("strict", ": 'strict' is invalid: must be an object"),
        ({"name": "x"}, ".type: is missing"),
        ({**CHECK, "type": "exact"}, f".type: 'exact' is invalid: must be {WHOLE_TYPES}"),
        ({**CHECK, "type": ["a"]}, f".type: ['a'] is invalid: must be {WHOLE_TYPES}"),
        (LABEL, f".type: 'label_model' is invalid: must be {WHOLE_TYPES}"),
        ({**CHECK, "string_check": {}}, ".string_check: is not a known property"),
        ({**CHECK, "name": ""}, ".name: '' is invalid: must be a string of at least 1 characters"),
        ({**CHECK, "reference": 3.0}, ".reference: 3 is invalid: must be a string"),
        (
            {**CHECK, "operation": "contains"},
            ".operation: 'contains' is invalid: must be 'eq', 'ne', 'like' or 'ilike'",
        ),
        (
            {**CHECK, "input": "}} {{item.a"},
            ".input: '}} {{item.a' is invalid: must be a string in which every {{ is closed by }}",
        ),
        ({**SCORE, "model": ""}, ".model: '' is invalid: must be a string of at least 1 characters"),
        ({**SCORE, "input": []}, ".input: [] is invalid: must be at least 1 entries long"),
        ({**SCORE, "input": "Grade."}, ".input: 'Grade.' is invalid: must be a list"),
        ({**SCORE, "input": [{"role": "user"}]}, ".input[0].content: is missing"),
        (
            {**SCORE, "input": [{"role": "tool", "content": "x"}]},
            ".input[0].role: 'tool' is invalid: must be 'user', 'assistant', 'system' or 'developer'",
        ),
        (
            {**SCORE, "input": [{"role": "user", "content": 1.0}]},
            ".input[0].content: 1 is invalid: must be a string or an object or a list",
        ),
        (
            {**SCORE, "input": [{"role": "user", "content": "{{item.a"}]},
            ".input[0].content: '{{item.a' is invalid: must be a string in which every {{ is closed by }}",
        ),
        ({**SCORE, "range": [0.0]}, ".range: [0] is invalid: must be at least 2 entries long"),
        ({**SCORE, "range": [0, 1, 2]}, ".range: [0, 1, 2] is invalid: must be at most 2 entries long"),
        ({**SCORE, "range": [1, 0]}, ".range: [1, 0] is invalid: must be two numbers in ascending order"),
        ({**SCORE, "range": [0, "1"]}, ".range[1]: '1' is invalid: must be a number"),
        ({**SCORE, "sampling_params": {"n": 1}}, ".sampling_params.n: is not a known property"),
        (
            {**SCORE, "sampling_params": {"max_completions_tokens": 0.0}},
            ".sampling_params.max_completions_tokens: 0 is invalid: must be at least 1",
        ),
        (multi({}), ".graders: {} is invalid: must be at least 1 entries long"),
        (multi([]), ".graders: [] is invalid: must be at least 1 entries long"),
        (
            multi("correct"),
            ".graders: 'correct' is invalid: must be a map from names to graders, or a list of graders",
        ),
        (multi([CHECK, without(PYTHON, "source")]), ".graders[1].source: is missing"),
        (multi({"map": without(PYTHON, "source")}), ".graders.map.source: is missing"),
        (multi(without(PYTHON, "source")), ".graders.source: is missing"),
        (
            multi({"part": multi({"part": CHECK})}),
            f".graders.part.type: 'multi' is invalid: must be {PART_TYPES}",
        ),
        (
            {**multi(PYTHON), "calculate_output": ""},
            ".calculate_output: '' is invalid: must be a string of at least 1 characters",
        ),
        (
            multi({"part": {**LABEL, "labels": []}}),
            ".graders.part.labels: [] is invalid: must be at least 1 entries long",
        ),
        (
            multi({"part": {**LABEL, "passing_labels": ["best"]}}),
            ".graders.part.passing_labels: ['best'] is invalid: must be among the labels: 'good', 'fair', 'bad'",
        ),
    ],
    ids=repr,
)
def test_an_invalid_grader_is_checked_by_its_type_alone(grader: Any, sentence: str) -> None:
    assert found(grader) == [f"{TOP}{sentence}"]


def test_a_grader_in_a_map_may_be_called_type() -> None:
    assert found(multi({"type": CHECK, "part": PYTHON})) == []


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all parts of a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], item: Any) -> Any:
    """Return a copy of the value with another item at a path."""
    if not path:
        return item
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], item)
    return changed


@pytest.mark.parametrize("grader", VALID.values(), ids=VALID)
def test_unknown_values_are_valid_anywhere(grader: dict[str, Any]) -> None:
    for path in paths(grader):
        assert found(put(grader, path, Unknown())) == [], path


@settings(deadline=None)
@given(st.data())
def test_checking_a_grader_with_any_value_never_raises(data: st.DataObject) -> None:
    grader = data.draw(st.sampled_from(list(VALID.values())))
    leaf = (
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.just("python") | st.builds(Unknown)
    )
    anything = st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "graders", "python", "name", ""]), inner, max_size=3)
        ),
        max_leaves=6,
    )
    for _ in range(3):
        path = data.draw(st.sampled_from(list(paths(grader))))
        grader = put(grader, path, data.draw(anything))

    assert all(sentence.startswith(TOP) for sentence in found(grader))


@pytest.mark.parametrize("model", MODELS)
def test_the_schema_describes_every_grader_and_field(model: Any) -> None:
    schema = model.model_json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]

    assert all(each["description"] for each in objects)
    assert all(field["description"] for each in objects for field in each["properties"].values())


def test_the_schema_names_the_graders_of_a_job() -> None:
    schema = FineTuningJobInputs.model_json_schema()["$defs"]["Reinforcement"]["properties"]["grader"]

    assert set(schema["discriminator"]["mapping"]) == {grader["type"] for grader in (*VALID.values(), LAMBDA)}


class TestTraining:
    """Training on the emulator."""

    @pytest.fixture
    def data(self, configure: Configure, tmp_path: Path) -> str:
        path = tmp_path / "questions.jsonl"
        row = {"messages": [{"role": "user", "content": "Where is it?"}], "answer": "There."}
        path.write_text(f"{json.dumps(row)}\n" * 12)
        file_id: str = configure(FileProvider).create({"file": str(path)}).id
        return file_id

    @pytest.mark.usefixtures("_every_method")
    @pytest.mark.parametrize("grader", VALID.values(), ids=VALID)
    def test_a_trained_job_shows_no_difference(
        self, configure: Configure, service: Emulator, data: str, grader: dict[str, Any]
    ) -> None:
        provider = configure(FineTuningJobProvider)
        declared = {**inputs(grader), "training_file": data, "validation_file": data, "__identity": "a"}

        created = provider.create(declared)
        read = provider.read(created.id, created.outs or {}).outs or {}

        (job,) = service.jobs()
        assert job["method"]["reinforcement"]["grader"] == grader
        assert read["status"] == "succeeded"
        assert provider.diff(created.id, read, declared).changes is False


def warnings_of(grader: Any) -> list[str]:
    return grader_warnings(grader, TOP)


@pytest.mark.parametrize("name", [name for name in VALID if "guide" not in name and "threshold" not in name])
def test_graders_of_the_specification_have_no_warnings(name: str) -> None:
    assert warnings_of(VALID[name]) == []


@pytest.mark.parametrize("place", ["map", "list", "one"])
def test_differences_between_guide_and_specification_are_warnings(place: str) -> None:
    part = {"type": "python", "source": "x", "pass_threshold": 0.5}
    graders, path = {"map": ({"a": part}, ".a"), "list": ([part], "[0]"), "one": (part, "")}[place]

    warnings = warnings_of(without(multi(graders), "name"))

    assert [text.split(": ")[0] for text in warnings] == [
        f"{TOP}.name",
        f"{TOP}.graders{path}.name",
        f"{TOP}.graders{path}.pass_threshold",
    ]


def test_a_named_grader_has_no_warning_about_its_name() -> None:
    assert warnings_of({**PYTHON, "name": "code"}) == []


def test_the_grader_of_bedrock_is_valid() -> None:
    assert found(LAMBDA) == []


@pytest.mark.parametrize(
    ("grader", "sentence"),
    [
        ({"type": "lambda"}, ".lambda: is missing"),
        ({"type": "lambda", "lambda": {}}, ".lambda.function: is missing"),
        ({**LAMBDA, "arn": "x"}, ".arn: is not a known property"),
    ],
)
def test_a_wrong_grader_of_bedrock_is_reported(grader: Any, sentence: str) -> None:
    assert found(grader) == [f"{TOP}{sentence}"]

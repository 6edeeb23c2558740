from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import Unknown
from tests.support import parameter_id

from pulumi_openai_ft._provider.job.diff import differences, input_digests, not_comparable
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._shared.state_names import FILE_HASHES, REQUESTED_INPUTS

WANDB_P = {"type": "wandb", "wandb": {"project": "p ", "tags": ["b", "a "]}}
WANDB_Q = {"type": "wandb", "wandb": {"project": "q", "tags": []}}
JOB: dict[str, Any] = {
    "model": "gpt-4o-mini-2024-07-18",
    "training_file": "file-1",
    "validation_file": "file-2",
    "suffix": "support",
    "seed": 7.0,
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3.0, "batch_size": 1.0}}},
    "integrations": [
        {"type": "wandb", "wandb": {"project": "p", "run_id": "r", "tags": ["a", "openai/finetune", "b"]}},
        {"type": "wandb", "wandb": {"project": "q", "name": "n", "run_id": "s", "tags": None}},
    ],
    "metadata": {"owner": "me", "mode": "manual"},
    "extra_body": {"trainingType": "globalstandard"},
    "triggers": ["auto", {"a": 1.0}],
    "__training_file_sha256": "aa",
}


ONE: dict[str, Any] = {"type": "string_check", "name": "one", "reference": "yes", "operation": "eq"}
TWO: dict[str, Any] = {
    "type": "score_model",
    "name": "two",
    "range": [0.0, 1.0],
    "sampling_params": {"seed": 1.0, "top_p": 0.1},
    "input": [{"role": "user", "content": "Grade."}],
}
CODE: dict[str, Any] = {"type": "python", "name": "code", "source": "def grade(sample, item): ..."}
FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"schema": {"properties": {"source": {"type": "string"}}, "required": ["a", "b"]}},
}


def wandb(project: str, **settings: Any) -> dict[str, Any]:
    return {"type": "wandb", "wandb": {"project": project, **settings}}


def replaces(**inputs: Any) -> list[str]:
    return [name for name in REPLACE_ON_CHANGE if differences(name, inputs, JOB)]


def method(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def reinforcement(grader: Any, **settings: Any) -> dict[str, Any]:
    return {"type": "reinforcement", "reinforcement": {"grader": grader, **settings}}


def multi(graders: Any) -> dict[str, Any]:
    return reinforcement({"type": "multi", "name": "m", "graders": graders, "calculate_output": "one + two"})


def without(grader: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in grader.items() if name not in fields}


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"model": "gpt-4o-mini"},
        {"model": "gpt-4o-mini-2024-07-18"},
        {"seed": 7},
        {"method": {"type": "supervised"}},
        {"method": method(n_epochs="auto")},
        {"method": method(n_epochs=3, batch_size="auto")},
        {"method": method(learning_rate_multiplier="auto", n_epochs=None)},
        {"suffix": " support\n"},
        {"integrations": [WANDB_P, WANDB_Q]},
        {"integrations": [WANDB_Q, WANDB_P]},
        {"metadata": {"owner": "me"}},
        {"metadata": {"owner": "me ", "note": " "}},
        {"extra_body": {"trainingType": "globalstandard", "other": None}},
        {"triggers": ["auto", {"a": 1}]},
        {"training_file": "file-9", "__training_file_sha256": "aa"},
        {"training_file": Unknown(), "__training_file_sha256": "aa"},
    ],
    ids=parameter_id,
)
def test_a_job_matches_the_values_it_resolved(inputs: dict[str, Any]) -> None:
    assert replaces(**inputs) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": "gpt-4o"},
        {"model": "gpt-4o-mini-2025-01-01"},
        {"model": Unknown()},
        {"training_file": "file-9"},
        {"training_file": Unknown()},
        {"training_file": "file-1", "__training_file_sha256": "bb"},
        {"training_file": Unknown(), "__training_file_sha256": Unknown()},
        {"validation_file": "file-9"},
        {"suffix": "sales"},
        {"suffix": "Support"},
        {"suffix": "auto"},
        {"seed": 0},
        {"method": method(n_epochs=4)},
        {"method": method(n_epochs=Unknown())},
        {"method": {"type": "dpo"}},
        {"integrations": [WANDB_P]},
        {"integrations": [WANDB_P, {"type": "wandb", "wandb": {"project": "r"}}]},
        {"integrations": [WANDB_P, WANDB_P]},
        {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["a"]}}, WANDB_Q]},
        {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["a", "b", "c"]}}, WANDB_Q]},
        {"integrations": [{"type": "wandb", "wandb": {"project": Unknown()}}, WANDB_Q]},
        {"integrations": []},
        {"metadata": {"owner": "you"}},
        {"metadata": {"mode": "auto"}},
        {"metadata": {"team": "new"}},
        {"extra_body": {"trainingType": "standard"}},
        {"extra_body": {}},
        {"triggers": ["again"]},
        {"triggers": ["auto"]},
        {"triggers": ["auto", {}]},
        {"triggers": ["auto", Unknown()]},
    ],
    ids=parameter_id,
)
def test_different_inputs_need_another_job(inputs: dict[str, Any]) -> None:
    names = [name for name in inputs if not name.startswith("__")]

    assert replaces(**inputs) == names


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        (reinforcement(without(TWO, "range", "sampling_params")), reinforcement(TWO)),
        (reinforcement({**TWO, "range": [0, 1], "sampling_params": {"seed": 1}}), reinforcement(TWO)),
        (reinforcement({**CODE, "source": f"\n{CODE['source']}\n"}), reinforcement(CODE)),
        (
            reinforcement(ONE, response_format=FORMAT),
            reinforcement(ONE, response_format={**FORMAT, "strict": True}),
        ),
        (
            reinforcement(ONE, hyperparameters={"reasoning_effort": "default"}),
            reinforcement(ONE, hyperparameters={"reasoning_effort": "medium"}),
        ),
        (
            reinforcement(ONE, response_format={"source": {"type": "string"}}),
            reinforcement(ONE, response_format={"source": {"type": "string", "title": "Source"}}),
        ),
        (reinforcement({"calculate_output": " one\n"}), reinforcement({"calculate_output": "one"})),
        (multi({"one": ONE, "source": without(TWO, "range")}), multi({"source": TWO, "one": ONE})),
        (multi([ONE, TWO]), multi([TWO, ONE])),
        (multi({"one": ONE, "second": without(TWO, "range")}), multi([TWO, ONE])),
        (multi([ONE, TWO]), multi({"one": ONE, "two": TWO})),
        (multi(ONE), multi({"one": ONE})),
        (multi([ONE]), multi(ONE)),
        (reinforcement(ONE, response_format=None), reinforcement(ONE)),
    ],
    ids=parameter_id,
)
def test_a_grader_equals_every_spelling_of_the_service(
    declared: dict[str, Any], actual: dict[str, Any]
) -> None:
    assert not differences("method", {"method": declared}, {"method": actual})


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        (reinforcement({**ONE, "reference": "no"}), reinforcement(ONE)),
        (reinforcement({**ONE, "reference": "yes "}), reinforcement(ONE)),
        (reinforcement({**TWO, "range": [0, 2]}), reinforcement(TWO)),
        (reinforcement({**TWO, "sampling_params": {"top_p": 0.1000001}}), reinforcement(TWO)),
        (reinforcement({**TWO, "input": TWO["input"] * 2}), reinforcement(TWO)),
        (reinforcement({**CODE, "source": "def grade(sample, item): return 1"}), reinforcement(CODE)),
        (reinforcement(ONE, response_format=FORMAT), reinforcement(ONE)),
        (
            reinforcement(ONE, response_format={"required": ["b", "a"]}),
            reinforcement(ONE, response_format={"required": ["a", "b"]}),
        ),
        (
            reinforcement(ONE, hyperparameters={"reasoning_effort": "high"}),
            reinforcement(ONE, hyperparameters={"reasoning_effort": "medium"}),
        ),
        (multi({"one": ONE}), multi({"one": ONE, "two": TWO})),
        (multi({"one": ONE, "three": TWO}), multi({"one": ONE, "two": TWO})),
        (multi({"one": ONE, "two": {**TWO, "range": [0, 2]}}), multi({"one": ONE, "two": TWO})),
        (multi([ONE, {**TWO, "name": "three"}]), multi({"one": ONE, "two": TWO})),
        (multi([ONE]), multi([ONE, TWO])),
        (multi([ONE, ONE]), multi([ONE, TWO])),
        (multi([ONE, TWO]), multi([ONE, ONE])),
        (multi([ONE, ONE]), multi([ONE])),
        (multi(Unknown()), multi([])),
        (multi([Unknown(), TWO]), multi([ONE, TWO])),
        (reinforcement(Unknown()), reinforcement(ONE)),
    ],
    ids=parameter_id,
)
def test_another_grader_needs_another_job(declared: dict[str, Any], actual: dict[str, Any]) -> None:
    assert differences("method", {"method": declared}, {"method": actual})


@pytest.mark.parametrize(
    ("declared", "actual"),
    [({"integrations": []}, {}), ({"triggers": []}, {}), ({"extra_body": {}}, {}), ({"metadata": {}}, {})],
)
def test_empty_inputs_match_a_job_without_values(declared: dict[str, Any], actual: dict[str, Any]) -> None:
    (name,) = declared

    assert not differences(name, declared, actual)


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        ({"model": "gpt-4o"}, ["model"]),
        ({"training_file": "file-1", "__training_file_sha256": "bb"}, ["training_file"]),
        ({"method": method(n_epochs=4)}, ["method.supervised.hyperparameters.n_epochs"]),
        (
            {"method": method(n_epochs=4, batch_size=Unknown(), learning_rate_multiplier="auto")},
            ["method.supervised.hyperparameters.n_epochs", "method.supervised.hyperparameters.batch_size"],
        ),
        ({"method": {"type": "dpo", "dpo": method(beta=1)["supervised"]}}, ["method.type", "method.dpo"]),
        ({"method": Unknown()}, ["method"]),
        ({"integrations": [WANDB_P, wandb("r")]}, ["integrations"]),
        ({"metadata": {"owner": "you", "mode": "auto"}}, ["metadata.owner", "metadata.mode"]),
        ({"metadata": {"team.name": "shop"}}, ['metadata["team.name"]']),
        ({"metadata": {'a "b"': "c", "": "d"}}, ['metadata["a \\"b\\""]', 'metadata[""]']),
        ({"metadata": {"a\\": "1", "b\\": "2", 'c\\"d': "3"}}, ["metadata", 'metadata["c\\\\"d"]']),
        ({"metadata": {"größe": "1", "a_1": "2"}}, ['metadata["größe"]', "metadata.a_1"]),
        ({"extra_body": {"trainingType": "standard"}}, ["extra_body.trainingType"]),
        ({"extra_body": {"trainingType": "globalstandard", "a": {"b": 1}}}, ["extra_body.a"]),
        ({"extra_body": {"a": 1}}, ["extra_body"]),
        ({"triggers": ["auto", {"a": 2}]}, ["triggers[1].a"]),
        ({"triggers": ["auto", {}]}, ["triggers[1]"]),
        ({"triggers": ["auto"]}, ["triggers"]),
    ],
    ids=parameter_id,
)
def test_a_difference_is_named_by_its_path(inputs: dict[str, Any], paths: list[str]) -> None:
    (name,) = (name for name in inputs if not name.startswith("__"))

    assert differences(name, inputs, JOB) == paths


@pytest.mark.parametrize(
    ("declared", "actual", "paths"),
    [
        ([wandb("p")], [wandb("q")], ["integrations[0].wandb.project"]),
        ([wandb("p", tags=["a"])], [wandb("p", tags=["b"])], ["integrations[0].wandb.tags"]),
        ([wandb("p"), wandb("q")], [wandb("p")], ["integrations"]),
        ([wandb("p")], [None], ["integrations[0]"]),
    ],
)
def test_only_a_single_integration_is_compared_in_detail(
    declared: list[Any], actual: list[Any], paths: list[str]
) -> None:
    assert differences("integrations", {"integrations": declared}, {"integrations": actual}) == paths


@pytest.mark.parametrize(
    ("declared", "actual", "paths"),
    [
        (reinforcement({**TWO, "range": [0, 2]}), reinforcement(TWO), ["grader.range[1]"]),
        (reinforcement({**TWO, "range": [0, 1, 2]}), reinforcement(TWO), ["grader.range"]),
        (reinforcement(TWO), reinforcement(without(TWO, "sampling_params")), ["grader.sampling_params"]),
        (reinforcement(ONE, response_format=FORMAT), reinforcement(ONE), ["response_format"]),
        (
            multi({"one": ONE, "two": {**TWO, "input": []}}),
            multi({"one": ONE, "two": TWO}),
            ["grader.graders.two.input"],
        ),
        (multi({"one": ONE}), multi({"one": ONE, "two": TWO}), ["grader.graders"]),
        (multi([ONE, ONE]), multi([ONE, TWO]), ["grader.graders"]),
        (multi([{**ONE, "name": "1"}]), multi([ONE]), ["grader.graders[0].name"]),
        (multi({"a.b": {**ONE, "name": "1"}}), multi([ONE]), ['grader.graders["a.b"].name']),
        (multi({**ONE, "name": "1"}), multi([ONE]), ["grader.graders.name"]),
    ],
)
def test_graders_are_compared_with_their_counterparts(
    declared: dict[str, Any], actual: dict[str, Any], paths: list[str]
) -> None:
    found = differences("method", {"method": declared}, {"method": actual})

    assert found == [f"method.reinforcement.{path}" for path in paths]


@pytest.mark.parametrize("name", [name for name in JOB if not name.startswith("__")])
def test_an_input_missing_in_the_job_is_one_difference(name: str) -> None:
    assert differences(name, JOB, {REQUESTED_INPUTS: {}}) == [name]


IMPORTED = {name: value for name, value in JOB.items() if name not in ("extra_body", "triggers")}


def test_an_imported_job_records_no_provider_only_inputs() -> None:
    assert sorted(not_comparable(JOB, IMPORTED)) == ["extra_body", "triggers"]
    assert [name for name in REPLACE_ON_CHANGE if differences(name, JOB, IMPORTED)] == []


@pytest.mark.parametrize(
    ("news", "olds"),
    [
        (JOB, {**IMPORTED, REQUESTED_INPUTS: input_digests(IMPORTED)}),
        (JOB, JOB),
        ({"triggers": ["again"], "extra_body": {"a": 1}}, JOB),
        ({"triggers": None}, IMPORTED),
        ({"triggers": [], "extra_body": {"a": None}}, IMPORTED),
    ],
)
def test_only_set_inputs_without_a_record_are_unrecorded(news: dict[str, Any], olds: dict[str, Any]) -> None:
    assert not_comparable(news, olds) == []


@pytest.mark.parametrize("name", ["triggers", "extra_body"])
def test_created_jobs_have_no_unrecorded_inputs(name: str) -> None:
    assert differences(name, JOB, {**IMPORTED, REQUESTED_INPUTS: input_digests(IMPORTED)}) == [name]


RESOLVED_INPUTS: dict[str, Any] = {
    "model": "our-model",
    "training_file": "file-1",
    "validation_file": "file-2",
    "suffix": "Support Team",
    "seed": 3.0,
    "method": method(n_epochs=3.0, lora=None, packing=True),
    "integrations": [WANDB_P],
    "metadata": {"owner": "me"},
    "extra_body": {"trainingType": "globalstandard"},
    "triggers": ["again"],
}
RECORDED_STATE: dict[str, Any] = {
    "model": "models/7",
    "training_file": "7",
    "suffix": "support-team",
    "method": method(n_epochs=2),
    REQUESTED_INPUTS: input_digests(RESOLVED_INPUTS),
}


def test_equal_inputs_match_however_the_service_resolved_them() -> None:
    again = {**RESOLVED_INPUTS, "seed": 3, "method": method(n_epochs=3, packing=True)}

    assert [name for name in REPLACE_ON_CHANGE if differences(name, again, RECORDED_STATE)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"model": "models/8"},
        {"training_file": "file-2"},
        {"suffix": "Support"},
        {"seed": 4},
        {"method": method(n_epochs=4)},
        {"method": method(n_epochs=3, packing=Unknown())},
        {"metadata": {"owner": "you"}},
        {"triggers": []},
    ],
    ids=parameter_id,
)
def test_different_inputs_need_another_job_despite_any_history(change: dict[str, Any]) -> None:
    (name,) = change

    assert differences(
        name,
        {**RESOLVED_INPUTS, **change},
        {**RESOLVED_INPUTS, REQUESTED_INPUTS: input_digests(RESOLVED_INPUTS)},
    )


def test_recorded_inputs_hold_no_values() -> None:
    digests = input_digests(
        {**RESOLVED_INPUTS, "seed": None, "status": "queued", "metadata": {"note": "not compared"}}
    )

    assert set(digests) == set(REPLACE_ON_CHANGE) - {"seed"}
    assert all(len(digest) == 64 and int(digest, 16) for digest in digests.values())


def test_changed_file_content_needs_another_job_despite_any_history() -> None:
    file, file_hash = "training_file", FILE_HASHES["training_file"]
    olds = {file: "file-1", file_hash: "aa", REQUESTED_INPUTS: input_digests({file: "file-1"})}

    assert differences(file, {file: "file-1", file_hash: "bb"}, olds)


numbers = st.integers(-1000, 1000) | st.floats(allow_nan=False)
keys = st.sampled_from(
    [
        "type",
        "supervised",
        "reinforcement",
        "hyperparameters",
        "grader",
        "graders",
        "source",
        "tags",
        "wandb",
        "",
        "a.b",
        '["',
        "a\\",
    ]
)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from(["auto", " a"])
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
with_unknowns = st.recursive(
    leaves | st.builds(Unknown),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(REPLACE_ON_CHANGE)


@settings(deadline=None)
@given(names, json_values, st.booleans())
def test_an_existing_job_matches_its_inputs(name: str, value: Any, as_method: bool) -> None:  # noqa: FBT001
    value = {"type": "multi", "graders": value} if as_method else value

    assert not differences(name, {name: value}, {name: value})


@settings(deadline=None)
@given(names, json_values, json_values)
def test_recorded_inputs_match_their_job(name: str, declared: Any, actual: Any) -> None:
    assert not differences(
        name, {name: declared}, {name: actual, REQUESTED_INPUTS: input_digests({name: declared})}
    )


@settings(deadline=None)
@given(names, with_unknowns, with_unknowns, with_unknowns)
def test_comparing_never_raises(name: str, declared: Any, actual: Any, before: Any) -> None:
    news = {name: declared}

    assert isinstance(differences(name, news, {name: actual}), list)
    assert isinstance(differences(name, news, {name: actual, REQUESTED_INPUTS: before}), list)
    assert input_digests({name: declared}).keys() <= {name}


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["n_epochs", "batch_size", "beta"]), numbers, min_size=1),
    st.sampled_from(["supervised", "dpo", "reinforcement"]),
    st.data(),
)
def test_another_hyperparameter_value_needs_another_job(
    actual: dict[str, float], kind: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(actual)))
    other = data.draw(numbers.filter(lambda number: number != actual[name]))
    job, requested = (
        {"method": {"type": kind, kind: {"hyperparameters": values}}}
        for values in (actual, {**actual, name: other})
    )

    assert differences("method", requested, job)
    assert differences("method", requested, {**job, REQUESTED_INPUTS: input_digests(job)})


def steps(path: str) -> list[str | int]:
    """Parse a path as Pulumi's `ParsePropertyPath` does."""
    found = re.findall(r'\.?([^.\["]+)|\["((?:\\"|[^"])*)"\]|\[(\d+)\]', path)

    return [int(index) if index else name or key.replace('\\"', '"') for name, key, index in found]


@settings(deadline=None)
@given(names, json_values, json_values)
def test_each_path_leads_to_an_input(name: str, declared: Any, actual: Any) -> None:
    paths = differences(name, {name: declared}, {name: actual})

    assert len(set(paths)) == len(paths)
    for path in paths:
        value: Any = {name: declared}
        for step in steps(path):
            value = value[step]


@settings(deadline=None)
@given(names, json_values)
def test_an_unrecorded_input_is_not_a_difference(name: str, declared: Any) -> None:
    assert not (not_comparable({name: declared}, {}) and differences(name, {name: declared}, {}))


def leaves_of(value: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [leaf for step, item in entries for leaf in leaves_of(item, *path, step)] or [path]


ALL_INPUTS: dict[str, Any] = {
    **{name: value for name, value in JOB.items() if not name.startswith("__")},
    "method": multi({"one": ONE, "two": TWO, "code": CODE}),
    "integrations": [WANDB_P],
}
TAGS = ("integrations", 0, "wandb", "tags")
"""The order of tags is irrelevant, so they differ as a whole."""


@pytest.mark.parametrize("leaf", leaves_of(ALL_INPUTS), ids=lambda leaf: ".".join(map(str, leaf)))
def test_one_change_is_one_difference_with_its_path(leaf: tuple[str | int, ...]) -> None:
    news: Any = deepcopy(ALL_INPUTS)
    parent = news
    for step in leaf[:-1]:
        parent = parent[step]
    parent[leaf[-1]] = "another"

    (path,) = differences(str(leaf[0]), news, ALL_INPUTS)

    assert tuple(steps(path)) == (TAGS if leaf[:4] == TAGS else leaf)

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import Unknown
from tests.support import shown

from pulumi_openai_ft._job_diff import ASKED, FILE_HASHES, asked, asks_for_another
from pulumi_openai_ft._job_inputs import REPLACING

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


def replaces(**inputs: Any) -> list[str]:
    return [name for name in REPLACING if asks_for_another(name, inputs, JOB)]


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
    ids=shown,
)
def test_the_job_satisfies_what_it_resolved(inputs: dict[str, Any]) -> None:
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
    ids=shown,
)
def test_another_wish_asks_for_another_job(inputs: dict[str, Any]) -> None:
    names = [name for name in inputs if not name.startswith("__")]

    assert replaces(**inputs) == names


@pytest.mark.parametrize(
    ("wanted", "actual"),
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
    ids=shown,
)
def test_a_grader_is_the_same_however_the_service_writes_it(
    wanted: dict[str, Any], actual: dict[str, Any]
) -> None:
    assert not asks_for_another("method", {"method": wanted}, {"method": actual})


@pytest.mark.parametrize(
    ("wanted", "actual"),
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
    ids=shown,
)
def test_another_grader_asks_for_another_job(wanted: dict[str, Any], actual: dict[str, Any]) -> None:
    assert asks_for_another("method", {"method": wanted}, {"method": actual})


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [({"integrations": []}, {}), ({"triggers": []}, {}), ({"extra_body": {}}, {}), ({"metadata": {}}, {})],
)
def test_asking_for_nothing_where_nothing_is_asks_for_no_other_job(
    wanted: dict[str, Any], actual: dict[str, Any]
) -> None:
    (name,) = wanted

    assert not asks_for_another(name, wanted, actual)


BOUGHT: dict[str, Any] = {
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
TOLD: dict[str, Any] = {
    "model": "models/7",
    "training_file": "7",
    "suffix": "support-team",
    "method": method(n_epochs=2),
    ASKED: asked(BOUGHT),
}


def test_whatever_the_service_made_of_it_the_same_wish_asks_for_no_other_job() -> None:
    again = {**BOUGHT, "seed": 3, "method": method(n_epochs=3, packing=True)}

    assert [name for name in REPLACING if asks_for_another(name, again, TOLD)] == []


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
    ids=shown,
)
def test_another_wish_asks_for_another_job_whatever_was_asked_before(change: dict[str, Any]) -> None:
    (name,) = change

    assert asks_for_another(name, {**BOUGHT, **change}, {**BOUGHT, ASKED: asked(BOUGHT)})


def test_what_was_asked_is_kept_without_the_values() -> None:
    digests = asked({**BOUGHT, "seed": None, "status": "queued", "metadata": {"note": "nobody reads this"}})

    assert set(digests) == set(REPLACING) - {"seed"}
    assert all(len(digest) == 64 and int(digest, 16) for digest in digests.values())


def test_another_content_of_the_same_file_asks_for_another_job_whatever_was_asked_before() -> None:
    file, file_hash = "training_file", FILE_HASHES["training_file"]
    olds = {file: "file-1", file_hash: "aa", ASKED: asked({file: "file-1"})}

    assert asks_for_another(file, {file: "file-1", file_hash: "bb"}, olds)


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
names = st.sampled_from(REPLACING)


@settings(deadline=None)
@given(names, json_values, st.booleans())
def test_what_is_there_asks_for_no_other_job(name: str, value: Any, as_method: bool) -> None:  # noqa: FBT001
    value = {"type": "multi", "graders": value} if as_method else value

    assert not asks_for_another(name, {name: value}, {name: value})


@settings(deadline=None)
@given(names, json_values, json_values)
def test_what_was_asked_before_asks_for_no_other_job(name: str, wanted: Any, actual: Any) -> None:
    assert not asks_for_another(name, {name: wanted}, {name: actual, ASKED: asked({name: wanted})})


@settings(deadline=None)
@given(names, with_unknowns, with_unknowns, with_unknowns)
def test_comparing_never_raises(name: str, wanted: Any, actual: Any, before: Any) -> None:
    assert asks_for_another(name, {name: wanted}, {name: actual, ASKED: before}) in {True, False}
    assert asked({name: wanted}).keys() <= {name}


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["n_epochs", "batch_size", "beta"]), numbers, min_size=1),
    st.sampled_from(["supervised", "dpo", "reinforcement"]),
    st.data(),
)
def test_another_number_for_a_hyperparameter_asks_for_another_job(
    actual: dict[str, float], kind: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(actual)))
    other = data.draw(numbers.filter(lambda number: number != actual[name]))
    job, wish = (
        {"method": {"type": kind, kind: {"hyperparameters": values}}}
        for values in (actual, {**actual, name: other})
    )

    assert asks_for_another("method", wish, job)
    assert asks_for_another("method", wish, {**job, ASKED: asked(job)})

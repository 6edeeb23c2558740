"""One wrong word in valid inputs gives one error, which has the word's path and suggests the right one."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.edits import is_one_edit_away, misspellings
from tests.provider.job.test_graders import CHECK, FULL_SCORE, LABEL, PYTHON, SIMILARITY, multi

from pulumi_openai_ft._program.functions.models import EventsArguments, JobsArguments
from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.input_models import InputModel, validation_errors
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Configure

JOB: dict[str, Any] = {"model": "gpt-4.1-mini", "training_file": "file-1"}
TUNED = {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.5}
EXPLORED = {
    **TUNED,
    "reasoning_effort": "low",
    "compute_multiplier": 2.0,
    "eval_interval": 5,
    "eval_samples": 2,
}


def reinforced(grader: Any) -> dict[str, Any]:
    settings = {"grader": grader, "hyperparameters": EXPLORED}
    method = {"type": "reinforcement", "reinforcement": settings}
    return {**JOB, "validation_file": "file-2", "method": method}


VALID: dict[str, tuple[type[InputModel], dict[str, Any]]] = {
    "supervised": (
        FineTuningJobInputs,
        {
            **JOB,
            "validation_file": "file-2",
            "suffix": "support",
            "seed": 1,
            "method": {"type": "supervised", "supervised": {"hyperparameters": TUNED}},
            "integrations": [
                {"type": "wandb", "wandb": {"project": "p", "name": "n", "entity": "e", "tags": ["t"]}}
            ],
            "metadata": {"any key": "x"},
            "extra_body": {"any key": 1},
            "wait_for_completion": True,
            "cancel_after_timeout": 60,
            "paused": False,
            "recreate_on_failure": False,
            "delete_model_on_destroy": False,
            "triggers": [1],
            "former_names": ["old"],
        },
    ),
    "dpo": (
        FineTuningJobInputs,
        {**JOB, "method": {"type": "dpo", "dpo": {"hyperparameters": {**TUNED, "beta": 0.1}}}},
    ),
    "string_check": (FineTuningJobInputs, reinforced(CHECK)),
    "text_similarity": (FineTuningJobInputs, reinforced(SIMILARITY)),
    "score_model": (FineTuningJobInputs, reinforced({**FULL_SCORE, "pass_threshold": 0.5})),
    "python": (FineTuningJobInputs, reinforced({**PYTHON, "image_tag": "a"})),
    "map of graders": (FineTuningJobInputs, reinforced(multi({"part": CHECK, "label": LABEL}))),
    "list of graders": (FineTuningJobInputs, reinforced(multi([FULL_SCORE, PYTHON]))),
    "grader in a grader": (FineTuningJobInputs, reinforced(multi(FULL_SCORE))),
    "file": (
        FileInputs,
        {
            "purpose": "fine-tune",
            "filename": "a.jsonl",
            "validate": "warn",
            "expires_after": {"anchor": "created_at", "seconds": 3600},
        },
    ),
    "permission": (
        CheckpointPermissionInputs,
        {"checkpoint_id": "ft:a:b::c", "project_ids": ["proj_a"], "allow_view": True},
    ),
    "jobs": (JobsArguments, {"limit": 1}),
    "events": (EventsArguments, {"fine_tuning_job_id": "ftjob-1", "level": "info", "order": "newest"}),
}
FREE_TEXT = re.compile(
    r"(^|\.)(model|training_file|validation_file|suffix|name|input|reference|source|image_tag|calculate_output|project|"
    r"entity|filename|checkpoint_id|fine_tuning_job_id|content|sampling_params\.reasoning_effort)$|\[\d+\]$|^metadata"
)
"""Paths of strings that are not from a closed set."""
SOME_MISSPELLINGS = pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
"""Every ninth misspelling, because a test of all of them takes seconds."""
Found = tuple[tuple[str | int, ...], Any]


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[Found]:
    """Yield the location and value of each property, at any level."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield (*place, step), item
        yield from leaves(item, (*place, step))


def is_chosen_by_the_program(place: tuple[str | int, ...], inputs: dict[str, Any]) -> bool:
    """Return whether a key is no word of the API: that of a map, or of a free value."""
    if place[0] in ("metadata", "extra_body") or "content" in place[:-1]:
        return len(place) > 1
    graders = inputs.get("method", {}).get("reinforcement", {}).get("grader", {}).get("graders", {})
    return place[-2:-1] == ("graders",) and "type" not in graders


def as_text(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def changed(
    inputs: dict[str, Any], place: tuple[str | int, ...], *, key: str = "", value: Any = None
) -> dict[str, Any]:
    """Return a copy with another key, or another value, at a place."""
    result = copy.deepcopy(inputs)
    at: Any = result
    for step in place[:-1]:
        at = at[step]
    if key:
        at[key] = at.pop(place[-1])
    else:
        at[place[-1]] = value
    return result


def assert_one_error(model: type[InputModel], inputs: dict[str, Any], path: str, edited: str) -> None:
    found = validation_errors(model, inputs)
    assert len(found) == 1, found
    assert found[0].startswith(f"{path}: "), found
    meant = re.search(r"\. Did you mean '([^']+)'\?$", found[0])
    assert meant, found
    assert is_one_edit_away(edited, meant[1]), found


@SOME_MISSPELLINGS
@pytest.mark.parametrize("example", VALID)
def test_a_misspelled_name_is_one_error(example: str, step: int) -> None:
    model, inputs = VALID[example]
    assert validation_errors(model, inputs) == []
    count = 0
    for place, _ in leaves(inputs):
        if isinstance(place[-1], int) or is_chosen_by_the_program(place, inputs):
            continue
        siblings = [other[-1] for other, _ in leaves(inputs) if other[:-1] == place[:-1]]
        for edited in sorted(misspellings(str(place[-1]), map(str, siblings)))[::step]:
            path = as_text((*place[:-1], edited))
            assert_one_error(model, changed(inputs, place, key=edited), path, edited)
            count += 1
    assert count


@SOME_MISSPELLINGS
@pytest.mark.parametrize("example", VALID)
def test_a_misspelled_value_is_one_error(example: str, step: int) -> None:
    model, inputs = VALID[example]
    for place, value in leaves(inputs):
        path = as_text(place)
        if not isinstance(value, str) or FREE_TEXT.search(path) or place[0] == "extra_body":
            continue
        for edited in sorted(misspellings(value, ()))[::step]:
            broken = changed(inputs, place, value=edited)
            if validation_errors(model, broken):  # another choice, such as rouge_1 instead of rouge_l
                assert_one_error(model, broken, path, edited)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"method": {"type": "supervise", "supervised": {"hyperparameters": {"n_epoch": 3}}}},
            [
                ("method.type: 'supervise' is invalid: must be 'supervised', 'dpo' or 'reinforcement'. "
                "Did you mean 'supervised'?"),
                "method.supervised.hyperparameters.n_epoch: is not a known property. Did you mean 'n_epochs'?",
            ],
        ),
        (
            {"method": {"type": "dpo", "hyperparameters": TUNED}},
            ["method.hyperparameters: is not a known property. Did you mean 'method.dpo.hyperparameters'?"],
        ),
        (
            {"method": {"type": "supervised", "supervised": {"n_epochs": 3, "suffix": "a"}}},
            [
                ("method.supervised.n_epochs: is not a known property. "
                "Did you mean 'method.supervised.hyperparameters.n_epochs'?"),
                "method.supervised.suffix: is not a known property. Did you mean the input 'suffix'?",
            ],
        ),
        (
            {"n_epochs": 3},
            ["n_epochs: is not a known property. Did you mean 'method.supervised.hyperparameters.n_epochs'?"],
        ),
        (
            {"method": {"type": "reinforcement", "grader": CHECK}, "validation_file": "file-2"},
            ["method.grader: is not a known property. Did you mean 'method.reinforcement.grader'?"],
        ),
        (
            {"method": {"type": "reinforcement", "reinforcment": {"grader": CHECK}}},
            ["method.reinforcment: is not a known property. Did you mean 'reinforcement'?"],
        ),
        (
            {"integrations": [{"type": "wandb", "project": "p"}]},
            ["integrations[0].project: is not a known property. Did you mean 'integrations[0].wandb.project'?"],
        ),
        (
            {"integrations": [{"type": "wandbb", "wandb": {"project": "p"}}]},
            ["integrations[0].type: 'wandbb' is invalid: must be 'wandb'. Did you mean 'wandb'?"],
        ),
        (
            {"method": {"type": "supervised", "dpo": {}}},
            [("method.dpo: does not match type 'supervised': set the type to 'dpo', or move these settings to "
             "method.supervised")],
        ),
        (
            {"method": {"type": "supervised", "supervised": {"hyperparameters": {"beta": 0.1}}}},
            ["method.supervised.hyperparameters.beta: is not a known property"],
        ),
        ({"modle": "x", "model": None}, ["modle: is not a known property. Did you mean 'model'?"]),
    ],
)  # fmt: skip
def test_each_cause_is_one_error_without_wrong_advice(
    configure: Configure, inputs: dict[str, Any], expected: list[str]
) -> None:
    assert configure(FineTuningJobProvider).input_problems({**JOB, **inputs}) == expected


def test_a_suggestion_never_reveals_a_secret(configure: Configure) -> None:
    job = {**JOB, "method": {"type": "supervise", "supervised": {}}, "__secret_inputs": ["method"]}

    (message,) = configure(FineTuningJobProvider).input_problems(job)

    assert message == "method.type: [secret] is invalid: must be 'supervised', 'dpo' or 'reinforcement'"


def test_hyperparameters_of_the_service_are_suggested(configure: Configure) -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "learning_rat": 0.1}}}

    (of_nebius,) = configure(FineTuningJobProvider, service="nebius").input_problems(
        {**JOB, "method": method}
    )
    (of_openai,) = configure(FineTuningJobProvider).input_problems({**JOB, "method": method})

    assert of_nebius.endswith("learning_rat: is not a known property. Did you mean 'learning_rate'?")
    assert of_openai.endswith(
        "learning_rat: is not a known property. Did you mean 'learning_rate_multiplier'?"
    )

"""Programs after the import of a job: printed, minimal and `auto` inputs show no changes; a real change is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.import_.importing import (
    CODE,
    JOB,
    MODEL,
    import_one,
    printed_program,
    public_properties,
    replacement_reasons,
    rows_of,
    run_printed_program,
    state,
    supervised,
    tuned,
    write,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e

ODD_KEYS = {"team.name": "shop", "a b": 'says "hello"', "é[0]": "\\d+\t${x} %{y}", "class": ""}
WANDB = [{"type": "wandb", "wandb": {"project": "support", "name": "run", "entity": "shop", "tags": ["one"]}}]
EXACT = {
    "type": "string_check",
    "name": "exact",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
}
NEAR = {**{name: EXACT[name] for name in ("input", "reference")}, "type": "text_similarity", "name": "near"}
NEAR["evaluation_metric"] = "fuzzy_match"
BOTH = {
    "type": "multi",
    "name": "both",
    "graders": {"exact": EXACT, "near": NEAR},
    "calculate_output": "0.5 * exact + 0.5 * near",
}
RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"steps": {"type": "integer", "minimum": 0, "enum": [1, None]}},
            "required": [],
        },
    },
}
LEFT_TO_THE_SERVICE = {
    "supervised": ("n_epochs", "batch_size", "learning_rate_multiplier"),
    "dpo": ("n_epochs", "batch_size", "learning_rate_multiplier", "beta"),
    "reinforcement": (
        "n_epochs",
        "batch_size",
        "learning_rate_multiplier",
        "compute_multiplier",
        "eval_interval",
        "eval_samples",
    ),
}


def program(job: Any, **inputs: Any) -> str:
    """Return a program with the model, the training file and these inputs."""
    named = {"model": job.model, "training_file": job.training_file, **inputs}
    arguments = "".join(f"    {name}={value!r},\n" for name, value in named.items())
    return f'import pulumi_openai_ft as ft\n\nft.FineTuningJob(\n    "job",\n{arguments})\n'


def method_of(account: Account) -> dict[str, Any]:
    """Return the method of the only job, as the service returns it."""
    (job,) = account.service.jobs()
    method: dict[str, Any] = job["method"]
    return method


def with_hyperparameters(method: dict[str, Any], **changed: Any) -> dict[str, Any]:
    settings = method[method["type"]]
    hyperparameters = {**settings.get("hyperparameters", {}), **changed}
    return tuned(method["type"], **{**settings, "hyperparameters": hyperparameters})


def assert_four_programs(stack: Stack, account: Account, job: Any) -> None:
    """Assert the preview of each of the four programs; none of them changes the service."""
    method, last_request = method_of(account), account.last_request()
    kind = method["type"]
    files = {"validation_file": job.validation_file} if kind == "reinforcement" else {}

    run_printed_program(stack)

    write(stack, program(job))
    stack.preview("--expect-no-changes")

    auto = with_hyperparameters(method, **dict.fromkeys(LEFT_TO_THE_SERVICE[kind], "auto"))
    write(stack, program(job, **files, method=auto))
    stack.preview("--expect-no-changes")

    epochs = method[kind]["hyperparameters"]["n_epochs"]
    write(stack, program(job, **files, method=with_hyperparameters(method, n_epochs=epochs + 1)))
    assert replacement_reasons(stack) == {f"method.{kind}.hyperparameters.n_epochs": "update-replace"}
    assert re.search(r"job replace \[diff: .*~method", stack.preview().text)

    assert account.changing_requests(last_request) == []
    assert len(account.service.jobs()) == 1


def test_four_programs_after_the_import_of_a_supervised_job(stack: Stack, account: Account) -> None:
    job = account.train(
        account.upload(),
        validation_file=account.upload("checks.jsonl"),
        method=supervised(n_epochs=3, learning_rate_multiplier=0.5),
        seed=0,
        suffix="support",
        metadata=ODD_KEYS,
        integrations=WANDB,
    )

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    inputs = public_properties(state(stack)["job"]["inputs"])
    assert inputs == {
        "model": MODEL,
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "method": method_of(account),
        "seed": 0,
        "suffix": "support",
        "metadata": ODD_KEYS,
        "integrations": WANDB,
    }
    assert_four_programs(stack, account, job)


@pytest.mark.long
@pytest.mark.usefixtures("_every_method")
@pytest.mark.parametrize(
    ("kind", "model", "settings"),
    [
        ("dpo", MODEL, {"hyperparameters": {"beta": 0.25, "n_epochs": 1}}),
        ("reinforcement", "o4-mini", {"grader": EXACT, "response_format": RESPONSE_FORMAT}),
        ("reinforcement", "o4-mini", {"grader": BOTH, "hyperparameters": {"reasoning_effort": "low"}}),
        ("reinforcement", "o4-mini", {"grader": CODE, "hyperparameters": {"n_epochs": 2, "eval_samples": 3}}),
    ],
    ids=["dpo", "string_check", "multi", "python"],
)
def test_four_programs_after_the_import_of_another_method(
    kind: str, model: str, settings: dict[str, Any], stack: Stack, account: Account
) -> None:
    content = rows_of(kind)
    job = account.train(
        account.upload(content=content),
        validation_file=account.upload("checks.jsonl", content),
        model=model,
        method=tuned(kind, **settings),
    )
    assert job.status == "succeeded"

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    inputs = public_properties(state(stack)["job"]["inputs"])
    assert inputs["method"] == method_of(account)
    assert_four_programs(stack, account, job)


@pytest.mark.long
def test_editing_the_program_of_a_protected_job_replaces_nothing(stack: Stack, account: Account) -> None:
    job = account.train(account.upload(), method=supervised(n_epochs=3))
    import_one(stack, JOB, "job", job.id, "--skip-preview")

    write(stack, printed_program(stack).replace('"n_epochs": 3', '"n_epochs": 4'))
    refused = stack.preview(code=None)

    assert refused.code != 0
    assert "protect" in refused.text
    stack.up(code=1)
    assert len(account.service.jobs()) == 1


PROVIDER_INPUTS = {
    "triggers": ["2026-11", 1],
    "cancel_after_timeout": 3600,
    "delete_model_on_destroy": True,
    "recreate_on_failure": True,
    "extra_body": {"custom_llm_provider": "somebody"},
}


@pytest.mark.long
def test_provider_only_inputs_are_recorded_by_one_update(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")
    last_request = account.last_request()

    write(stack, program(job, **PROVIDER_INPUTS))
    assert stack.planned() == {"job": ["update"]}
    stack.up()
    stack.preview("--expect-no-changes")

    assert PROVIDER_INPUTS.items() <= state(stack)["job"]["outputs"].items()
    assert account.changing_requests(last_request) == []

    write(stack, program(job, **{**PROVIDER_INPUTS, "triggers": ["2026-12"]}))
    assert replacement_reasons(stack) == {"triggers": "update-replace"}

    stack.destroy()
    assert account.service.models() == []

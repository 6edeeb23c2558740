"""After `up` and `refresh`, a preview shows no changes, except for changes that others made at the service."""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs, FileProvider
from pulumi_openai_ft._provider.job import inputs as _job_inputs
from pulumi_openai_ft._shared.state_names import DERIVED_OUTPUTS, ESTIMATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack
    from tests.support import Configure

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._provider import input_models
    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS, pytest.mark.timeout(180)]

EVERYTHING = """
import os
import pulumi
import pulumi_openai_ft as ft

DATA = os.environ["DATA"]
chats = ft.File("chats", file=f"{DATA}/chats.jsonl", purpose="fine-tune", filename=" support chats.jsonl",
                expires_after={"anchor": "created_at", "seconds": 2592000})
checks = ft.File("checks", file=f"{DATA}/checks.jsonl", validate="warn")
choices = ft.File("choices", file=f"{DATA}/choices.jsonl")
tasks = ft.File("tasks", file=f"{DATA}/tasks.jsonl")
NOTES = "6383dde6595c284613a5ca30167fc0e831d1d0bf8daae8a23d102db9f2e74108"
ft.File("notes", file=pulumi.FileAsset(f"{DATA}/notes.txt"), purpose="user_data", sha256=NOTES)

def job(name, training_file=chats, model="gpt-4o-mini-2024-07-18", **inputs):
    return ft.FineTuningJob(name, model=model, training_file=training_file, **inputs)

def tuned(kind, **settings):
    return {"type": kind, kind: settings}

plain = job("plain")
job("alias", model="gpt-4.1-mini")
job("further", model=plain.fine_tuned_model)
job("left-to-the-service", method=tuned("supervised", hyperparameters={
    "n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}))
job("settled", seed=0, suffix="Support, v1 ", method=tuned("supervised", hyperparameters={
    "n_epochs": 3, "batch_size": 2, "learning_rate_multiplier": 0.5}))
job("bare-method", seed=2147483647, method={"type": "supervised"})
job("described", validation_file=checks, metadata={"team": "support", "empty": ""},
    integrations=[{"type": "wandb", "wandb": {
        "project": "support", "name": "run", "entity": "shop", "tags": ["one", "two"]}}])
job("followed", validation_file=checks.id, training_file=chats.id,
    integrations=[{"type": "wandb", "wandb": {"project": "support"}}])
job("unwatched", wait_for_completion=False, delete_model_on_destroy=True, metadata={})
job("watched", wait_for_completion=True, cancel_after_timeout=3600, paused=False, recreate_on_failure=True,
    former_names=["seen"], triggers=["2026-11", 1, {"more": [1.5, None]}], extra_body={"hyperparameters": {"n_epochs": 2}})
job("choosing", choices, method=tuned("dpo", hyperparameters={
    "beta": 0.25, "n_epochs": 1, "batch_size": 4, "learning_rate_multiplier": 2}))
job("choosing-freely", choices, method=tuned("dpo", hyperparameters={"beta": "auto"}))
exact = {"type": "string_check", "name": "exact", "operation": "eq",
         "input": "{{sample.output_text}}", "reference": "{{item.answer}}"}
near = {**exact, "type": "text_similarity", "name": "near", "evaluation_metric": "fuzzy_match"}
del near["operation"]
job("reasoning", tasks, "o4-mini", validation_file=tasks, method=tuned("reinforcement",
    grader={"type": "multi", "name": "both", "graders": {"exact": exact, "near": near},
            "calculate_output": "0.5 * exact + 0.5 * near"},
    response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    hyperparameters={"n_epochs": 2, "batch_size": 8, "learning_rate_multiplier": 1, "reasoning_effort": "low",
                     "compute_multiplier": 1.5, "eval_interval": 5, "eval_samples": 2}))
job("reasoning-freely", tasks, "o4-mini", validation_file=tasks, method=tuned("reinforcement", grader=exact,
    hyperparameters={"reasoning_effort": "default", "compute_multiplier": "auto"}))

def share(name, checkpoint, *projects, **inputs):
    ft.FineTuningCheckpointPermission(name, checkpoint_id=checkpoint, project_ids=projects, **inputs)

share("by-name", plain.fine_tuned_model, "proj_z", "proj_a", allow_view=True, allow_create=True)
share("by-id", os.environ["CHECKPOINT"], "proj_a")
"""


@pytest.fixture
def other_client(configure: Configure) -> Client:
    """A client of another user of the service."""
    api: Client = configure(FileProvider).api
    return api


def write_data(folder: Path) -> None:
    folder.mkdir()
    write_training_data(folder / "chats.jsonl")
    write_training_data(folder / "checks.jsonl", rows=3)
    question = [{"role": "user", "content": "How do I reset my password?"}]
    answers = [[{"role": "assistant", "content": text}] for text in ("Under Account.", "No idea.")]
    choice = {
        "input": {"messages": question},
        "preferred_output": answers[0],
        "non_preferred_output": answers[1],
    }
    for name, row in {"choices": choice, "tasks": {"messages": question, "answer": "Account"}}.items():
        (folder / f"{name}.jsonl").write_text((json.dumps(row) + "\n") * 10)
    (folder / "notes.txt").write_text("Passwords are reset under Account.\n")


@pytest.fixture
def checkpoint(other_client: Client, tmp_path: Path) -> str:
    """The id of a checkpoint from a job outside of the stack."""
    with write_training_data(tmp_path / "other.jsonl").open("rb") as content:
        file = other_client.upload_file("other.jsonl", content, purpose="fine-tune")
    job = other_client.create_job({"model": "gpt-4o-mini", "training_file": file.id})
    other_client.job(job.id)
    return next(other_client.checkpoints(job.id)).id


def resources(stack: Stack, kind: str) -> dict[str, Any]:
    """Return the stack's resources of a type of this package, by name."""
    found = json.loads(stack.export())["deployment"].get("resources", [])
    return {
        entry["urn"].rsplit("::", 1)[1]: entry
        for entry in found
        if entry["type"].endswith(f"openai_ft:{kind}")
    }


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def assert_every_input_is_used(stack: Stack) -> dict[str, Any]:
    """Assert that the program uses each input and each hyperparameter, and return the jobs."""
    jobs = resources(stack, "FineTuningJob")
    resources_of: dict[type[input_models.InputModel], dict[str, Any]] = {
        FileInputs: resources(stack, "File"),
        _job_inputs.FineTuningJobInputs: jobs,
        CheckpointPermissionInputs: resources(stack, "FineTuningCheckpointPermission"),
    }
    for model, found in resources_of.items():
        used = {name for entry in found.values() for name in entry["inputs"] if not name.startswith("__")}
        used -= {*ESTIMATED, *DERIVED_OUTPUTS}
        assert used == set(model.model_fields)
    job_with: dict[type[input_models.InputModel], str] = {
        _job_inputs.SupervisedHyperparameters: "settled",
        _job_inputs.DpoHyperparameters: "choosing",
        _job_inputs.ReinforcementHyperparameters: "reasoning",
    }
    for model, name in job_with.items():
        method = jobs[name]["inputs"]["method"]
        assert set(method[method["type"]]["hyperparameters"]) == set(model.model_fields)
    return jobs


@pytest.mark.core
@pytest.mark.usefixtures("_every_method")
def test_every_method_and_every_input_converges(
    make_stack: Callable[..., Stack], service: Emulator, checkpoint: str, tmp_path: Path
) -> None:
    stack = make_stack(EVERYTHING, DATA="data", CHECKPOINT=checkpoint)
    write_data(stack.folder / "data")

    stack.up()
    stack.refresh()
    stack.preview("--expect-no-changes")

    jobs = assert_every_input_is_used(stack)
    assert {job["outputs"]["status"] for job in jobs.values()} == {"succeeded"}
    hyperparameters = jobs["settled"]["outputs"]["method"]["supervised"]["hyperparameters"]
    assert hyperparameters == {"n_epochs": 3, "batch_size": 2, "learning_rate_multiplier": 0.5}
    numbers = [leaf for job in jobs.values() for leaf in leaves(job) if isinstance(leaf, float)]
    assert [number for number in numbers if math.floor(number) == number] == []
    assert jobs["settled"]["outputs"]["seed"] == 0
    assert {job["id"] for job in jobs.values()} < {job["id"] for job in service.jobs()}
    assert len(service.jobs()) == len(jobs) + 1

    shutil.move(stack.folder / "data", tmp_path / "moved")
    stack.environment["DATA"] = "../moved"
    stack.preview("--expect-no-changes")


SHARED = """
import os
import pulumi
import pulumi_openai_ft as ft

triggers = os.environ["TRIGGERS"].split()
recreate = os.environ["RECREATE"] == "yes"
data = ft.File("data", file="data.jsonl")
job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data, triggers=triggers,
    recreate_on_failure=recreate, wait_for_completion=os.environ["WAIT"] == "yes")
if os.environ["SHARE"] == "yes":
    events = ft.get_fine_tuning_events_output(job.id)
    short = ft.File("short", file="data.jsonl", expires_after={"anchor": "created_at", "seconds": 3600})
    ft.FineTuningJob("of-short", model="gpt-4o-mini", training_file=short, validation_file=short)
    pulumi.export("kinds", events.apply(lambda found: sorted({event.type for event in found.events})))
    for name, projects in {"first": ["proj_a", "proj_b"], "second": ["proj_c"]}.items():
        ft.FineTuningCheckpointPermission(name, checkpoint_id=job.fine_tuned_model, project_ids=projects)
"""


@pytest.fixture
def make_shared_stack(make_stack: Callable[..., Stack]) -> Callable[..., Stack]:
    def make(**changes: str) -> Stack:
        settings = {"TRIGGERS": "", "RECREATE": "no", "SHARE": "no", "WAIT": "yes", **changes}
        stack = make_stack(SHARED, **settings)
        write_training_data(stack.folder / "data.jsonl")
        return stack

    return make


def test_lost_files_and_permissions_return_without_a_new_job(
    make_shared_stack: Callable[..., Stack], service: Emulator, other_client: Client
) -> None:
    stack = make_shared_stack(SHARE="yes")
    stack.up()
    before = service.permissions()
    other_client.delete_file(resources(stack, "File")["data"]["id"])
    for permission in before:
        if permission["project_id"] != "proj_b":
            other_client.revoke_permission(permission["checkpoint"], permission["id"])

    service.advance(3700)

    stack.refresh()

    assert stack.planned() == {
        "data": ["create"],
        "short": ["create"],
        "first": ["update"],
        "second": ["create"],
    }
    stack.up()
    assert stack.ids("File") == {file["id"] for file in service.files() if file["purpose"] == "fine-tune"}
    assert {permission["project_id"] for permission in service.permissions()} == {
        "proj_a",
        "proj_b",
        "proj_c",
    }
    assert [permission for permission in service.permissions() if permission["project_id"] == "proj_b"] == [
        permission for permission in before if permission["project_id"] == "proj_b"
    ]
    assert len(service.jobs()) == 2
    stack.refresh()
    stack.preview("--expect-no-changes")


def test_an_externally_cancelled_job_is_recreated_only_on_request(
    make_shared_stack: Callable[..., Stack], service: Emulator, other_client: Client
) -> None:
    stack = make_shared_stack(WAIT="no")
    service.backend.clock.per_read = 0
    stack.up()
    (job,) = service.jobs()
    other_client.cancel_job(job["id"])
    service.backend.clock.per_read = math.inf

    stack.refresh()
    assert stack.planned() == {"job": ["update"]}
    output = stack.up(code=1).text
    assert f"job {job['id']} was cancelled" in output
    assert "It is not retried automatically" in output
    assert len(service.jobs()) == 1

    stack.environment.update(RECREATE="yes", WAIT="yes")
    assert stack.planned() == {"job": ["replace"]}
    stack.up()
    assert len(service.jobs()) == 2
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_an_externally_deleted_model_is_retrained_only_on_request(
    make_shared_stack: Callable[..., Stack], service: Emulator, other_client: Client
) -> None:
    stack = make_shared_stack()
    stack.up()
    (model,) = service.models()
    other_client.delete_model(model["id"])

    stack.refresh()
    assert stack.planned() == {"job": ["update"]}
    assert model["id"] in stack.up(code=1).text
    assert len(service.jobs()) == 1

    stack.environment["TRIGGERS"] = "again"
    stack.up()
    assert len(service.jobs()) == 2
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_unknown_statuses_and_event_types_are_tolerated(
    make_shared_stack: Callable[..., Stack], service: Emulator
) -> None:
    """A job with an unknown status counts as running: `up` waits for it."""
    stack = make_shared_stack(SHARE="yes")
    stack.up()
    job = next(job for job in service.jobs() if job["id"] == resources(stack, "FineTuningJob")["job"]["id"])
    unknown = {**job, "status": "contemplating", "fine_tuned_model": None, "finished_at": None}
    path = f"/fine_tuning/jobs/{job['id']}"
    event = {
        "object": "fine_tuning.job.event",
        "id": "ftevent-1",
        "type": "musing",
        "level": "odd",
        "mood": 1,
    }
    service.fault(
        "GET", f"{path}/events", "status", times=None, status=200, body={"data": [event], "has_more": False}
    )
    service.fault("GET", path, "status", times=2, status=200, body=unknown)

    stack.refresh()
    assert resources(stack, "FineTuningJob")["job"]["outputs"]["status"] == "contemplating"
    stack.preview()
    stack.up()

    assert stack.outputs()["kinds"] == ["musing"]
    assert resources(stack, "FineTuningJob")["job"]["outputs"]["status"] == "succeeded"
    assert len(service.jobs()) == 2
    stack.preview("--expect-no-changes")


def test_a_paused_job_converges(make_shared_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = make_shared_stack()
    program = stack.folder / "__main__.py"
    program.write_text(SHARED.replace("triggers=triggers", "paused=True"))
    service.backend.clock.per_read = 10

    stack.up()

    assert [job["status"] for job in service.jobs()] == ["paused"]
    stack.refresh()
    stack.preview("--expect-no-changes")


RESHAPED = """
import pulumi_openai_ft as ft

ft.FineTuningJob("job", model="gpt-4o-mini", training_file=ft.File("data", file="data.jsonl"),
    suffix=" Support ", metadata={"b": " two ", "a": "one"},
    integrations=[{"type": "wandb", "wandb": {"project": name, "tags": ["z", "a"]}} for name in ("one", "two")])
"""


def test_values_normalized_by_the_service_are_not_differences(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = make_stack(RESHAPED)
    write_training_data(stack.folder / "data.jsonl")
    stack.up()
    (job,) = service.jobs()
    tags = ["a", "openai/finetune", "z", f"openai/{job['id']}"]
    reshaped = {
        **job,
        "user_provided_suffix": "Support",
        "metadata": {"a": "one", "added": "by the service", **job["metadata"], "b": "two"},
        "integrations": [
            {**entry, "wandb": {**entry["wandb"], "tags": tags, "name": job["id"]}}
            for entry in job["integrations"][::-1]
        ],
    }
    service.fault("GET", f"/fine_tuning/jobs/{job['id']}", "status", status=200, body=reshaped)

    stack.refresh()

    assert resources(stack, "FineTuningJob")["job"]["outputs"]["suffix"] == "Support"
    stack.preview("--expect-no-changes")

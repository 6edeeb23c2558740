"""All functions and their output forms in programs: in our host, or on the stock host in the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import HOSTS, ON_BOTH_HOSTS
from tests.support import ADMIN_KEY, API_KEY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._metrics.checkpoint_choice import best_checkpoint
from pulumi_openai_ft._metrics.reading import read_metrics
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e

EVERY_FUNCTION = """
import sys
import pulumi
import pulumi_openai_ft as ft

job_id, file_id, model = {job_id!r}, {file_id!r}, {model!r}
calls = [
    ("job", "get_fine_tuning_job", [job_id], {{}}),
    ("jobs", "get_fine_tuning_jobs", [], dict(status="succeeded", model="gpt-4o-mini", metadata={{"team": "red"}}, limit=1)),
    ("checkpoints", "get_fine_tuning_checkpoints", [job_id], dict(limit=2)),
    ("events", "get_fine_tuning_events", [job_id], dict(level="info", order="oldest")),
    ("metrics", "get_fine_tuning_events", [job_id], dict(type="metrics", limit=2)),
    ("step metrics", "get_fine_tuning_metrics", [job_id], {{}}),
    ("best", "best_checkpoint", [job_id], dict(by="train_loss")),
    ("permissions", "get_fine_tuning_checkpoint_permissions", [model], dict(project_id="proj_b")),
    ("file", "get_file", [file_id], {{}}),
    ("files", "get_files", [], dict(purpose="fine-tune")),
    ("model", "get_model", [model], {{}}),
    ("models", "get_models", [], dict(owned_by="system", limit=3)),
]
for name, function, arguments, options in calls:
    pulumi.export(name, getattr(ft, function)(*arguments, **options).model_dump())
    outputs = [pulumi.Output.from_input(argument) for argument in arguments]
    output_form = getattr(ft, function + "_output")(*outputs, **options)
    pulumi.export(name + "_output", output_form.apply(lambda found: found.model_dump()))
pulumi.export("sent_requests", "httpx" in sys.modules)
"""
NEW_RESOURCES = """
import pulumi
import pulumi_openai_ft as ft

file = ft.File("data", file="data.jsonl")
job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=file)
grant = ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"])
events = ft.get_fine_tuning_events_output(job.id, limit=1)
permissions = ft.get_fine_tuning_checkpoint_permissions_output(
    job.fine_tuned_model, opts=pulumi.InvokeOutputOptions(depends_on=grant)
)
files = ft.get_files_output(purpose="fine-tune", opts=pulumi.InvokeOutputOptions(depends_on=[file]))
pulumi.export("status", job.id.apply(lambda job_id: ft.get_fine_tuning_job(job_id).status))
pulumi.export("event", events.events[0].message)
pulumi.export("projects", permissions.project_ids)
pulumi.export("files", files.files.apply(len))
pulumi.export("secret", pulumi.Output.secret(file.id).apply(lambda file_id: file_id[:5]))
pulumi.export("of_secret", ft.get_file_output(pulumi.Output.secret(file.id)).filename)
"""


@pytest.fixture
def api(service: Emulator) -> Iterator[Client]:
    api = Client(Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url))
    yield api
    api.close()


@pytest.fixture
def job(api: Client, tmp_path: Path) -> Job:
    """A finished job with permissions, created outside of the stack."""
    with write_training_data(tmp_path / "data.jsonl").open("rb") as content:
        file = api.upload_file("data.jsonl", content, purpose="fine-tune")
    made = api.create_job({"model": "gpt-4o-mini", "training_file": file.id, "metadata": {"team": "red"}})
    done = api.job(made.id)
    api.grant_permissions(done.fine_tuned_model or "", ["proj_b", "proj_c"])
    return done


@pytest.mark.parametrize("host", HOSTS)
def test_functions_and_output_forms_return_the_services_objects(
    make_stack: Callable[..., Stack], host: str, api: Client, job: Job
) -> None:
    """Compare the results on each host with the objects of the service."""
    assert job.fine_tuned_model
    assert job.training_file
    program = EVERY_FUNCTION.format(job_id=job.id, file_id=job.training_file, model=job.fine_tuned_model)
    stack = make_stack(program)

    stack.up()

    found = stack.outputs()
    events = list(api.events(job.id))
    metrics = [event for event in events if event.type == "metrics"]
    permissions = [
        permission
        for permission in api.permissions(job.fine_tuned_model)
        if permission.project_id == "proj_b"
    ]
    steps = read_metrics(api, job).rows
    expected: dict[str, Any] = {
        "job": dumped(job),
        "jobs": {"jobs": [dumped(job)]},
        "checkpoints": listed("checkpoints", list(api.checkpoints(job.id))[:2], fine_tuning_job_id=job.id),
        "events": listed("events", events[::-1], fine_tuning_job_id=job.id),
        "metrics": listed("events", metrics[:2], fine_tuning_job_id=job.id),
        "step metrics": listed(
            "metrics", list(steps), fine_tuning_job_id=job.id, source="result_files", missing=[]
        ),
        "best": dumped(best_checkpoint(job.id, list(api.checkpoints(job.id)), "train_loss")),
        "permissions": listed("permissions", permissions, checkpoint_id=job.fine_tuned_model),
        "file": dumped(api.file(job.training_file)),
        "files": listed("files", [api.file(job.training_file)]),
        "model": dumped(api.model(job.fine_tuned_model)),
        "models": listed("models", [model for model in api.models() if model.owned_by == "system"][:3]),
    }
    sent_requests = found.pop("sent_requests")
    assert without_nulls(found) == expected | {f"{name}_output": value for name, value in expected.items()}
    assert sent_requests is (host == "stock")


def dumped(model: Any) -> Any:
    return without_nulls(model.model_dump())


def listed(name: str, models: list[Any], **more: Any) -> dict[str, Any]:
    return {**more, name: [dumped(model) for model in models]}


def without_nulls(value: Any) -> Any:
    """Return the value as the engine stores it."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.core
@ON_BOTH_HOSTS
def test_output_forms_are_called_after_new_resources_exist(
    make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path
) -> None:
    stack = make_stack(NEW_RESOURCES)
    write_training_data(tmp_path / "program" / "data.jsonl")

    stack.preview()
    assert not service.journal(path="/v1/fine_tuning/jobs/*")
    assert not service.journal(path="/v1/files/*")

    stack.up()
    assert stack.outputs() == {
        "status": "succeeded",
        "event": "The job has successfully completed",
        "projects": ["proj_b"],
        "files": 1,
        "secret": "[secret]",
        "of_secret": "[secret]",
    }
    stack.preview("--expect-no-changes")


@ON_BOTH_HOSTS
@pytest.mark.parametrize("function", ["get_file", pytest.param("get_file_output", marks=pytest.mark.long)])
def test_a_failure_is_reported_in_one_sentence(make_stack: Callable[..., Stack], function: str) -> None:
    stack = make_stack(f"import pulumi_openai_ft as ft\nft.{function}('file-unknown')\n")

    result = stack.up(code=None)

    assert result.code != 0
    assert "(GET /files/file-unknown, status 404); sent to " in result.text
    assert "Traceback" not in result.text
    assert "invoke of" not in result.text


HANDLING_ERRORS = """
import pulumi
import pulumi_openai_ft as ft
from pulumi_openai_ft.errors import NotFoundError, SettingsError

try:
    ft.get_fine_tuning_job("ftjob-unknown")
except NotFoundError as error:
    pulumi.export("status", error.status)
    pulumi.export("code", error.code)
try:
    ft.get_fine_tuning_checkpoint_permissions("ft:m:o::x")
except SettingsError as error:
    pulumi.export("keys", str(error))
"""


@ON_BOTH_HOSTS
def test_a_program_can_distinguish_failures(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(HANDLING_ERRORS, OPENAI_ADMIN_KEY=None)

    stack.up()

    found = stack.outputs()
    assert (found["status"], found["code"]) == (404, "fine_tune_not_found")
    assert found["keys"].startswith("checkpoint permissions need an admin key: ")

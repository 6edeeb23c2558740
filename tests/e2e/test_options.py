"""Pulumi's resource options and flags work with our resources on both hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft._provider.file import FileProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.support import Configure

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS, pytest.mark.timeout(180)]

IMPORTS = """
import os
import pulumi
import pulumi_openai_ft as ft
from pulumi import Alias, ResourceOptions

MODEL = "gpt-4o-mini-2024-07-18"
STAGE = os.environ["STAGE"]
"""


@pytest.fixture
def make(make_stack: Callable[..., Stack]) -> Callable[..., Stack]:
    """Return a function that makes a stack of a program in the stage "first", with training data."""

    def make(program: str, **changes: str | None) -> Stack:
        stack = make_stack(IMPORTS + program, STAGE="first", **changes)
        write_training_data(stack.folder / "data.jsonl")
        return stack

    return make


def edit(stack: Stack) -> None:
    write_training_data(stack.folder / "data.jsonl", answer="Under Account, then Security.")


def urns(stack: Stack) -> dict[str, str]:
    """Return the URN of each of our resources, by name."""
    found = json.loads(stack.export())["deployment"].get("resources", [])
    return {entry["urn"].rsplit("::", 1)[1]: entry["urn"] for entry in found if "openai_ft" in entry["type"]}


def service_contents(service: Emulator) -> dict[str, list[Any]]:
    """Return all objects of the service."""
    return {
        "files": service.files(),
        "jobs": service.jobs(),
        "models": service.models(),
        "permissions": service.permissions(),
    }


def changing_requests(service: Emulator, after: int = 0) -> list[str]:
    """Return the requests that were not reads, for example `POST /v1/files`."""
    return [f"{entry.method} {entry.path}" for entry in service.journal(after=after) if entry.method != "GET"]


IGNORING = """
ft.File("watched", file="data.jsonl")
data = ft.File("ignored", file="data.jsonl", opts=ResourceOptions(ignore_changes=["sha256"]))
for name, ignored in {"suffixed": [], "still": ["suffix"]}.items():
    opts = ResourceOptions(ignore_changes=ignored)
    ft.FineTuningJob(name, model=MODEL, training_file=data, suffix=STAGE, triggers=[name], opts=opts)
"""
IGNORING_FILES = """
data = ft.File("data", file="data.jsonl")
opts = ResourceOptions(ignore_changes=["training_file", "validation_file"])
ft.FineTuningJob("job", model=MODEL, training_file=data, validation_file=data, opts=opts)
"""


@pytest.mark.core
def test_ignored_changes_of_content_and_suffix_replace_nothing(make: Callable[..., Stack]) -> None:
    stack = make(IGNORING)
    stack.up()
    edit(stack)
    stack.environment["STAGE"] = "second"

    assert stack.planned() == {"watched": ["replace"], "suffixed": ["replace"]}


def test_a_job_that_ignores_its_files_is_not_replaced(make: Callable[..., Stack], service: Emulator) -> None:
    stack = make(IGNORING_FILES)
    stack.up()
    edit(stack)

    assert stack.planned() == {"data": ["replace"]}
    stack.up()
    stack.preview("--expect-no-changes")

    assert len(service.jobs()) == 1


RENAMED = """
def named(old):
    return (old, None) if STAGE == "first" else (f"new-{old}", ResourceOptions(aliases=[Alias(name=old)]))

name, opts = named("data")
data = ft.File(name, file="data.jsonl", opts=opts)
name, opts = named("job")
job = ft.FineTuningJob(name, model=MODEL, training_file=data, opts=opts)
name, opts = named("share")
ft.FineTuningCheckpointPermission(name, checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"], opts=opts)
"""


def test_a_renamed_resource_with_an_alias_is_unchanged(make: Callable[..., Stack], service: Emulator) -> None:
    stack = make(RENAMED)
    stack.up()
    before, requests_before = service_contents(service), changing_requests(service)
    stack.environment["STAGE"] = "renamed"

    stack.preview("--expect-no-changes")
    stack.up()

    assert set(urns(stack)) == {"new-data", "new-job", "new-share"}
    assert service_contents(service) == before
    assert changing_requests(service) == requests_before


@pytest.mark.long
def test_replacing_a_renamed_job_creates_no_second_job(make: Callable[..., Stack], service: Emulator) -> None:
    stack = make(RENAMED)
    stack.up()
    stack.environment["STAGE"] = "renamed"
    stack.up()

    stack.up("--replace", urns(stack)["new-job"])

    assert len(service.jobs()) == 1


PROTECTED = """
opts = ResourceOptions(protect=STAGE == "first", retain_on_delete=True)
data = ft.File("data", file="data.jsonl", opts=opts)
job = ft.FineTuningJob(
    "job", model=MODEL, training_file=data, delete_model_on_destroy=True, opts=opts
)
ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"], opts=opts
)
"""


def test_protected_and_retained_resources_survive_a_destroy(
    make: Callable[..., Stack], service: Emulator
) -> None:
    stack = make(PROTECTED)
    stack.up()
    before, requests_before = service_contents(service), changing_requests(service)

    refused = stack.destroy(code=None)
    assert refused.code != 0
    assert "protect" in refused.text
    assert set(urns(stack)) == {"data", "job", "share"}

    stack.pulumi("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert urns(stack) == {}
    assert service_contents(service) == before
    assert changing_requests(service) == requests_before


REPLACED = """
opts = ResourceOptions(delete_before_replace=True)
data = ft.File("data", file="data.jsonl", opts=opts)
job = ft.FineTuningJob("job", model=MODEL, training_file=data, opts=opts)
ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"], opts=opts
)
"""


def test_delete_before_replace_deletes_first(make: Callable[..., Stack], service: Emulator) -> None:
    stack = make(REPLACED)
    stack.up()
    (file,) = stack.ids("File")
    (permission,) = service.permissions()
    last_request = service.journal()[-1].number
    edit(stack)

    stack.up()

    share = f"/v1/fine_tuning/checkpoints/{permission['checkpoint']}/permissions"
    assert changing_requests(service, last_request) == [
        f"DELETE {share}/{permission['id']}",
        f"DELETE /v1/files/{file}",
        "POST /v1/files",
        "POST /v1/fine_tuning/jobs",
        f"POST /v1/fine_tuning/checkpoints/{service.permissions()[0]['checkpoint']}/permissions",
    ]
    assert len(service.jobs()) == 2
    stack.preview("--expect-no-changes")


TARGETS = """
for name in "one", "two":
    file = ft.File(name, file="data.jsonl")
    ft.FineTuningJob(f"job-{name}", model=MODEL, training_file=file, triggers=[name])
"""


@pytest.mark.long
def test_only_targets_are_updated_and_destroyed(make: Callable[..., Stack], service: Emulator) -> None:
    stack = make(TARGETS)
    stack.up()
    edit(stack)
    urn_of = urns(stack)

    stack.up("--target", urn_of["one"], "--target", urn_of["job-one"])
    assert len(service.jobs()) == 3
    assert stack.planned() == {"two": ["replace"], "job-two": ["replace"]}

    stack.destroy("--target", urn_of["one"], "--target-dependents")
    assert set(urns(stack)) == {"two", "job-two"}
    assert stack.ids("File") == {file["id"] for file in service.files() if file["purpose"] == "fine-tune"}


FORCED = """
data = ft.File("data", file="data.jsonl")
job = ft.FineTuningJob("job", model=MODEL, training_file=data, delete_model_on_destroy=True)
ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b", "proj_c"]
)
"""


def test_the_delete_after_a_forced_replacement_touches_nothing(
    make: Callable[..., Stack], service: Emulator
) -> None:
    stack = make(FORCED)
    stack.up()
    urn_of, before, requests_before = urns(stack), service_contents(service), changing_requests(service)

    reported = stack.up(*(word for urn in urn_of.values() for word in ("--replace", urn))).text
    assert "3 replaced" in reported
    assert f"adopted job {before['jobs'][0]['id']}" in reported
    assert f"adopted file {stack.ids('File').pop()}" in reported
    stack.pulumi("state", "taint", *urn_of.values(), "--yes")
    assert "3 replaced" in stack.up().text
    assert service_contents(service) == before
    assert changing_requests(service) == requests_before
    stack.preview("--expect-no-changes")

    stack.destroy()
    assert [file for file in service.files() if file["purpose"] == "fine-tune"] == []
    assert service.permissions() == service.models() == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["data", "job", "share"])
def test_forced_replacement_of_a_resource_replaces_no_other(
    name: str, make: Callable[..., Stack], service: Emulator
) -> None:
    stack = make(FORCED)
    stack.up()
    urn, before, requests_before = urns(stack)[name], service_contents(service), changing_requests(service)

    assert "1 replaced" in stack.up("--replace", urn).text
    stack.pulumi("state", "taint", urn, "--yes")
    assert "1 replaced" in stack.up().text
    assert service_contents(service) == before
    assert changing_requests(service) == requests_before
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_forced_replacement_adopts_a_running_job_without_cancelling_it(
    make: Callable[..., Stack], service: Emulator
) -> None:
    stack = make(
        FORCED.split("ft.FineTuningCheckpoint", maxsplit=1)[0].replace(
            "delete_model_on", "wait_for_completion=False, delete_model_on"
        )
    )
    service.backend.clock.per_read = 0
    stack.up()

    stack.up("--replace", urns(stack)["job"])

    assert [job["status"] for job in service.jobs()] == ["validating_files"]
    assert stack.ids("FineTuningJob") == {service.jobs()[0]["id"]}


SECRET = """
data = ft.File("data", file="data.jsonl")
opts = ResourceOptions(additional_secret_outputs=["fine_tuned_model"])
metadata = {"note": pulumi.Output.secret("an internal note")}
job = ft.FineTuningJob("job", model=MODEL, training_file=data, metadata=metadata, opts=opts)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
pulumi.export("status", job.status)
"""


@pytest.mark.long
def test_secret_inputs_and_outputs_are_masked_and_encrypted(
    make: Callable[..., Stack], service: Emulator
) -> None:
    stack = make(SECRET)
    reported = stack.up().text
    reported += stack.export()
    (model,) = (model["id"] for model in service.models())

    assert stack.outputs() == {"fine_tuned_model": "[secret]", "status": "succeeded"}
    assert model in stack.pulumi("stack", "output", "--json", "--show-secrets").text
    reported += stack.refresh().text
    reported += stack.preview("--expect-no-changes").text
    reported += stack.export()
    assert model not in reported
    assert "an internal note" not in reported
    assert service.jobs()[0]["metadata"]["note"] == "an internal note"


def test_refresh_and_up_repair_in_one_run(
    make: Callable[..., Stack], service: Emulator, configure: Configure
) -> None:
    stack = make(FORCED)
    stack.up()
    other_client: Client = configure(FileProvider).api
    other_client.delete_file(stack.ids("File").pop())
    (permission, _) = service.permissions()
    other_client.revoke_permission(permission["checkpoint"], permission["id"])

    stack.up("--refresh")

    assert stack.ids("File") == {file["id"] for file in service.files() if file["purpose"] == "fine-tune"}
    assert {permission["project_id"] for permission in service.permissions()} == {"proj_b", "proj_c"}
    assert len(service.jobs()) == 1
    stack.preview("--expect-no-changes")


def test_a_refresh_that_runs_the_program_uses_rotated_keys(
    make: Callable[..., Stack], service: Emulator
) -> None:
    """Pulumi refreshes with the configuration of the last `up`: the error names the key used, and the fix."""
    stack = make(FORCED.split("ft.FineTuningCheckpoint", maxsplit=1)[0], OPENAI_API_KEY=None)
    new_key = f"{API_KEY}-new"
    for key in (API_KEY, new_key):
        stack.pulumi("config", "set", "--secret", "openai-ft:apiKey", key)
        service.backend.keyring.clear()
        service.add_key(key)
        if key == API_KEY:
            stack.up()

    refused = stack.refresh(code=None)
    assert refused.code != 0
    assert service.url in refused.text
    assert "project key" in refused.text
    assert "--run-program" in refused.text
    assert API_KEY not in refused.text

    stack.refresh("--run-program")


GET = """
file = ft.File.get("file", os.environ["FILE"])
job = ft.FineTuningJob.get("job", os.environ["JOB"])
share = ft.FineTuningCheckpointPermission.get("share", os.environ["CHECKPOINT"], ResourceOptions(parent=job))
if STAGE == "used":
    ft.FineTuningJob("further", model=job.fine_tuned_model, training_file=file)
pulumi.export("file", [file.filename, file.bytes])
pulumi.export("job", [job.status, job.fine_tuned_model, job.seed])
pulumi.export("share", share.permission_ids)
"""


def test_get_reads_an_existing_resource_and_creates_nothing(
    make: Callable[..., Stack], service: Emulator, configure: Configure
) -> None:
    stack = make(GET)
    other_client: Client = configure(FileProvider).api
    with (stack.folder / "data.jsonl").open("rb") as content:
        file = other_client.upload_file("existing.jsonl", content, purpose="fine-tune")
    job = other_client.job(other_client.create_job({"model": "gpt-4o-mini", "training_file": file.id}).id)
    model = job.fine_tuned_model or ""
    permissions = other_client.grant_permissions(model, ["proj_b", "proj_c"])
    stack.environment.update(FILE=file.id, JOB=job.id, CHECKPOINT=model)
    before, requests_before = service_contents(service), changing_requests(service)

    stack.up()
    assert stack.outputs() == {
        "file": ["existing.jsonl", file.bytes],
        "job": ["succeeded", model, job.seed],
        "share": {permission.project_id: permission.id for permission in permissions},
    }
    stack.refresh()
    stack.preview("--expect-no-changes")
    stack.environment["STAGE"] = "used"
    assert stack.planned()["further"] == ["create"]
    stack.destroy()
    assert service_contents(service) == before
    assert changing_requests(service) == requests_before


@pytest.mark.parametrize(
    ("kind", "unknown"),
    [
        ("File", "file-123"),
        pytest.param("FineTuningJob", "ftjob-123", marks=pytest.mark.long),
        pytest.param("FineTuningCheckpointPermission", "ft:m:shop::abc", marks=pytest.mark.long),
    ],
)
def test_get_of_a_missing_resource_is_reported(kind: str, unknown: str, make: Callable[..., Stack]) -> None:
    reported = make(f"ft.{kind}.get('it', {unknown!r})\n").preview(code=None)

    assert reported.code != 0
    assert unknown in reported.text
    assert "Traceback" not in reported.text

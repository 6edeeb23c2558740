"""A walk over every route. When the emulator gets a new route, add it here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.app import ENDPOINTS
from pulumi_openai_ft.server.handlers.jobs import delete_job

if TYPE_CHECKING:
    import openai
    from openai.types.fine_tuning import FineTuningJob

    from pulumi_openai_ft.emulator import Emulator


def walk_files(client: openai.OpenAI, data: bytes) -> str:
    file = client.files.create(file=("walk.jsonl", data), purpose="fine-tune")
    assert list(client.files.list()) == [client.files.retrieve(file.id)]
    assert client.files.content(file.id).content == data
    assert client.files.delete(file.id).deleted
    return walk_uploads(client, data)


def walk_uploads(client: openai.OpenAI, data: bytes) -> str:
    options: Any = {"filename": "walk.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
    unwanted = client.uploads.create(bytes=1, **options)
    assert client.uploads.cancel(unwanted.id).status == "cancelled"
    upload = client.uploads.create(bytes=len(data), **options)
    part = client.uploads.parts.create(upload.id, data=data)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    completed = client.uploads.complete(upload.id, part_ids=[part.id], md5=md5)
    assert completed.file is not None
    return completed.file.id


def walk_jobs(client: openai.OpenAI, lenient: openai.OpenAI, emulator: Emulator, file: str) -> FineTuningJob:
    jobs = client.fine_tuning.jobs
    unwanted = jobs.create(model="gpt-4o-mini", training_file=file)
    assert jobs.cancel(unwanted.id).status == "cancelled"
    job = jobs.create(model="gpt-4o-mini", training_file=file)
    emulator.advance(60)
    lenient.fine_tuning.jobs.pause(job.id)  # the strict client rejects the status "paused"
    emulator.advance(60)
    assert jobs.resume(job.id).status == "queued"
    emulator.advance(600)
    finished = jobs.retrieve(job.id)
    assert [each.id for each in jobs.list()] == [job.id, unwanted.id]
    assert any(event.type == "metrics" for event in jobs.list_events(job.id))
    assert finished.fine_tuned_model in [
        checkpoint.fine_tuned_model_checkpoint for checkpoint in jobs.checkpoints.list(job.id)
    ]
    return finished


def walk_permissions(admin: openai.OpenAI, model: str) -> None:
    permissions = admin.fine_tuning.checkpoints.permissions
    (granted,) = permissions.create(model, project_ids=["proj_walk"])
    assert [permission.id for permission in permissions.list(model)] == [granted.id]
    assert permissions.delete(granted.id, fine_tuned_model_checkpoint=model).deleted


def walk_graders(client: openai.OpenAI) -> None:
    graders, similar = client.fine_tuning.alpha.graders, "{{ sample.output_text }}"
    grader: Any = {
        "type": "string_check",
        "name": "same",
        "input": similar,
        "reference": "a",
        "operation": "eq",
    }
    assert graders.validate(grader=grader).grader is not None
    assert graders.run(grader=grader, model_sample="a", item={}).reward == 1


def walk_models(client: openai.OpenAI, model: str) -> None:
    assert client.models.retrieve(model) in list(client.models.list())
    assert client.models.delete(model).deleted


def test_official_client_succeeds_on_every_route(paced: Emulator, connect: Any, jsonl: Any) -> None:
    client, lenient = connect(paced), connect(paced, _strict_response_validation=False)

    job = walk_jobs(client, lenient, paced, walk_files(client, jsonl()))
    assert job.fine_tuned_model is not None
    walk_permissions(connect(paced, "sk-admin-contract-test-0001"), job.fine_tuned_model)
    walk_graders(client)
    walk_models(client, job.fine_tuned_model)

    assert routes_without_success(paced) == set()


def routes_without_success(emulator: Emulator) -> set[tuple[str, str]]:
    succeeded = {(entry.method, entry.route) for entry in emulator.journal() if entry.status == 200}
    at_openai = [endpoint for endpoint in ENDPOINTS if endpoint.handler is not delete_job]
    return {(endpoint.method, endpoint.path) for endpoint in at_openai} - succeeded

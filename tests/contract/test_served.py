"""Tests by the official client of the rules that only `serve` has, and a walk over all of its routes."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import openai
import pytest
from tests.contract.test_walk import walk_files, walk_models, walk_permissions
from tests.serve.services import ADMIN_KEY, ALIAS, PROJECT_KEY, RunningService, wait_for

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.live_keys import LiveKeys
from pulumi_openai_ft.serve.service import Service
from pulumi_openai_ft.server.blobs import Blobs
from pulumi_openai_ft.server.handlers.jobs import delete_job
from pulumi_openai_ft.server.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from openai.types.fine_tuning import FineTuningJob
    from tests.contract.served import ContractService

QUESTION: Any = [{"role": "user", "content": "hello"}]
GRADER = {"type": "string_check", "name": "same", "input": "a", "reference": "a", "operation": "eq"}


class Walk:
    """Official clients that record which routes succeeded."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._succeeded: set[tuple[str, str]] = set()
        self._transports = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transports.close()

    def client(self, key: str, **options: Any) -> openai.OpenAI:
        transport = self._transports.enter_context(
            openai.DefaultHttpxClient(event_hooks={"response": [self._record]}, trust_env=False)
        )
        return self._service.client(
            key, http_client=transport, **{"_strict_response_validation": True, **options}
        )

    def missing(self, routes: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return the routes without a success."""
        return {
            (method, path)
            for method, path in routes
            if not any(method == seen and _is_path_of(path, url) for seen, url in self._succeeded)
        }

    def _record(self, response: httpx.Response) -> None:
        if response.status_code == 200:
            self._succeeded.add((response.request.method, response.request.url.path))


def _is_path_of(route: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), path) is not None


def routes_of(service: RunningService, folder: Path) -> set[tuple[str, str]]:
    """Return method and path of each route of a service, except the one that only Azure has."""
    path = service.folder / "serve.toml"
    config = load_config(path)
    served = Service(config, LiveKeys(path, config.keys), Store(), Blobs(folder, durable=False))
    return {
        (endpoint.method, endpoint.path)
        for endpoint in served.endpoints()
        if endpoint.handler is not delete_job
    }


def walk_jobs(
    service: RunningService, client: openai.OpenAI, lenient: openai.OpenAI, file: str
) -> FineTuningJob:
    service.plan(seconds=0.2)
    jobs = client.fine_tuning.jobs
    unwanted = jobs.create(model=ALIAS, training_file=file)
    assert jobs.cancel(unwanted.id).status == "cancelled"
    job = jobs.create(model=ALIAS, training_file=file)
    wait_for(client, job.id, "running")
    lenient.fine_tuning.jobs.pause(job.id)  # the strict client rejects the status "paused"
    wait_for(lenient, job.id, "paused")
    service.plan()
    assert jobs.resume(job.id).status == "queued"
    finished: FineTuningJob = wait_for(client, job.id, "succeeded")
    assert [each.id for each in jobs.list()] == [job.id, unwanted.id]
    assert any(event.type == "metrics" for event in jobs.list_events(job.id))
    assert finished.fine_tuned_model in [
        checkpoint.fine_tuned_model_checkpoint for checkpoint in jobs.checkpoints.list(job.id)
    ]
    return finished


def walk_chat(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=QUESTION).choices[0].message.content
    assert answer
    stream = client.chat.completions.create(model=model, messages=QUESTION, stream=True)
    parts = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
    assert "".join(parts) == answer


def test_official_client_succeeds_on_every_served_route(tmp_path: Path, jsonl: Any) -> None:
    with RunningService.create(tmp_path) as service, Walk(service) as walk:
        client = walk.client(PROJECT_KEY)
        lenient = walk.client(PROJECT_KEY, _strict_response_validation=False)

        model = walk_jobs(service, client, lenient, walk_files(client, jsonl())).fine_tuned_model
        assert model is not None
        walk_permissions(walk.client(ADMIN_KEY), model)
        walk_chat(client, model)
        walk_models(client, model)

        routes = routes_of(service, tmp_path / "other")
        assert len(routes) > 20
        assert walk.missing(routes) == set()


def test_reinforcement_is_refused(served: ContractService, connect: Any, upload: Any) -> None:
    _, key = served.add_project()
    client = connect(served, key)
    files = [upload(client, "reinforcement").id, upload(client, "reinforcement").id]

    with pytest.raises(openai.BadRequestError, match="reinforcement") as refusal:
        client.fine_tuning.jobs.create(
            model="gpt-4o-mini",
            training_file=files[0],
            validation_file=files[1],
            method={"type": "reinforcement", "reinforcement": {"grader": GRADER}},
        )

    assert refusal.value.type == "invalid_request_error"
    assert list(client.fine_tuning.jobs.list()) == []


def test_each_keys_project_has_its_own_objects(
    served: ContractService,
    connect: Any,
    train: Any,
) -> None:
    owner, other = (connect(served, served.add_project()[1]) for _ in range(2))
    job = train(owner)

    assert [found.id for found in owner.fine_tuning.jobs.list()] == [job.id]
    assert list(other.fine_tuning.jobs.list()) == list(other.files.list()) == []
    with pytest.raises(openai.NotFoundError):
        other.fine_tuning.jobs.retrieve(job.id)
    with pytest.raises(openai.NotFoundError):
        other.files.retrieve(job.training_file)


def test_a_header_cannot_name_another_project(served: ContractService, connect: Any) -> None:
    _, key = served.add_project()

    with pytest.raises(openai.AuthenticationError, match="OpenAI-Project"):
        connect(served, key, project="proj_other").files.list()

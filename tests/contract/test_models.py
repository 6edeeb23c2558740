from __future__ import annotations

import re
from typing import Any

import openai
import pytest

BASE = "gpt-4o-mini-2024-07-18"


SHUTDOWN_DATES = {"emulator": "2027-01-14", "serve": None}
"""The base models of `serve` are the operator's, who sets no date."""


def test_base_models_are_listed_with_their_shutdown_date(service: Any, client: openai.OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}

    assert models[BASE].shutdown_date == SHUTDOWN_DATES[service.name]
    for model in models.values():
        assert model.shutdown_date is None or re.fullmatch(r"\d{4}-\d\d-\d\d", model.shutdown_date)


def test_a_trained_model_has_owner_and_shutdown_date(client: openai.OpenAI, trained: Any) -> None:
    job = trained(suffix="mine")

    model = client.models.retrieve(job.fine_tuned_model)

    assert model.id == job.fine_tuned_model
    assert model.owned_by == job.organization_id
    assert model.shutdown_date == client.models.retrieve(BASE).shutdown_date
    assert model in list(client.models.list())


def test_deleting_a_model_keeps_its_job(client: openai.OpenAI, trained: Any) -> None:
    job = trained()

    deleted = client.models.delete(job.fine_tuned_model)

    assert (deleted.id, deleted.deleted, deleted.object) == (job.fine_tuned_model, True, "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(job.fine_tuned_model)
    assert client.fine_tuning.jobs.retrieve(job.id) == job


def test_a_suffix_may_contain_any_character(
    client: openai.OpenAI, admin: openai.OpenAI, trained: Any
) -> None:
    model = trained(suffix="team/par\ncels%2F?#").fine_tuned_model
    permissions = admin.fine_tuning.checkpoints.permissions

    assert client.models.retrieve(model).id == model
    (granted,) = permissions.create(model, project_ids=["proj_a"])
    assert permissions.delete(granted.id, fine_tuned_model_checkpoint=model).deleted
    assert client.models.delete(model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(model)


def test_base_model_cannot_be_deleted(client: openai.OpenAI) -> None:
    with pytest.raises((openai.PermissionDeniedError, openai.BadRequestError)):
        client.models.delete(BASE)

    assert client.models.retrieve(BASE).id == BASE


def test_every_response_has_a_request_id(client: openai.OpenAI) -> None:
    ids = [client.models.with_raw_response.list().request_id for _ in range(2)]

    assert all(ids)
    assert ids[0] != ids[1]


@pytest.mark.usefixtures("emulator")
def test_every_response_has_limits(client: openai.OpenAI) -> None:
    """Only the emulator, like OpenAI, limits the rate of requests."""
    for answer in [client.models.with_raw_response.list() for _ in range(2)]:
        limit = int(answer.headers["x-ratelimit-limit-requests"])
        assert 0 <= int(answer.headers["x-ratelimit-remaining-requests"]) < limit
        assert answer.headers["x-ratelimit-reset-requests"].endswith("s")

"""The client raises its own exceptions for injected faults."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.emulator.clock import Clock

CLASSES = {
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}


@pytest.mark.parametrize(("status", "error_class"), CLASSES.items())
def test_any_status_can_be_provoked(
    emulator: Emulator, client: openai.OpenAI, status: int, error_class: type[openai.APIStatusError]
) -> None:
    emulator.fault("GET", "/models", "status", status=status)

    with pytest.raises(error_class) as provoked:
        client.models.list()

    assert isinstance(provoked.value.body, dict)
    assert provoked.value.body.keys() == {"message", "type", "param", "code"}
    assert list(client.models.list())


def test_too_many_requests_carry_retry_after(emulator: Emulator, client: openai.OpenAI) -> None:
    emulator.fault("GET", "/models", "status", status=429, headers={"Retry-After": "7"})

    with pytest.raises(openai.RateLimitError) as limited:
        client.models.list()

    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.response.headers["retry-after"] == "7"


def test_too_many_jobs_at_a_time(connect: Any, train: Any) -> None:
    with Emulator(clock=Clock.manual(), today=TODAY) as running:
        running.settings.max_active_jobs = 1
        client = connect(running)
        train(client)

        with pytest.raises(openai.RateLimitError):
            train(client)


def test_web_page_instead_of_json(emulator: Emulator, client: openai.OpenAI) -> None:
    emulator.fault("GET", "/models", "html")

    with pytest.raises(openai.InternalServerError) as bad_gateway:
        client.models.list()

    assert bad_gateway.value.status_code == 502
    assert "<html>" in bad_gateway.value.response.text


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "truncate"])
def test_broken_connection(emulator: Emulator, client: openai.OpenAI, action: str) -> None:
    emulator.fault("GET", "/models", action)

    with pytest.raises(openai.APIConnectionError):
        client.models.list()

    assert list(client.models.list())


def test_service_that_never_responds(emulator: Emulator, connect: Any) -> None:
    emulator.fault("GET", "/models", "hang", seconds=30)

    with pytest.raises(openai.APITimeoutError):
        connect(emulator, timeout=0.2).models.list()


def test_dropped_create_has_taken_effect(
    emulator: Emulator, client: openai.OpenAI, upload: Any, train: Any
) -> None:
    """Jobs are adopted by their metadata for this reason: the client's error does not identify the job."""
    file = upload(client).id
    emulator.fault("POST", "/fine_tuning/jobs", "drop_after")

    with pytest.raises(openai.APIConnectionError):
        train(client, training_file=file, metadata={"token": "t1"})

    (job,) = client.fine_tuning.jobs.list(metadata={"token": "t1"})
    assert job.training_file == file


def test_a_retrying_client_succeeds(emulator: Emulator, connect: Any) -> None:
    """Use the client with its default retries, as most programs do."""
    emulator.fault("GET", "/models", "status", status=503, headers={"retry-after-ms": "1"}, times=2)

    assert list(connect(emulator, max_retries=2).models.list())

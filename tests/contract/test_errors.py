"""The client chooses an error's class by its status, and reads message, type, param and code from its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "gpt-4o-mini-2024-07-18"


@pytest.fixture
def jobs(client: openai.OpenAI) -> Any:
    return client.fine_tuning.jobs


def assert_body(error: openai.APIStatusError, **expected: Any) -> None:
    """Check that all four keys exist, and that the given ones have these values."""
    assert isinstance(error.body, dict)
    assert error.body.keys() == {"message", "type", "param", "code"}
    assert expected.items() <= error.body.items()
    assert error.request_id


def test_missing_file(client: openai.OpenAI) -> None:
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match="No such File object: file-missing") as missing:
            call("file-missing")
        assert_body(missing.value, type="invalid_request_error", param="id", code=None)


def test_missing_job(jobs: Any) -> None:
    for call in (
        jobs.retrieve,
        jobs.cancel,
        jobs.pause,
        jobs.resume,
        jobs.list_events,
        jobs.checkpoints.list,
    ):
        with pytest.raises(openai.NotFoundError, match=r"(?i)could not find fine tune") as missing:
            call("ftjob-missing")
        assert_body(
            missing.value, type="invalid_request_error", param="fine_tune_id", code="fine_tune_not_found"
        )


def test_missing_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-0")

    assert_body(missing.value, type="invalid_request_error", param="model", code="model_not_found")


def test_job_on_a_missing_model(jobs: Any, upload: Any, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        jobs.create(model="gpt-0", training_file=upload(client).id)

    assert_body(missing.value, type="invalid_request_error", param="model", code="model_not_found")


@pytest.mark.usefixtures("emulator")
def test_job_on_a_model_that_cannot_be_tuned(jobs: Any, upload: Any, client: openai.OpenAI) -> None:
    """gpt-3.5-turbo-0125 was shut down on 2026-10-23."""
    with pytest.raises(openai.BadRequestError, match="not available for fine-tuning") as refusal:
        jobs.create(model="gpt-3.5-turbo-0125", training_file=upload(client).id)

    assert_body(refusal.value, type="invalid_request_error", code="model_not_available")


def test_job_on_a_missing_file(jobs: Any) -> None:
    with pytest.raises((openai.BadRequestError, openai.NotFoundError), match="file-missing") as refusal:
        jobs.create(model=BASE, training_file="file-missing")

    assert_body(refusal.value, type="invalid_request_error")


def test_job_on_a_file_of_another_purpose(jobs: Any, client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")

    with pytest.raises(openai.BadRequestError, match="purpose") as refusal:
        jobs.create(model=BASE, training_file=file.id)

    assert_body(refusal.value, type="invalid_request_error")


def sft(**hyperparameters: Any) -> dict[str, Any]:
    return {"method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}}


def dpo(**hyperparameters: Any) -> dict[str, Any]:
    return {"method": {"type": "dpo", "dpo": {"hyperparameters": hyperparameters}}}


GRADER = {"type": "string_check", "name": "same", "input": "a", "reference": "a", "operation": "eq"}
BAD_REQUESTS = {
    "unknown field": ({"extra_body": {"color": "red"}}, "color"),
    "no epochs": (sft(n_epochs=0), "n_epochs"),
    "51 epochs": (sft(n_epochs=51), "n_epochs"),
    "half an epoch": (sft(n_epochs=0.5), "n_epochs"),
    "epochs as text": (sft(n_epochs="many"), "n_epochs"),
    "batch of 257": (sft(batch_size=257), "batch_size"),
    "no learning": (sft(learning_rate_multiplier=0), "learning_rate_multiplier"),
    "unknown hyperparameter": (sft(warmup=1), "warmup"),
    "beta without dpo": (sft(beta=0.1), "beta"),
    "beta of zero": (dpo(beta=0), "beta"),
    "beta above two": (dpo(beta=2.1), "beta"),
    "unknown method": ({"method": {"type": "magic"}}, "method"),
    "reinforcement without grader": (
        {"method": {"type": "reinforcement", "reinforcement": {}}},
        "grader",
    ),
    "reinforcement without validation file": (
        {
            "method": {"type": "reinforcement", "reinforcement": {"grader": GRADER}},
        },
        "validation_file",
    ),
    "method that the model does not support": (
        {
            "method": {"type": "reinforcement", "reinforcement": {"grader": GRADER}},
            "model": "gpt-4.1-mini-2025-04-14",
            "validation_file": "file-validation",
        },
        "method",
    ),
    "settings of another method": ({"method": {"type": "supervised", "dpo": {}}}, "dpo"),
    "empty suffix": ({"suffix": ""}, "suffix"),
    "suffix of 65": ({"suffix": "x" * 65}, "suffix"),
    "negative seed": ({"seed": -1}, "seed"),
    "seed beyond 31 bits": ({"seed": 2**31}, "seed"),
    "17 pairs of metadata": ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
    "long metadata key": ({"metadata": {"k" * 65: "x"}}, "metadata"),
    "long metadata value": ({"metadata": {"k": "x" * 513}}, "metadata"),
    "number in metadata": ({"metadata": {"k": 1}}, "metadata"),
    "unknown integration": ({"integrations": [{"type": "mlflow"}]}, "integrations"),
    "wandb without project": ({"integrations": [{"type": "wandb", "wandb": {}}]}, "project"),
    "training file as number": ({"training_file": 7}, "training_file"),
}


@pytest.mark.parametrize(("request_part", "names"), BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_job_that_the_api_would_refuse(
    client: openai.OpenAI, upload: Any, request_part: dict[str, Any], names: str
) -> None:
    valid = {"model": BASE, "training_file": upload(client).id}
    if request_part.get("validation_file") == "file-validation":
        request_part = {**request_part, "validation_file": upload(client).id}

    with pytest.raises(openai.BadRequestError) as refusal:
        client.fine_tuning.jobs.create(**(valid | request_part))

    assert_body(refusal.value, type="invalid_request_error")
    assert names in f"{refusal.value.param} {refusal.value.message}"
    assert list(client.fine_tuning.jobs.list()) == []


BAD_FILES = {
    "unknown purpose": {"purpose": "fun"},
    "expiry too soon": {"expires_after": {"anchor": "created_at", "seconds": 3599}},
    "expiry too late": {"expires_after": {"anchor": "created_at", "seconds": 2592001}},
    "unknown anchor": {"expires_after": {"anchor": "last_active_at", "seconds": 3600}},
}


@pytest.mark.parametrize("request_part", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_file_that_the_api_would_refuse(client: openai.OpenAI, request_part: dict[str, Any]) -> None:
    valid: dict[str, Any] = {"file": ("a.jsonl", b"{}"), "purpose": "fine-tune"}

    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(**(valid | request_part))

    assert_body(refusal.value, type="invalid_request_error")
    assert list(client.files.list()) == []


@pytest.mark.parametrize(("end", "status", "files"), [("", 400, 0), ("--x--\r\n", 200, 1)])
def test_upload_that_breaks_off_is_refused(
    service: Any, client: openai.OpenAI, end: str, status: int, files: int
) -> None:
    """A file without the closing boundary may be incomplete; the client never sends such a body."""
    fields = 'name="purpose"\r\n\r\nfine-tune', 'name="file"; filename="a.jsonl"\r\n\r\n{}'
    body = "".join(f"--x\r\nContent-Disposition: form-data; {field}\r\n" for field in fields) + end
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "multipart/form-data; boundary=x"}

    answer = httpx.post(f"{service.url}/files", content=body, headers=headers, trust_env=False)

    assert answer.status_code == status
    assert len(list(client.files.list())) == files


@pytest.mark.parametrize("number", ["1e400", f"1{'0' * 400}"])
def test_a_number_beyond_a_double_creates_no_job(
    service: Any, client: openai.OpenAI, upload: Any, number: str
) -> None:
    """Such a job could not be returned by any later response. The client never sends such a number."""
    settings = f'{{"learning_rate_multiplier": {number}}}'
    body = f'{{"model": "{BASE}", "training_file": "{upload(client).id}", "hyperparameters": {settings}}}'

    answer = httpx.post(
        f"{service.url}/fine_tuning/jobs",
        content=body,
        headers={"Authorization": f"Bearer {service.key}"},
        trust_env=False,
    )

    assert answer.status_code == 400
    assert "out of range" in answer.json()["error"]["message"]
    assert list(client.fine_tuning.jobs.list()) == []


@pytest.mark.parametrize("limit", [0, 10_001])
def test_page_size_out_of_range(client: openai.OpenAI, limit: int) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.list(limit=limit)

    assert_body(refusal.value, type="invalid_request_error", param="limit")


def test_unknown_route(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.get("/assistants", cast_to=dict[str, Any])

    assert_body(missing.value, type="invalid_request_error")


def test_permission_requests_are_checked(trained: Any, admin: openai.OpenAI) -> None:
    model = trained().fine_tuned_model
    permissions = admin.fine_tuning.checkpoints.permissions
    wrong: list[Any] = [[], [7], "proj_a"]
    for project_ids in wrong:
        with pytest.raises(openai.BadRequestError) as refusal:
            permissions.create(model, project_ids=project_ids)
        assert_body(refusal.value, type="invalid_request_error")
    with pytest.raises(openai.BadRequestError):
        permissions.create(model, project_ids=["proj_a"], extra_body={"role": "viewer"})


def test_no_key(service: Any, connect: Any) -> None:
    """Set the header in each request, as the client always has a key."""
    with pytest.raises(openai.AuthenticationError) as refusal:
        connect(service).models.list(extra_headers={"Authorization": openai.Omit()})

    assert_body(refusal.value, type="invalid_request_error")


def test_wrong_key(connect: Any) -> None:
    with Emulator(keys=["sk-right"]) as running, pytest.raises(openai.AuthenticationError) as refusal:
        connect(running, "sk-wrong-0000").models.list()

    assert_body(refusal.value, type="invalid_request_error", code="invalid_api_key")
    assert "sk-wrong" not in refusal.value.message


def test_malformed_key(service: Any, connect: Any) -> None:
    with pytest.raises(openai.AuthenticationError):
        connect(service, default_headers={"Authorization": "Basic Zm9v"}).models.list()


@pytest.fixture
def closed() -> Iterator[Emulator]:
    with Emulator(closed=True, today=TODAY) as running:
        yield running


def test_closed_organization(closed: Emulator, connect: Any, upload: Any) -> None:
    client = connect(closed)

    with pytest.raises(openai.PermissionDeniedError) as refusal:
        client.fine_tuning.jobs.create(model=BASE, training_file=upload(client).id)

    assert_body(refusal.value, code="training_not_available")

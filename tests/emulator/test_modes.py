"""The emulator in the modes of other services that provide the same API."""

from __future__ import annotations

import argparse
import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import ADMIN_KEY, KEY, MODEL, Api, error, rows

from pulumi_openai_ft.emulator import Emulator, EmulatorError
from pulumi_openai_ft.emulator.command import add_arguments
from pulumi_openai_ft.emulator.service_modes import MODES

if TYPE_CHECKING:
    from collections.abc import Callable

AZURE_QUERY = {"api-version": "v1"}
GATEWAYS = {"gateway": 404, "gateway-with-models": 501, "gateway-without-metadata": 405}
ABSENT = [
    ("GET", "/fine_tuning/jobs/{job}/events"),
    ("GET", "/fine_tuning/jobs/{job}/checkpoints"),
    ("POST", "/fine_tuning/jobs/{job}/pause"),
    ("POST", "/fine_tuning/jobs/{job}/resume"),
    ("GET", "/fine_tuning/checkpoints/model/permissions"),
    ("POST", "/fine_tuning/checkpoints/model/permissions"),
    ("DELETE", "/fine_tuning/checkpoints/model/permissions/cp_1"),
    ("POST", "/uploads"),
]


@pytest.fixture
def azure(emulator: Emulator, open_client: Callable[..., Api]) -> Api:
    """Return a client that follows the service's rules: key in the `api-key` header, and an API version."""
    emulator.settings.mode, emulator.settings.file_processing_seconds = "azure", 0
    return azure_client(emulator, open_client, KEY)


def azure_client(emulator: Emulator, open_client: Callable[..., Api], key: str) -> Api:
    client = open_client(emulator, **{"api-key": key})
    del client.headers["authorization"]
    client.params = AZURE_QUERY
    return client


@pytest.fixture(params=GATEWAYS)
def gateway(request: pytest.FixtureRequest, emulator: Emulator, api: Api) -> Api:
    emulator.settings.mode = request.param
    return api


def test_azure_processes_files_before_jobs_can_use_them(azure: Api, emulator: Emulator) -> None:
    emulator.settings.file_processing_seconds = None
    file = azure.upload()
    assert file["status"] == "pending"

    early = azure.post("/fine_tuning/jobs", json={"model": "gpt-4o-mini", "training_file": file["id"]})
    assert (early.status_code, error(early)["param"]) == (400, "training_file")
    assert "still being processed" in error(early)["message"]
    emulator.advance(1)
    assert azure.get(f"/files/{file['id']}").json()["status"] == "processed"
    assert azure.train(training_file=file["id"])["status"] == "pending"


def trained(api: Api, emulator: Emulator, **request: Any) -> dict[str, Any]:
    job = api.train(**request)
    emulator.advance(200)
    return api.job(job["id"])


class TestAzure:
    def test_a_bearer_token_is_not_a_key(self, azure: Api) -> None:
        headers = {"authorization": f"Bearer {KEY}", "api-key": ""}

        reply = azure.get("/files", headers=headers)

        assert reply.status_code == 401
        assert "api-key" in error(reply)["message"]

    def test_a_request_without_an_api_version_is_refused(self, azure: Api) -> None:
        azure.params = {}

        reply = azure.get("/files")

        assert reply.status_code == 400
        assert error(reply)["param"] == "api-version"

    @pytest.mark.parametrize(("suffix", "tail"), [(None, ""), ("support", "-support")])
    def test_a_model_is_named_after_its_base(
        self, azure: Api, emulator: Emulator, suffix: str | None, tail: str
    ) -> None:
        model = trained(azure, emulator, suffix=suffix)["fine_tuned_model"]

        assert re.fullmatch(rf"{re.escape(MODEL)}\.ft-[0-9a-f]{{32}}{tail}", model)
        assert azure.get(f"/models/{model}").json()["id"] == model

    def test_a_waiting_job_has_other_statuses(self, azure: Api, emulator: Emulator) -> None:
        job = azure.train()
        seen = [job["status"]]
        for seconds in (25, 25, 100):
            emulator.advance(seconds)
            seen.append(azure.job(job["id"])["status"])

        assert seen == ["pending", "notRunning", "running", "succeeded"]

    def test_a_running_job_is_paused_and_resumed(self, azure: Api, emulator: Emulator) -> None:
        job = azure.train()
        emulator.advance(60)
        assert azure.post(f"/fine_tuning/jobs/{job['id']}/pause").json()["status"] == "pausing"
        emulator.advance(30)

        assert azure.post(f"/fine_tuning/jobs/{job['id']}/resume").json()["status"] == "notRunning"

    def test_a_checkpoint_is_shared(
        self, azure: Api, emulator: Emulator, open_client: Callable[..., Api]
    ) -> None:
        model = trained(azure, emulator)["fine_tuned_model"]
        admin = azure_client(emulator, open_client, ADMIN_KEY)

        reply = admin.post(f"/fine_tuning/checkpoints/{model}/permissions", json={"project_ids": ["proj_b"]})

        assert [grant["project_id"] for grant in reply.json()["data"]] == ["proj_b"]

    def test_it_has_models_of_its_own_catalog(self, azure: Api, emulator: Emulator) -> None:
        emulator.settings.today = date(2027, 3, 1)
        grader = {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "eq"}
        task = {"messages": [{"role": "user", "content": "?"}], "answer": "!"}
        file_id = azure.upload(b"".join(json.dumps(task).encode() + b"\n" for _ in range(10)))["id"]

        job = trained(
            azure,
            emulator,
            model="o4-mini",
            training_file=file_id,
            validation_file=file_id,
            method={"type": "reinforcement", "reinforcement": {"grader": grader}},
        )

        assert (job["status"], job["model"]) == ("succeeded", "o4-mini-2025-04-16")
        assert azure.get("/models/o4-mini").json()["shutdown_date"] == "2027-10-16"
        assert azure.get("/models/gpt-4-0613").status_code == 404

    def test_a_created_file_and_job_have_status_201(self, azure: Api) -> None:
        made = azure.post("/files", files={"file": ("a.jsonl", rows())}, data={"purpose": "fine-tune"})
        job = azure.post("/fine_tuning/jobs", json={"model": MODEL, "training_file": made.json()["id"]})

        assert (made.status_code, job.status_code) == (201, 201)
        assert azure.post(f"/fine_tuning/jobs/{job.json()['id']}/cancel").status_code == 200

    def test_an_unfinished_job_has_nulls_and_lacks_fields(self, azure: Api, emulator: Emulator) -> None:
        job = azure.train()
        for _status in ("pending", "notRunning", "running"):
            (shown,) = azure.get("/fine_tuning/jobs").json()["data"]
            assert [shown[name] for name in ("result_files", "organization_id", "method")] == [None] * 3
            assert "trained_tokens" not in shown
            emulator.advance(25)
        emulator.advance(125)

        done = azure.job(job["id"])

        assert (done["status"], len(done["result_files"]), done["method"]) == ("succeeded", 1, None)
        assert done["organization_id"]

    def test_a_result_file_is_plain_csv_with_other_columns(self, azure: Api, emulator: Emulator) -> None:
        job_id = azure.train()["id"]
        emulator.advance(200)
        (result,) = azure.job(job_id)["result_files"]

        header, *rows = azure.get(f"/files/{result}/content").text.splitlines()

        assert header.split(",") == [
            "step",
            "train_loss",
            "train_mean_token_accuracy",
            "valid_loss",
            "validation_mean_token_accuracy",
            "full_valid_loss",
            "full_valid_mean_token_accuracy",
        ]
        assert len(rows) == 100

    def test_a_hyperparameter_is_minus_one_until_chosen(self, azure: Api, emulator: Emulator) -> None:
        wanted = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
        job = azure.train(method=wanted)
        emulator.advance(200)

        done = azure.job(job["id"])["hyperparameters"]

        assert job["hyperparameters"] == {"n_epochs": 2, "batch_size": -1, "learning_rate_multiplier": -1}
        assert done["n_epochs"] == 2
        assert done["batch_size"] > 0

    def test_a_model_has_its_time_as_created_at(self, azure: Api, emulator: Emulator) -> None:
        tuned = trained(azure, emulator)["fine_tuned_model"]

        for name in (MODEL, tuned):
            model = azure.get(f"/models/{name}").json()
            assert "created" not in model
            assert model["created_at"] > 0

    def test_only_a_job_that_ended_is_deleted(self, azure: Api, emulator: Emulator) -> None:
        path = f"/fine_tuning/jobs/{azure.train()['id']}"
        refused = azure.delete(path)
        emulator.advance(200)

        deleted = azure.delete(path)

        assert (refused.status_code, deleted.status_code, deleted.content) == (400, 204, b"")
        assert azure.get(path).status_code == azure.delete(path).status_code == 404
        assert azure.get("/fine_tuning/jobs").json()["data"] == []

    def test_only_its_own_extra_field_is_accepted(self, azure: Api) -> None:
        azure.train(trainingType="globalStandard")
        reply = azure.post("/fine_tuning/jobs", json={"model": MODEL, "training_file": "f", "tier": 1})

        assert error(reply)["code"] == "unknown_parameter"


class TestNebius:
    @pytest.fixture
    def nebius(self, emulator: Emulator, api: Api) -> Api:
        emulator.settings.mode = "nebius"
        return api

    def test_jobs_have_other_fields(self, nebius: Api) -> None:
        method = {"type": "supervised", "supervised": {"hyperparameters": {"lora_r": 16, "n_epochs": 2}}}

        job = nebius.train(method=method, suffix="support", metadata={"a": "b"})

        assert job.keys().isdisjoint({"fine_tuned_model", "metadata", "method", "user_provided_suffix"})
        assert job["suffix"] == "support"
        assert (job["hyperparameters"]["lora_r"], job["hyperparameters"]["n_epochs"]) == (16, 2)

    def test_an_invalid_request_returns_a_fastapi_error(self, nebius: Api) -> None:
        reply = nebius.post("/fine_tuning/jobs", json={"model": MODEL, "training_file": "f", "seed": "x"})

        assert reply.status_code == 422
        assert reply.json()["detail"][0]["loc"] == ["body", "seed"]

    def test_a_missing_job_returns_the_apis_error(self, nebius: Api) -> None:
        assert error(nebius.get("/fine_tuning/jobs/ftjob-1"))["code"] == "fine_tune_not_found"


class TestBedrock:
    @pytest.fixture
    def bedrock(self, emulator: Emulator, api: Api) -> Api:
        emulator.settings.mode = "bedrock"
        return api

    def test_a_suffix_is_refused(self, bedrock: Api) -> None:
        reply = bedrock.post("/fine_tuning/jobs", json={"model": MODEL, "training_file": "f", "suffix": "x"})

        assert error(reply)["param"] == "suffix"

    @pytest.mark.parametrize(
        "method",
        [
            {"type": "reinforcement", "reinforcement": {"grader": {"type": "lambda"}}},
            {"type": "grpo", "grpo": {"n": 1}},
        ],
    )
    def test_its_own_methods_are_trained(
        self, bedrock: Api, emulator: Emulator, method: dict[str, Any]
    ) -> None:
        kind = method["type"]

        job = trained(bedrock, emulator, method=method)

        assert method[kind].items() <= job["method"][kind].items()
        assert job["status"] in ("succeeded", "failed")


class TestGateways:
    @pytest.mark.parametrize(("method", "path"), ABSENT, ids=[f"{verb} {path}" for verb, path in ABSENT])
    def test_errors_of_unknown_paths_differ_from_the_api(
        self, gateway: Api, emulator: Emulator, method: str, path: str
    ) -> None:
        reply = gateway.request(method, path.format(job=gateway.train()["id"]))

        assert reply.status_code == GATEWAYS[emulator.settings.mode]
        assert '"error"' not in reply.text

    def test_jobs_are_created_and_cancelled(self, gateway: Api) -> None:
        job = gateway.train()

        reply = gateway.post(f"/fine_tuning/jobs/{job['id']}/cancel")

        assert reply.json()["status"] == "cancelled"

    def test_the_metadata_filter_is_ignored(self, gateway: Api) -> None:
        jobs = {gateway.train(metadata={"n": n})["id"] for n in "12"}

        found = gateway.get("/fine_tuning/jobs", params={"metadata[n]": "1"}).json()["data"]

        assert {job["id"] for job in found} == jobs

    def test_responses_contain_additional_fields(self, gateway: Api) -> None:
        assert "_hidden_params" in gateway.train()

    def test_unknown_fields_are_accepted(self, gateway: Api) -> None:
        assert "tier" not in gateway.train(tier=1)

    def test_unknown_hyperparameters_are_accepted_and_returned_during_the_run(
        self, gateway: Api, emulator: Emulator
    ) -> None:
        method = {"type": "supervised", "supervised": {"hyperparameters": {"lora_r": 16, "n_epochs": 2}}}
        created = gateway.train(method=method)
        emulator.advance(60)

        for job in (created, gateway.job(created["id"])):
            listed = job["method"]["supervised"]["hyperparameters"]
            assert (listed["lora_r"], listed["n_epochs"]) == (16, 2)

    def test_known_hyperparameters_are_still_checked(self, gateway: Api) -> None:
        method = {"type": "supervised", "supervised": {"hyperparameters": {"lora_r": 16, "n_epochs": 0}}}

        reply = gateway.post(
            "/fine_tuning/jobs", json={"model": MODEL, "training_file": "f", "method": method}
        )

        assert error(reply)["param"] == "method.supervised.hyperparameters.n_epochs"

    @pytest.mark.parametrize("method", [None, 1, {"type": []}, {"type": "dpo", "dpo": 1}, {"type": "sft"}])
    def test_a_malformed_method_is_refused(self, gateway: Api, method: Any) -> None:
        reply = gateway.post(
            "/fine_tuning/jobs", json={"model": MODEL, "training_file": "file-1", "method": method}
        )

        assert reply.status_code == 400
        assert (error(reply)["message"] == "invalid training_file: file-1") == (method is None)


def test_openai_deletes_no_jobs(api: Api) -> None:
    reply = api.delete(f"/fine_tuning/jobs/{api.train()['id']}")

    assert (reply.status_code, error(reply)["message"][:11]) == (405, "Not allowed")


def test_a_gateway_without_models_lists_no_models(emulator: Emulator, api: Api) -> None:
    emulator.settings.mode = "gateway"

    assert api.get("/models").status_code == 404


def test_a_gateway_may_list_only_base_models(emulator: Emulator, api: Api) -> None:
    emulator.settings.mode = "gateway-with-models"
    model = trained(api, emulator)["fine_tuned_model"]

    listed = {found["id"] for found in api.get("/models").json()["data"]}

    assert MODEL in listed
    assert model not in listed
    assert api.get(f"/models/{model}").status_code == api.delete(f"/models/{model}").status_code == 404


def test_metadata_may_be_neither_stored_nor_returned(emulator: Emulator, api: Api) -> None:
    emulator.settings.mode = "gateway-without-metadata"
    job = api.train(metadata={"a": "b"})
    assert "metadata" not in job

    emulator.settings.mode = "openai"

    assert api.job(job["id"])["metadata"] is None


def test_a_service_may_override_a_hyperparameter(emulator: Emulator, api: Api) -> None:
    emulator.settings.mode = "gateway-without-metadata"
    method = {"type": "supervised", "supervised": {"hyperparameters": {"batch_size": 2}}}

    job = trained(api, emulator, method=method, training_file=api.upload(rows(16))["id"])

    assert job["method"]["supervised"]["hyperparameters"]["batch_size"] == 8


def test_the_mode_can_change_only_to_a_known_one(control: Any) -> None:
    assert control.post("/settings", json={"mode": "azure"}).json()["mode"] == "azure"
    assert control.post("/settings", json={"mode": "aws"}).status_code == 400


@pytest.mark.parametrize("mode", MODES)
def test_the_command_starts_it_in_each_mode(mode: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert Emulator(mode=parser.parse_args(["--mode", mode]).mode).settings.rules == MODES[mode]


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        EmulatorError, match="Unknown mode 'aws': must be one of openai, azure, bedrock, nebius, gateway"
    ):
        Emulator(mode="aws")

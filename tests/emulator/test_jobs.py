from __future__ import annotations

import base64
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import JOB_SECONDS, MODEL, error, rows
from tests.support import REINFORCEMENT_DAY, TODAY

from pulumi_openai_ft.emulator import Clock, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api


def rejection(api: Api, **request: Any) -> tuple[int, str | None, str | None]:
    """Request a job that is rejected, and return status, code and param."""
    reply = api.post("/fine_tuning/jobs", json=request)
    found = error(reply)
    return reply.status_code, found["code"], found["param"]


def test_a_job_passes_through_its_states_as_time_passes(api: Api, emulator: Emulator) -> None:
    job = api.train(suffix="support")
    seen = [job["status"]]
    for _ in range(12):
        emulator.advance(JOB_SECONDS / 12)
        if (status := api.job(job["id"])["status"]) != seen[-1]:
            seen.append(status)

    assert seen == ["validating_files", "queued", "running", "succeeded"]


def test_the_created_job_echoes_the_request(api: Api) -> None:
    training, validation = api.upload()["id"], api.upload()["id"]
    job = api.train(
        model="gpt-4o-mini",
        training_file=training,
        validation_file=validation,
        suffix="s" * 64,
        seed=0,
        metadata={"team": "support"},
        integrations=[{"type": "wandb", "wandb": {"project": "p", "tags": ["a"]}}],
    )

    assert job["object"] == "fine_tuning.job"
    assert job["status"] == "validating_files"
    assert job["model"] == MODEL
    assert (job["training_file"], job["validation_file"]) == (training, validation)
    assert (job["seed"], job["user_provided_suffix"], job["metadata"]) == (0, "s" * 64, {"team": "support"})
    auto = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
    assert job["hyperparameters"] == auto
    assert job["method"] == {"type": "supervised", "supervised": {"hyperparameters": auto}}
    assert job["integrations"] == [
        {
            "type": "wandb",
            "wandb": {"project": "p", "name": None, "entity": None, "tags": ["a"], "run_id": job["id"]},
        }
    ]
    for name in ("fine_tuned_model", "finished_at", "trained_tokens", "error", "estimated_finish"):
        assert job[name] is None
    assert job["result_files"] == []


def test_auto_is_resolved_once_training_runs(api: Api, emulator: Emulator) -> None:
    job = api.train(training_file=api.upload(rows(100))["id"])
    emulator.advance(JOB_SECONDS / 2)

    running = api.job(job["id"])
    assert running["status"] == "running"
    assert running["hyperparameters"] == {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8}
    assert running["method"]["supervised"]["hyperparameters"] == running["hyperparameters"]
    assert running["estimated_finish"] == pytest.approx(running["created_at"] + JOB_SECONDS, abs=1)


def test_a_succeeded_job_has_model_tokens_and_results(api: Api, emulator: Emulator) -> None:
    job_id = api.train(suffix="support")["id"]
    emulator.advance(JOB_SECONDS)
    job = api.job(job_id)

    assert job["status"] == "succeeded"
    assert job["finished_at"] == pytest.approx(job["created_at"] + JOB_SECONDS, abs=1)
    assert job["estimated_finish"] is None
    assert job["trained_tokens"] > 0
    prefix, base, organization, suffix, end = job["fine_tuned_model"].split(":")
    assert (prefix, base, organization, suffix) == ("ft", MODEL, "emulator", "support")
    assert len(end) == 8
    (result,) = job["result_files"]
    assert api.get(f"/files/{result}").json()["purpose"] == "fine-tune-results"
    table = base64.b64decode(api.get(f"/files/{result}/content").content).decode().splitlines()
    assert table[0].startswith("step,train_loss")
    assert len(table) == 1 + 100


def test_without_a_suffix_the_name_has_two_adjacent_colons(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS)

    assert api.job(job_id)["fine_tuned_model"].startswith(f"ft:{MODEL}:emulator::")


def test_events_describe_the_lifecycle_newest_first(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS)
    events = api.events(job_id, limit=100)

    assert events[0]["message"] == "The job has successfully completed"
    assert [event["type"] for event in events[:4]] == ["message"] * 4
    older = api.events(job_id, limit=100, after=events[-1]["id"])
    all_events = events + older
    assert len({event["id"] for event in all_events}) == len(all_events) == 100 + 8
    metrics = [event["data"] for event in all_events if event["type"] == "metrics"]
    assert [data["step"] for data in metrics] == list(range(100, 0, -1))
    assert [event["message"].split(":")[0] for event in older[-4:][::-1]] == [
        "Created fine-tuning job",
        "Validating training file",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    times = [event["created_at"] for event in all_events]
    assert times == sorted(times, reverse=True)


def test_events_read_during_a_run_do_not_change(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    seen: dict[str, Any] = {}
    for _ in range(6):
        emulator.advance(JOB_SECONDS / 6)
        for event in api.events(job_id, limit=100):
            assert seen.setdefault(event["id"], event) == event

    final = api.events(job_id, limit=100)
    final += api.events(job_id, limit=100, after=final[-1]["id"])
    assert [seen[event["id"]] for event in final] == final


def test_checkpoints_are_the_ends_of_the_last_three_epochs(api: Api, emulator: Emulator) -> None:
    job_id = api.train(method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4}}})[
        "id"
    ]
    emulator.advance(JOB_SECONDS / 2)
    assert api.checkpoints(job_id) == []
    emulator.advance(JOB_SECONDS / 2)
    checkpoints = api.checkpoints(job_id)

    assert [checkpoint["step_number"] for checkpoint in checkpoints] == [40, 30, 20]
    final, *earlier = (checkpoint["fine_tuned_model_checkpoint"] for checkpoint in checkpoints)
    assert final == api.job(job_id)["fine_tuned_model"]
    assert [name.split(":")[-1] for name in earlier] == ["ckpt-step-30", "ckpt-step-20"]
    assert len({name.split(":")[4] for name in (final, *earlier)}) == 3
    assert checkpoints[0]["metrics"]["step"] == 40
    page = api.get(f"/fine_tuning/jobs/{job_id}/checkpoints", params={"limit": 2}).json()
    assert (page["has_more"], page["last_id"]) == (True, checkpoints[1]["id"])
    rest = api.get(f"/fine_tuning/jobs/{job_id}/checkpoints", params={"after": page["last_id"]}).json()
    assert rest["data"] == checkpoints[2:]


def test_the_same_seed_gives_the_same_curve(api: Api, emulator: Emulator) -> None:
    ids = [api.train(seed=seed)["id"] for seed in (7, 7, 8)]
    emulator.advance(JOB_SECONDS)
    first, same, other = ([event["data"] for event in api.events(job_id)] for job_id in ids)

    assert first == same
    assert first != other


def test_automatic_seeds_depend_on_the_emulators_seed(open_client: Callable[..., Api]) -> None:
    def seeds(emulator_seed: int) -> list[int]:
        with Emulator(seed=emulator_seed, today=TODAY) as emulator:
            api = open_client(emulator)
            return [api.train()["seed"] for _ in range(2)]

    first = seeds(1)
    assert seeds(1) == first
    assert seeds(2) != first
    assert first[0] != first[1]


def test_a_bad_file_uploads_fine_and_fails_the_job(api: Api, emulator: Emulator) -> None:
    job_id = api.train(training_file=api.upload(rows(9))["id"])["id"]
    emulator.advance(JOB_SECONDS)
    job = api.job(job_id)

    assert job["status"] == "failed"
    assert job["error"]["code"] == "invalid_n_examples"
    assert job["error"]["param"] == "training_file"
    assert job["finished_at"] is None
    assert job["fine_tuned_model"] is None
    assert api.events(job_id)[0]["level"] == "error"
    assert api.events(job_id)[0]["message"] == job["error"]["message"]


def test_a_bad_validation_file_fails_the_job(api: Api, emulator: Emulator) -> None:
    job_id = api.train(validation_file=api.upload(b"no json\n")["id"])["id"]
    emulator.advance(JOB_SECONDS)

    assert api.job(job_id)["error"]["param"] == "validation_file"


def test_deleting_an_unread_file_fails_the_job(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    job_id = api.train(training_file=file_id)["id"]
    api.delete(f"/files/{file_id}")
    emulator.advance(JOB_SECONDS)

    assert api.job(job_id)["error"]["code"] == "invalid_training_file"


def test_each_method_resolves_its_own_hyperparameters(api: Api, emulator: Emulator) -> None:
    turn = {"role": "user", "content": "?"}
    reply = {"role": "assistant", "content": "!"}
    pair = {"input": {"messages": [turn]}, "preferred_output": [reply], "non_preferred_output": [reply]}
    dpo = api.train(training_file=api.upload(lines(pair))["id"], method={"type": "dpo"})
    emulator.settings.today = REINFORCEMENT_DAY
    item = {"messages": [turn], "answer": "!"}
    data = api.upload(lines(item))["id"]
    grader = {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "eq"}
    reinforcement = api.train(
        model="o4-mini",
        training_file=data,
        validation_file=data,
        method={
            "type": "reinforcement",
            "reinforcement": {"grader": grader, "hyperparameters": {"eval_samples": 3}},
        },
    )
    emulator.advance(JOB_SECONDS)

    resolved = api.job(dpo["id"])["method"]["dpo"]["hyperparameters"]
    assert set(resolved) == {"n_epochs", "batch_size", "learning_rate_multiplier", "beta"}
    assert "auto" not in resolved.values()
    block = api.job(reinforcement["id"])["method"]["reinforcement"]
    assert block["grader"] == grader
    assert block["hyperparameters"]["eval_samples"] == 3
    assert block["hyperparameters"]["reasoning_effort"] == "default"
    assert "auto" not in block["hyperparameters"].values()
    metrics = {"step", "train_mean_reward", "full_valid_mean_reward"}
    assert set(api.checkpoints(reinforcement["id"])[0]["metrics"]) == metrics


def lines(row: dict[str, Any]) -> bytes:
    return (json.dumps(row).encode() + b"\n") * 10


def test_deprecated_hyperparameters_fill_in_the_method(api: Api) -> None:
    job = api.train(hyperparameters={"n_epochs": 2})

    assert job["hyperparameters"]["n_epochs"] == 2
    assert job["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2


VALID = {"model": MODEL, "training_file": "file-x"}
SUPERVISED = {"type": "supervised"}


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"model": None}, "invalid_type", "model"),
        ({"model": ""}, "string_below_min_length", "model"),
        ({"color": "red"}, "unknown_parameter", "color"),
        ({"suffix": ""}, "string_below_min_length", "suffix"),
        ({"suffix": "s" * 65}, "string_above_max_length", "suffix"),
        ({"seed": -1}, "integer_below_min_value", "seed"),
        ({"seed": 2**31}, "integer_above_max_value", "seed"),
        ({"seed": True}, "invalid_type", "seed"),
        ({"seed": 1.5}, "invalid_type", "seed"),
        ({"metadata": {"k": 1}}, "invalid_type", "metadata.k"),
        ({"metadata": {"k" * 65: "v"}}, "string_above_max_length", "metadata key"),
        ({"metadata": {"k": "v" * 513}}, "string_above_max_length", "metadata.k"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "object_above_max_properties", "metadata"),
        ({"integrations": [{"type": "mlflow"}]}, "missing_required_parameter", "integrations[0].wandb"),
        ({"integrations": [{"type": "mlflow", "wandb": {"project": "p"}}]}, "invalid_value", "integrations[0].type"),
        ({"integrations": [{"type": "wandb", "wandb": {}}]}, "missing_required_parameter", "integrations[0].wandb.project"),
        ({"method": {"type": "distillation"}}, "invalid_value", "method.type"),
        ({"method": {**SUPERVISED, "dpo": {}}}, "invalid_value", "method.dpo"),
        ({"method": {"type": "reinforcement"}}, "missing_required_parameter", "method.reinforcement"),
        ({"method": {"type": "reinforcement", "reinforcement": {}}}, "missing_required_parameter", "method.reinforcement.grader"),
        ({"hyperparameters": {"n_epochs": 0}}, "integer_below_min_value", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "integer_above_max_value", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": "many"}}, "invalid_type", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 257}}, "integer_above_max_value", "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "decimal_below_min_value", "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"beta": 0.1}}, "unknown_parameter", "hyperparameters.beta"),
        ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 2.1}}}}, "decimal_above_max_value", "method.dpo.hyperparameters.beta"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(api: Api, change: dict[str, Any], code: str, param: str) -> None:
    assert rejection(api, **{**VALID, **change}) == (400, code, param)


@pytest.mark.parametrize(
    ("grader", "param"),
    [
        ({}, "type"),
        ({"type": "exact"}, "type"),
        (
            {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "is"},
            "operation",
        ),
        ({"type": "python", "name": "g"}, "source"),
        ({"type": "python", "name": "g", "source": "s", "color": "red"}, "color"),
        ({"type": "label_model", "name": "g"}, "type"),
        (
            {"type": "multi", "name": "m", "calculate_output": "a", "graders": {"a": {"type": "multi"}}},
            "graders.a.type",
        ),
        (
            {"type": "multi", "name": "m", "calculate_output": "a", "graders": [{"type": "python"}]},
            "graders[0].source",
        ),
    ],
)
def test_a_wrong_grader_is_refused(api: Api, grader: dict[str, Any], param: str) -> None:
    method = {"type": "reinforcement", "reinforcement": {"grader": grader}}
    status, _, found = rejection(api, **{**VALID, "method": method})

    assert (status, found) == (400, f"method.reinforcement.grader.{param}")


@pytest.mark.parametrize(
    "body", ["{", '{"seed": NaN}', "[]", '"text"', "null", "", '{"suffix": "\\ud800"}', "[" * 100_000]
)
def test_a_body_that_is_not_an_object_is_refused(api: Api, body: str) -> None:
    reply = api.post("/fine_tuning/jobs", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 400
    assert error(reply)["type"] == "invalid_request_error"


def test_unknown_models_files_and_jobs_are_not_found(api: Api) -> None:
    file_id = api.upload()["id"]

    assert rejection(api, model="gpt-unknown", training_file=file_id) == (404, "model_not_found", "model")
    assert rejection(api, model=MODEL, training_file="file-x") == (400, None, "training_file")
    reply = api.get("/fine_tuning/jobs/ftjob-x")
    assert (reply.status_code, error(reply)["code"]) == (404, "fine_tune_not_found")
    for path in ("cancel", "pause", "resume"):
        assert api.post(f"/fine_tuning/jobs/ftjob-x/{path}").status_code == 404
    for path in ("events", "checkpoints"):
        assert api.get(f"/fine_tuning/jobs/ftjob-x/{path}").status_code == 404


@pytest.mark.parametrize("param", ["training_file", "validation_file"])
@pytest.mark.parametrize("model", [MODEL, "gpt-unknown"])
def test_an_unknown_file_is_refused_before_the_model(api: Api, model: str, param: str) -> None:
    body = {"model": model, "training_file": api.upload()["id"], param: "file-x"}

    reply = api.post("/fine_tuning/jobs", json=body)

    message = f"invalid {param}: file-x"
    expected = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    assert (reply.status_code, error(reply)) == (400, expected)


def test_integral_floats_are_integers(api: Api) -> None:
    body = {
        "model": MODEL,
        "training_file": api.upload()["id"],
        "seed": 7.0,
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 3.0, "batch_size": 2.0}},
        },
    }

    job = api.post("/fine_tuning/jobs", json=body).json()

    assert json.dumps([job["seed"], job["hyperparameters"]["n_epochs"]]) == "[7, 3]"


@pytest.mark.parametrize("limit", ["101", "1000", "999999999"])
def test_a_larger_page_is_cut_to_a_hundred(api: Api, limit: str) -> None:
    file_id = api.upload()["id"]
    for _ in range(101):
        api.train(training_file=file_id)

    page = api.get("/fine_tuning/jobs", params={"limit": limit}).json()

    assert (len(page["data"]), page["has_more"]) == (100, True)


def test_models_that_cannot_be_tuned_are_refused(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    refusal = (400, "model_not_available", "model")

    assert rejection(api, model="gpt-5", training_file=file_id) == refusal
    assert rejection(api, model="babbage-002", training_file=file_id) == refusal
    assert rejection(api, model="gpt-4.1-nano", training_file=file_id) == refusal
    emulator.settings.today = REINFORCEMENT_DAY
    assert rejection(api, model="o4-mini", training_file=file_id) == refusal


def test_a_closed_service_accepts_no_jobs(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]

    emulator.settings.today = date(2027, 1, 5)
    api.train(training_file=file_id)
    emulator.settings.today = date(2027, 1, 6)
    assert rejection(api, model=MODEL, training_file=file_id) == (403, "training_not_available", None)


def test_a_model_closed_to_new_jobs_is_refused(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    emulator.settings.today = date(2024, 10, 27)

    api.train(model="babbage-002", training_file=file_id)
    emulator.settings.today = date(2024, 10, 28)
    refusal = (400, "model_not_available", "model")
    assert rejection(api, model="babbage-002", training_file=file_id) == refusal


def test_a_file_of_another_purpose_is_refused(api: Api) -> None:
    other = api.upload(purpose="user_data")["id"]

    assert rejection(api, model=MODEL, training_file=other) == (400, None, "training_file")
    assert rejection(api, model=MODEL, training_file=api.upload()["id"], validation_file=other) == (
        400,
        None,
        "validation_file",
    )


def test_a_fine_tuned_model_can_be_trained_again(api: Api, emulator: Emulator) -> None:
    first = api.train(suffix="one")["id"]
    emulator.advance(JOB_SECONDS)
    names = [checkpoint["fine_tuned_model_checkpoint"] for checkpoint in api.checkpoints(first)]
    second = [api.train(model=name, suffix="two") for name in names]
    emulator.advance(JOB_SECONDS)

    assert [job["model"] for job in second] == names
    assert api.job(second[0]["id"])["fine_tuned_model"].startswith(f"ft:{MODEL}:emulator:two:")


def test_jobs_are_listed_newest_first_in_pages(api: Api) -> None:
    file_id = api.upload()["id"]
    ids = [api.train(training_file=file_id)["id"] for _ in range(5)]

    page = api.get("/fine_tuning/jobs", params={"limit": 2}).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([ids[4], ids[3]], True)
    page = api.get("/fine_tuning/jobs", params={"after": ids[3]}).json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([ids[2], ids[1], ids[0]], False)
    assert set(page) == {"object", "data", "has_more"}


def test_jobs_are_found_by_metadata(api: Api) -> None:
    file_id = api.upload()["id"]
    odd = "a.b[\"'x"
    tagged = api.train(training_file=file_id, metadata={odd: "1", "team": "x"})["id"]
    other = api.train(training_file=file_id, metadata={odd: "2", "team": "x"})["id"]
    without_metadata = api.train(training_file=file_id)["id"]

    def find(**query: str) -> list[str]:
        return [job["id"] for job in api.get("/fine_tuning/jobs", params=query).json()["data"]]

    assert find(**{f"metadata[{odd}]": "1"}) == [tagged]
    assert find(**{"metadata[team]": "x"}) == [other, tagged]
    assert find(**{"metadata[team]": "x", f"metadata[{odd}]": "2"}) == [other]
    assert find(**{"metadata[team]": "y"}) == []
    assert find(metadata="null") == [without_metadata]
    assert api.get("/fine_tuning/jobs", params={"metadata": "x"}).status_code == 400


@pytest.mark.parametrize("share", [0, 1 / 4, 1 / 2])
def test_a_job_can_be_cancelled_until_it_ends(api: Api, emulator: Emulator, share: float) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS * share)
    cancelled = api.post(f"/fine_tuning/jobs/{job_id}/cancel").json()

    assert cancelled["status"] == "cancelled"
    assert cancelled["finished_at"] is None
    before = api.events(job_id, limit=100)
    emulator.advance(JOB_SECONDS)
    assert api.job(job_id) == cancelled
    assert api.events(job_id, limit=100) == before


def test_a_finished_job_cannot_be_cancelled(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS)

    for _ in range(2):
        reply = api.post(f"/fine_tuning/jobs/{job_id}/cancel")
        assert reply.status_code == 400
        assert "succeeded" in error(reply)["message"]
    assert api.job(job_id)["status"] == "succeeded"


def test_a_paused_job_resumes_at_its_checkpoint(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS * 2 / 3)
    assert api.post(f"/fine_tuning/jobs/{job_id}/pause").json()["status"] == "pausing"
    emulator.advance(JOB_SECONDS)
    assert api.job(job_id)["status"] == "paused"
    (snapshot,) = api.checkpoints(job_id)
    assert snapshot["step_number"] == 50
    assert api.post(f"/fine_tuning/jobs/{job_id}/resume").json()["status"] == "queued"
    emulator.advance(JOB_SECONDS / 6)
    assert api.job(job_id)["status"] == "running"
    emulator.advance(JOB_SECONDS / 3)

    assert api.job(job_id)["status"] == "succeeded"
    assert [checkpoint["step_number"] for checkpoint in api.checkpoints(job_id)] == [100, 90, 80, 50]
    steps = [event["data"]["step"] for event in api.events(job_id, limit=100) if event["data"]]
    assert steps == sorted(steps, reverse=True)


def test_only_running_jobs_pause_and_only_paused_ones_resume(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]

    assert api.post(f"/fine_tuning/jobs/{job_id}/pause").status_code == 400
    emulator.advance(JOB_SECONDS / 2)
    assert api.post(f"/fine_tuning/jobs/{job_id}/resume").status_code == 400
    assert api.job(job_id)["status"] == "running"


def test_a_paused_job_can_be_cancelled(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS / 2)
    api.post(f"/fine_tuning/jobs/{job_id}/pause")
    emulator.advance(JOB_SECONDS)
    assert api.job(job_id)["status"] == "paused"

    assert api.post(f"/fine_tuning/jobs/{job_id}/cancel").json()["status"] == "cancelled"


def test_a_closed_organization_creates_no_jobs(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    emulator.settings.closed = True

    assert rejection(api, model=MODEL, training_file=file_id) == (403, "training_not_available", None)
    assert emulator.jobs() == []


def test_too_many_active_jobs_are_refused(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    emulator.settings.max_active_jobs = 1
    api.train(training_file=file_id)

    assert rejection(api, model=MODEL, training_file=file_id) == (429, "rate_limit_exceeded", None)
    emulator.advance(JOB_SECONDS)
    assert api.train(training_file=file_id)["status"] == "validating_files"


def test_projects_do_not_see_each_others_jobs(
    api: Api, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    job_id = api.train()["id"]
    other = open_client(emulator, **{"openai-project": "proj_other"})

    assert other.get(f"/fine_tuning/jobs/{job_id}").status_code == 404
    assert other.post(f"/fine_tuning/jobs/{job_id}/cancel").status_code == 404
    assert other.get("/fine_tuning/jobs").json()["data"] == []


def test_jobs_can_finish_at_the_first_read(open_client: Callable[..., Api]) -> None:
    with Emulator(today=TODAY) as emulator:
        api = open_client(emulator)
        read, cancelled = api.train(), api.train()

        assert read["status"] == "validating_files"
        assert [job["status"] for job in emulator.jobs()] == ["validating_files"] * 2
        assert api.post(f"/fine_tuning/jobs/{cancelled['id']}/cancel").json()["status"] == "cancelled"
        assert api.job(read["id"])["status"] == "succeeded"


def test_each_read_can_advance_a_job(open_client: Callable[..., Api]) -> None:
    with Emulator(today=TODAY, polls_until_done=6) as emulator:
        api = open_client(emulator)
        read, unread = api.train()["id"], api.train()["id"]

        assert [api.job(read)["status"] for _ in range(6)] == [
            "queued",
            *["running"] * 4,
            "succeeded",
        ]
        assert api.job(unread)["status"] == "queued"


def test_a_job_advances_in_real_time(open_client: Callable[..., Api]) -> None:
    now = 1_800_000_000.0
    clock = Clock(speed=60, source=lambda: now)
    with Emulator(today=TODAY, clock=clock) as emulator:
        api = open_client(emulator)
        job = api.train()
        now += 1
        assert api.job(job["id"])["status"] == "running"
        assert api.job(job["id"])["estimated_finish"] == job["created_at"] + 2
        now += 1
        assert api.job(job["id"])["status"] == "succeeded"
        assert api.job(job["id"])["finished_at"] == job["created_at"] + 2


def test_a_long_run_costs_no_more_than_short_ones(api: Api, emulator: Emulator) -> None:
    hyperparameters = {"n_epochs": 50, "batch_size": 1}
    job_id = api.train(training_file=api.upload(rows(2000))["id"], hyperparameters=hyperparameters)["id"]
    emulator.advance(JOB_SECONDS * 0.9)

    newest = api.events(job_id, limit=100)
    assert newest[0]["data"]["total_steps"] == 100_000
    assert newest[0]["data"]["step"] == pytest.approx(85_000, abs=1)
    assert emulator.backend.store.spans.count({"job": job_id}) == 5

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.idempotency import job_keys
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft._shared.state_names import OWN_METADATA
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    IncompleteResourceError,
    JobFailedError,
    NotFoundError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
IDENTITY = {"__identity": "organization::dev::shop::FineTuningJob::support"}


@pytest.fixture
def provider(configure: Configure) -> FineTuningJobProvider:
    made: FineTuningJobProvider = configure(FineTuningJobProvider)
    return made


@pytest.fixture
def inputs(configure: Configure, training_data: Path) -> dict[str, Any]:
    """Return inputs of a job that succeeds."""
    file = configure(FileProvider).create({"file": str(training_data)})
    return {
        **IDENTITY,
        "model": MODEL,
        "training_file": file.id,
        "__training_file_sha256": (file.outs or {})["sha256"],
        "suffix": "support",
    }


@pytest.fixture
def bad_file(configure: Configure, tmp_path: Path) -> str:
    """Upload a file that makes the job fail, because it has too few rows."""
    path = write_training_data(tmp_path / "few.jsonl", rows=3)
    file_id: str = configure(FileProvider).create({"file": str(path)}).id
    return file_id


def reasons(provider: FineTuningJobProvider, **inputs: Any) -> list[str]:
    news = {"model": MODEL, "training_file": "file-1", **inputs}
    return [failure.reason for failure in provider.check({}, news).failures]


class TestAtOnce:
    """A service whose jobs finish at the first poll."""

    def test_trains_and_names_the_model(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create(inputs)

        (job,) = service.jobs()
        outs = created.outs or {}
        assert created.id == job["id"]
        assert outs["status"] == "succeeded"
        assert outs["fine_tuned_model"] == job["fine_tuned_model"]
        assert outs["fine_tuned_model"].startswith(f"ft:{MODEL}:")
        assert outs["base_url"] == service.url

    def test_reading_a_created_resource_shows_no_change(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        declared = {
            **inputs,
            "model": "gpt-4o-mini",
            "seed": 0.0,
            "metadata": {"owner": "me"},
            "method": {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2.0, "beta": 0.1}}},
            "integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["a", "b"]}}],
            "wait_for_completion": False,
        }
        created = provider.create(declared)

        read = provider.read(created.id, created.outs or {})

        stable = {
            "status",
            "method",
            "error",
            "finished_at",
            "fine_tuned_model",
            "trained_tokens",
            "result_files",
        }
        for name in set(created.outs or {}) - stable:
            assert (read.outs or {})[name] == (created.outs or {})[name], name
        assert (read.outs or {})["metadata"] == {"owner": "me"}
        assert (
            provider.diff(created.id, {**(read.outs or {}), "status": "succeeded"}, declared).replaces == []
        )

    def test_a_second_read_changes_nothing(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = provider.create(inputs)

        diff = provider.diff(created.id, created.outs or {}, inputs)

        assert (diff.changes, diff.replaces) == (False, [])

    def test_sends_seed_zero_and_omits_unset_inputs(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create({**inputs, "seed": 0.0, "suffix": None})

        (job,) = service.jobs()
        assert job["seed"] == 0
        assert job["user_provided_suffix"] is None

    def test_a_job_with_equal_inputs_is_adopted(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        first = provider.create(inputs)

        again = provider.create(inputs)

        assert again.id == first.id
        assert len(service.jobs()) == 1
        assert f"adopted job {first.id} (succeeded, " in capfd.readouterr().err

    def test_a_job_whose_model_was_deleted_is_not_adopted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        first = provider.create(inputs)
        provider.api.delete_model((first.outs or {})["fine_tuned_model"])

        assert provider.create(inputs).id != first.id

    def test_a_failed_job_is_recorded_with_its_error(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        bad_file: str,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        created = provider.create({**inputs, "training_file": bad_file, "__training_file_sha256": None})

        assert (created.outs or {})["status"] == "failed"
        assert (created.outs or {})["error"]["code"] == "invalid_n_examples"
        assert f"job {created.id} failed: invalid_n_examples: " in capfd.readouterr().err

    def test_the_next_up_repeats_why_a_job_failed(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], bad_file: str, service: Emulator
    ) -> None:
        declared = {**inputs, "training_file": bad_file, "__training_file_sha256": None}
        created = provider.create(declared)

        diff = provider.diff(created.id, created.outs or {}, declared)

        assert (diff.changes, diff.replaces) == (True, [])
        with pytest.raises(JobFailedError, match=r"invalid_n_examples.*recreate_on_failure=True"):
            provider.update(created.id, created.outs or {}, declared)
        assert provider.create(declared).id == created.id
        assert len(service.jobs()) == 1

    def test_recreate_on_failure_creates_another_job(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], bad_file: str
    ) -> None:
        declared = {**inputs, "training_file": bad_file, "__training_file_sha256": None}
        created = provider.create(declared)
        again = {**declared, "recreate_on_failure": True}

        assert provider.diff(created.id, created.outs or {}, again).replaces == ["recreate_on_failure"]
        assert provider.create(again).id != created.id

    def test_changed_triggers_create_another_job(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = provider.create({**inputs, "triggers": ["monday"]})
        again = {**inputs, "triggers": ["tuesday"]}

        assert provider.diff(created.id, created.outs or {}, again).replaces == ["triggers"]
        assert provider.create(again).id != created.id

    def test_the_model_outlives_the_resource(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create(inputs)

        provider.delete(created.id, created.outs or {})

        assert (created.outs or {})["fine_tuned_model"] in {model["id"] for model in service.models()}

    def test_the_model_is_deleted_on_destroy_on_request(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "delete_model_on_destroy": True})

        provider.delete(created.id, created.outs or {})

        assert (created.outs or {})["fine_tuned_model"] not in {model["id"] for model in service.models()}

    def test_a_job_not_found_is_never_treated_as_deleted(
        self, provider: FineTuningJobProvider, service: Emulator
    ) -> None:
        for call in (provider.read, provider.delete):
            with pytest.raises(
                NotFoundError, match=f"ftjob-other was not found.*{service.url}.*pulumi state delete"
            ):
                call("ftjob-other", {})

    def test_an_externally_deleted_model_is_reported_without_retraining(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create(inputs)
        provider.api.delete_model((created.outs or {})["fine_tuned_model"])

        read = provider.read(created.id, created.outs or {}).outs or {}

        diff = provider.diff(created.id, read, inputs)
        assert (diff.changes, diff.replaces) == (True, [])
        with pytest.raises(JobFailedError, match=f"model {read['fine_tuned_model']} .* was deleted outside"):
            provider.update(created.id, read, inputs)
        assert len(service.jobs()) == 1

    def test_many_jobs_are_read_with_one_list_of_models(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create(inputs)

        for _ in range(3):
            provider.read(created.id, created.outs or {})

        assert sum(entry.path == "/v1/models" for entry in service.journal()) == 1

    def test_a_job_is_found_by_its_resources_former_name(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        old = provider.create(inputs)
        renamed = {
            **inputs,
            "__identity": f"{IDENTITY['__identity']}-new",
            "__former_identities": list(IDENTITY.values()),
        }

        assert provider.create(renamed).id == old.id

    @pytest.mark.parametrize("action", ["drop_after", "truncate"])
    def test_an_unanswered_create_is_found(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator, action: str
    ) -> None:
        service.fault("POST", "/v1/fine_tuning/jobs", action)

        created = provider.create(inputs)

        assert [job["id"] for job in service.jobs()] == [created.id]


def interrupt() -> None:
    raise CommandInterruptedError("the command was interrupted")


class TestOverTime:
    """A service whose time passes only in `advance`."""

    @pytest.fixture
    def service(self, slow_service: Emulator) -> Emulator:
        return slow_service

    @pytest.fixture
    def running(self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator) -> Any:
        created = provider.create({**inputs, "wait_for_completion": False})
        service.advance(60)
        return created

    def test_without_waiting_the_job_is_returned_as_it_starts(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = provider.create({**inputs, "wait_for_completion": False})

        assert (created.outs or {})["status"] in {"validating_files", "queued"}
        assert (
            provider.diff(created.id, created.outs or {}, {**inputs, "wait_for_completion": False}).changes
            is False
        )

    def test_waiting_resumes_where_the_recorded_job_is_not_done(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any, service: Emulator
    ) -> None:
        assert provider.diff(running.id, running.outs, inputs).changes is True
        service.advance(600)

        updated = provider.update(running.id, running.outs, inputs)

        assert (updated.outs or {})["status"] == "succeeded"

    def test_an_interrupted_wait_names_the_status_last_seen(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        pauses = iter([lambda: service.advance(60), interrupt])
        provider.host = Host(TimeSource(sleep=lambda _seconds: next(pauses)()))
        created = provider.create({**inputs, "wait_for_completion": False})

        with pytest.raises(
            IncompleteResourceError, match=r"is still running at the service \(last known status: running\)"
        ) as raised:
            provider.update(created.id, created.outs or {}, inputs)

        assert (created.outs or {})["status"] == "validating_files"
        assert raised.value.outs["status"] == "running"
        assert "(last known status: running)" in provider.unfinished_message(
            created.id, created.outs or {}, raised.value
        )

    def test_a_job_without_waiting_keeps_the_recorded_status(self, provider: FineTuningJobProvider) -> None:
        reported = provider.unfinished_message("ftjob-1", {"status": "queued"}, RuntimeError("lost"))

        assert "job ftjob-1 is still running at the service (last known status: queued): lost" in reported

    def test_an_unfinished_job_is_adopted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any
    ) -> None:
        assert provider.create({**inputs, "wait_for_completion": False}).id == running.id

    def test_a_cancelled_job_is_not_adopted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any
    ) -> None:
        provider.api.cancel_job(running.id)

        assert provider.create({**inputs, "wait_for_completion": False}).id != running.id

    def test_a_job_cancelled_by_its_deadline_is_adopted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any
    ) -> None:
        provider.api.cancel_job(running.id)

        assert provider.create({**inputs, "cancel_after_timeout": 30}).id == running.id

    def test_of_two_concurrent_creates_the_second_is_cancelled(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        """After a `kill -9`, the request of the orphan can act after the next `up` has searched."""
        orphan, next_up = configure(FineTuningJobProvider), configure(FineTuningJobProvider)
        waiting = {**inputs, "wait_for_completion": False}
        keys = job_keys(waiting, orphan.inputs(waiting), None)
        first = orphan.jobs._create(keys, orphan.inputs(waiting), set())

        second = next_up.jobs._create(keys, next_up.inputs(waiting), set())

        assert next_up.jobs.resolve_duplicate(second).id == first.id
        assert sorted(job["status"] for job in service.jobs()) == ["cancelled", "validating_files"]

    def test_destroying_cancels_an_unfinished_job(
        self, provider: FineTuningJobProvider, running: Any, service: Emulator
    ) -> None:
        provider.delete(running.id, running.outs)

        assert service.jobs()[0]["status"] == "cancelled"

    def test_an_unfinished_job_is_cancelled_before_its_replacement_starts(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any
    ) -> None:
        diff = provider.diff(running.id, running.outs, {**inputs, "suffix": "other"})

        assert (diff.replaces, diff.delete_before_replace) == (["suffix"], True)

    def test_the_deadline_cancels_the_job(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "cancel_after_timeout": 1.0})

        assert (created.outs or {})["status"] == "cancelled"
        assert service.jobs()[0]["status"] == "cancelled"

    def test_a_running_job_is_paused_and_resumed_in_place(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any, service: Emulator
    ) -> None:
        paused = {**inputs, "paused": True}
        assert provider.diff(running.id, running.outs, paused).replaces == []
        outs = provider.update(running.id, running.outs, {**paused, "wait_for_completion": False}).outs or {}
        service.advance(30)

        outs = provider.read(running.id, outs).outs or {}
        assert outs["status"] == "paused"
        assert provider.diff(running.id, outs, {**paused, "wait_for_completion": False}).changes is False

        provider.update(running.id, outs, {**inputs, "paused": False, "wait_for_completion": False})
        assert service.jobs()[0]["status"] in {"queued", "running"}

    def test_a_job_that_keeps_running_is_paused_once(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any, service: Emulator
    ) -> None:
        service.fault("POST", "*/pause", "status", None, status=200, body=service.jobs()[0])

        with pytest.raises(JobFailedError, match="was cancelled"):
            provider.update(running.id, running.outs, {**inputs, "paused": True, "cancel_after_timeout": 1})

        assert len(service.journal(method="POST", path="*/pause")) == 1

    def test_an_externally_paused_job_is_not_resumed(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], running: Any, service: Emulator
    ) -> None:
        provider.api.pause_job(running.id)
        service.advance(30)

        with pytest.raises(IncompleteResourceError, match="was paused outside of this stack"):
            provider.update(running.id, running.outs, inputs)

        assert service.jobs()[0]["status"] == "paused"

    def test_an_external_pause_without_waiting_is_a_warning(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        running: Any,
        service: Emulator,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        provider.api.pause_job(running.id)
        service.advance(30)

        updated = provider.update(running.id, running.outs, {**inputs, "wait_for_completion": False})

        assert updated.outs is not None
        assert updated.outs["status"] == "paused"
        assert "was paused outside of this stack" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        *(
            ({"metadata": {key: "a"}}, f"metadata.{key}: is a key that this package uses")
            for key in OWN_METADATA
        ),
        ({"model": None}, "model: is missing: set a base model or the output of a job; a job has no model"),
        (
            {"cancel_after_timeout": 60.0, "wait_for_completion": False},
            "cancel_after_timeout: has no effect with",
        ),
        ({"method": {"type": "dpo", "supervised": {}}}, "method.supervised: does not match type 'dpo'"),
        (
            {"method": {"type": "reinforcement"}, "validation_file": "file-2"},
            "method.reinforcement: is missing: this type requires a grader",
        ),
    ],
    ids=repr,
)
def test_conflicting_inputs_are_reported_at_preview(
    provider: FineTuningJobProvider, inputs: dict[str, Any], sentence: str
) -> None:
    (reason,) = reasons(provider, **inputs)

    assert reason.startswith(sentence)


def test_a_model_near_shutdown_is_reported_once_before_creation(
    provider: FineTuningJobProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    news = {"model": "gpt-3.5-turbo-0613", "training_file": "file-1"}

    provider.check({}, dict(news))
    assert "gpt-3.5-turbo-0613" in capfd.readouterr().err

    provider.check(dict(news), dict(news))
    assert capfd.readouterr().err == ""


def test_model_overrides_are_checked_at_preview(configure: Configure) -> None:
    provider = configure(FineTuningJobProvider, catalog='{"gpt-4.1": {"shutdown_date": "soon"}}')

    (failure,) = provider.check({}, {"model": "gpt-4.1", "training_file": "file-1"}).failures

    assert failure.reason.startswith("openai-ft:catalog[\"gpt-4.1\"].shutdown_date is 'soon'")

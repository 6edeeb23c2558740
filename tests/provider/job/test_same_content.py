"""A job that another resource has already created with the same training data and inputs is not created again."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_host import FakeHost
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.idempotency import idempotency_key
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft._shared.state_names import CONTENT_KEY, RESOURCE_KEY, TOKEN_KEY
from pulumi_openai_ft.errors import DuplicateJobError, RequestError, ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
OLD = "organization::dev::shop::FineTuningJob::old"
NEW = {"__identity": "organization::prod::shop::FineTuningJob::new"}


@pytest.fixture
def provider(configure: Configure) -> FineTuningJobProvider:
    made: FineTuningJobProvider = configure(FineTuningJobProvider)
    return made


@pytest.fixture
def inputs(configure: Configure, training_data: Path) -> dict[str, Any]:
    file = configure(FileProvider).create({"file": str(training_data)})
    return {
        "__identity": OLD,
        "model": MODEL,
        "training_file": file.id,
        "__training_file_sha256": (file.outs or {})["sha256"],
    }


class TestAtOnce:
    """A service whose jobs finish at the first poll."""

    def test_the_error_names_the_job_and_each_solution(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        first = provider.create(inputs)

        with pytest.raises(DuplicateJobError) as raised:
            provider.create({**inputs, **NEW})

        text = str(raised.value)
        assert f"job {first.id} (succeeded, " in text
        assert f'former_names=["{OLD}"]' in text
        assert all(solution in text for solution in ("alias", "`triggers`", "openai-ft:idempotencyScope"))
        assert len(service.jobs()) == 1

    @pytest.mark.parametrize(
        "other", [{"triggers": ["again"]}, {"seed": 3}, {"metadata": {"for": "new"}}], ids=repr
    )
    def test_other_inputs_create_another_job(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        other: dict[str, Any],
    ) -> None:
        provider.create(inputs)

        provider.create({**inputs, **NEW, **other})

        assert len(service.jobs()) == 2

    def test_changed_inputs_of_the_same_resource_create_another_job(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create(inputs)

        provider.create({**inputs, "suffix": "changed"})

        assert len(service.jobs()) == 2

    def test_another_scope_creates_another_job(
        self, configure: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create(inputs)

        configure(FineTuningJobProvider, idempotencyScope="ada").create({**inputs, **NEW})

        assert len(service.jobs()) == 2

    @pytest.mark.parametrize(
        "former",
        [
            {"former_names": [OLD]},
            {"__identity": "organization::dev::shop::FineTuningJob::new", "former_names": ["old"]},
            {"__former_identities": [OLD]},
        ],
        ids=repr,
    )
    def test_a_former_name_adopts_the_job(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        former: dict[str, Any],
    ) -> None:
        first = provider.create(inputs)

        assert provider.create({**inputs, **NEW, **former}).id == first.id
        assert len(service.jobs()) == 1

    def test_old_inputs_identify_the_job_of_a_replacement(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        """An `up` that was killed created the job of the changed inputs, then the stack was renamed."""
        changed = {**inputs, "suffix": "changed"}
        lost = provider.create(changed)
        olds, news = inputs, {**changed, **NEW}
        provider.check(olds, news)

        checked = provider.check({}, news).inputs

        assert provider.create(checked).id == lost.id
        assert len(service.jobs()) == 1

    def test_a_job_without_a_model_does_not_count(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        first = provider.create(inputs)
        provider.api.delete_model((first.outs or {})["fine_tuned_model"])

        provider.create({**inputs, **NEW})

        assert len(service.jobs()) == 2

    def test_a_failed_job_does_not_count(
        self, configure: Configure, tmp_path: Path, service: Emulator
    ) -> None:
        path = write_training_data(tmp_path / "few.jsonl", rows=3)
        inputs = {"model": MODEL, "training_file": configure(FileProvider).create({"file": str(path)}).id}

        for identity in ({"__identity": OLD}, NEW):
            configure(FineTuningJobProvider).create({**inputs, **identity})

        assert [job["status"] for job in service.jobs()] == ["failed"] * 2

    def test_jobs_of_the_previous_version_are_still_found(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        own = idempotency_key(inputs, provider.inputs(inputs), None)
        body = {"model": MODEL, "training_file": inputs["training_file"], "metadata": {TOKEN_KEY: own}}
        first = provider.api.create_job(body)

        assert provider.create(inputs).id == first.id
        assert len(service.jobs()) == 1

    def test_the_keys_are_in_the_metadata_and_hidden(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "metadata": {"team": "red"}})

        (job,) = service.jobs()
        assert job["metadata"].keys() == {"team", TOKEN_KEY, CONTENT_KEY, RESOURCE_KEY}
        assert job["metadata"][RESOURCE_KEY] == OLD
        assert (created.outs or {})["metadata"] == {"team": "red"}

    def test_without_metadata_nothing_is_compared(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure(FineTuningJobProvider, unsupportedFeatures="metadata")
        provider.create(inputs)

        provider.create({**inputs, **NEW})

        assert len(service.jobs()) == 2

    def test_unlabelled_services_filter_by_themselves(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure(FineTuningJobProvider, unsupportedFeatures="metadata_filter")
        provider.create(inputs)

        with pytest.raises(DuplicateJobError):
            provider.create({**inputs, **NEW})
        assert len(service.jobs()) == 1

    @pytest.mark.parametrize("status", [400, 403])
    def test_a_refused_create_leaves_its_content_to_others(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator, status: int
    ) -> None:
        service.fault("POST", "/v1/fine_tuning/jobs", "status", status=status)
        with pytest.raises(ServiceError):
            provider.create(inputs)

        provider.create({**inputs, **NEW})

        assert len(service.jobs()) == 1

    def test_a_lost_response_keeps_its_content(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure(FineTuningJobProvider, FakeHost(time=TimeSource(sleep=lambda _seconds: None)))
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_before")
        with pytest.raises(RequestError):
            provider.create(inputs)

        with pytest.raises(DuplicateJobError):
            provider.create({**inputs, **NEW})

    def test_a_refused_second_request_keeps_its_content(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        """The first request may still create a job."""
        provider = configure(FineTuningJobProvider, FakeHost(time=TimeSource(sleep=lambda _seconds: None)))
        for status in (500, 403):
            service.fault("POST", "/v1/fine_tuning/jobs", "status", status=status)
        with pytest.raises(ServiceError, match="403"):
            provider.create(inputs)

        with pytest.raises(DuplicateJobError):
            provider.create({**inputs, **NEW})

    def test_a_failed_search_keeps_its_content(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        def refuse_lists(_seconds: float) -> None:
            service.fault("GET", "/v1/fine_tuning/jobs", "status", status=403)

        provider = configure(FineTuningJobProvider, FakeHost(time=TimeSource(sleep=refuse_lists)))
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_before")
        with pytest.raises(RequestError):
            provider.create(inputs)
        service.clear_faults()

        with pytest.raises(DuplicateJobError):
            provider.create({**inputs, **NEW})


class TestOverTime:
    """A service whose time passes only in `advance`."""

    @pytest.fixture
    def service(self, slow_service: Emulator) -> Emulator:
        return slow_service

    @pytest.fixture
    def inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "wait_for_completion": False}

    def test_a_running_job_counts(
        self, configure: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        first = configure(FineTuningJobProvider).create(inputs)

        with pytest.raises(DuplicateJobError, match=first.id):
            configure(FineTuningJobProvider).create({**inputs, **NEW})
        assert len(service.jobs()) == 1

    def test_a_cancelled_job_does_not_count(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        first = provider.create(inputs)
        provider.delete(first.id, first.outs or {})

        configured = provider.create({**inputs, "__identity": f"{OLD}-2"})

        assert configured.id != first.id
        assert len(service.jobs()) == 2

    def test_of_two_equal_resources_created_together_one_fails(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        barrier, failures = Barrier(2), []

        def create(identity: str) -> None:
            barrier.wait()
            try:
                provider.create({**inputs, "__identity": identity})
            except DuplicateJobError as error:
                failures.append(str(error))

        threads = [Thread(target=create, args=(f"{OLD}-{number}",)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(service.jobs()) == 1
        assert len(failures) == 1
        assert OLD in failures[0]
        assert "`triggers`" in failures[0]

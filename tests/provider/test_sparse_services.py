"""Services whose responses are sparser than OpenAI's: what must not happen because of that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.state import MODEL_DELETED, outputs
from pulumi_openai_ft.errors import InputError, InvalidResponseError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
IDENTITY = {"__identity": "organization::dev::shop::FineTuningJob::support"}
LIST, EVERY_JOB = "/fine_tuning/jobs", "~/v1/fine_tuning/jobs(/[^/]+)?(/[a-z]+)?"


def edit(service: Emulator, *edits: dict[str, Any], path: str = EVERY_JOB, method: str = "*") -> None:
    service.fault(method, path, "edit", times=None, edits=list(edits))


def everywhere(field: str, **value: Any) -> list[dict[str, Any]]:
    return [{"path": field, **value}, {"path": f"data.*.{field}", **value}]


@pytest.fixture
def file(configure: Configure, training_data: Path) -> Any:
    return configure(FileProvider).create({"file": str(training_data)})


@pytest.fixture
def inputs(file: Any) -> dict[str, Any]:
    return {**IDENTITY, "model": MODEL, "training_file": file.id, "suffix": "support"}


@pytest.fixture
def jobs(configure: Configure) -> FineTuningJobProvider:
    return configure(FineTuningJobProvider)


class TestWithoutModelName:
    """As at Nebius, whose published job object has no `fine_tuned_model`."""

    @pytest.fixture(params=[{}, {"value": None}], ids=["missing", "null"], autouse=True)
    def _nameless(self, request: pytest.FixtureRequest, service: Emulator) -> None:
        edit(service, *everywhere("fine_tuned_model", **request.param))

    def test_refresh_and_update_do_not_report_a_deleted_model(
        self, jobs: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = jobs.create(inputs)

        read = jobs.read(created.id, created.outs or {}).outs or {}
        diff = jobs.diff(created.id, read, inputs)
        updated = jobs.update(created.id, read, inputs).outs or {}

        assert (read["status"], read["fine_tuned_model"], MODEL_DELETED in read) == ("succeeded", None, False)
        assert diff.changes is False
        assert updated["status"] == "succeeded"

    def test_state_of_an_earlier_version_recovers(
        self, jobs: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = jobs.create(inputs)
        recorded = {**(created.outs or {}), MODEL_DELETED: True}

        assert jobs.diff(created.id, recorded, inputs).changes is True
        assert MODEL_DELETED not in (jobs.update(created.id, recorded, inputs).outs or {})

    def test_a_lost_state_adopts_the_job(
        self, configure: Configure, jobs: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = jobs.create(inputs)

        assert configure(FineTuningJobProvider).create(inputs).id == created.id
        assert len(service.jobs()) == 1

    def test_destroy_needs_no_model(self, jobs: FineTuningJobProvider, inputs: dict[str, Any]) -> None:
        created = jobs.create({**inputs, "delete_model_on_destroy": True})

        jobs.delete(created.id, created.outs or {})


class TestMethod:
    """`method` has the values that the service returned, wherever it returned them."""

    def test_shows_changed_values_from_the_top_level(
        self,
        jobs: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        wanted = {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2.0, "batch_size": 3.0}},
        }
        inputs = {**inputs, "method": wanted}
        edit(service, *everywhere("method"), *everywhere("hyperparameters", value={"n_epochs": 4}))

        created = jobs.create(inputs)

        expected = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4, "batch_size": 3}}}
        assert (created.outs or {})["method"] == expected
        assert "the service changed the requested method: see the output `method`" in capfd.readouterr().err
        assert (jobs.read(created.id, created.outs or {}).outs or {})["method"] == expected
        assert jobs.diff(created.id, created.outs or {}, inputs).changes is False

    @pytest.mark.parametrize("undecided", [-1, None, "auto"])
    def test_keeps_requested_values_until_others_are_chosen(
        self,
        jobs: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
        undecided: Any,
    ) -> None:
        wanted = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2.0}}}
        returned = {"n_epochs": undecided, "batch_size": undecided}
        edit(service, *everywhere("method"), *everywhere("hyperparameters", value=returned))

        created = jobs.create({**inputs, "method": wanted})

        assert (created.outs or {})["method"] == {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2}},
        }
        assert "changed the requested method" not in capfd.readouterr().err

    def test_reports_nothing_that_the_service_does_not_return(
        self,
        jobs: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        wanted = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2.0}}}
        edit(service, *everywhere("method"), *everywhere("hyperparameters"))

        created = jobs.create({**inputs, "method": wanted})

        assert (created.outs or {})["method"] == {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2}},
        }
        assert "changed the requested method" not in capfd.readouterr().err

    def test_import_reads_the_top_level(
        self, jobs: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = jobs.create(inputs)
        returned = {"n_epochs": 4, "batch_size": -1}
        edit(service, *everywhere("method"), *everywhere("hyperparameters", value=returned))

        imported = jobs.import_(created.id)

        method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4}}}
        assert (imported.inputs or {})["method"] == (imported.outs or {})["method"] == method


@pytest.mark.parametrize(
    ("returned", "top_level", "shown"),
    [
        (None, {"n_epochs": 4}, {"n_epochs": 4, "beta": 0.5}),
        ({}, {"n_epochs": 4}, {"n_epochs": 4, "beta": 0.5}),
        ({"n_epochs": 4, "beta": 0.1}, {"n_epochs": 9}, {"n_epochs": 4, "beta": 0.1}),
        ({"n_epochs": "auto"}, {"n_epochs": 9}, {"n_epochs": 9}),
        ({"n_epochs": "auto"}, None, {"n_epochs": 2}),
        ({"n_epochs": -1, "beta": None}, {"n_epochs": -1}, {"n_epochs": 2, "beta": 0.5}),
        ({"batch_size": "auto"}, {"batch_size": "auto"}, {"batch_size": "auto"}),
        ({"batch_size": -1}, {"batch_size": 8}, {"batch_size": 8}),
    ],
)
def test_method_prefers_its_own_values(
    returned: dict[str, Any] | None, top_level: dict[str, Any] | None, shown: dict[str, Any]
) -> None:
    requested = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2.0, "beta": 0.5}}}
    method = None if returned is None else {"type": "dpo", "dpo": {"hyperparameters": returned}}
    job = Job(id="ftjob-1", status="running", method=method, hyperparameters=top_level)

    assert outputs(job, {"method": requested})["method"] == {"type": "dpo", "dpo": {"hyperparameters": shown}}


def test_method_of_another_type_has_none_of_the_requested_values() -> None:
    requested = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.5}}}
    job = Job(id="ftjob-1", method={"type": "supervised"})

    assert outputs(job, {"method": requested})["method"] == {"type": "supervised"}


class TestGuards:
    """A list guards a create, a delete or waiting: it stops only at what it cannot decide."""

    def test_result_files_null_stops_nothing(
        self,
        configure: Configure,
        jobs: FineTuningJobProvider,
        file: Any,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        """As in LiteLLM's list, and at Azure."""
        edit(service, *everywhere("result_files", value=None))

        created = jobs.create(inputs)
        again = configure(FineTuningJobProvider).create(inputs)
        configure(FileProvider).delete(file.id, file.outs)

        assert (again.id, len(service.jobs())) == (created.id, 1)
        assert file.id not in [found["id"] for found in service.files()]

    @pytest.mark.parametrize("path", ["data.*.id", "data.*.metadata"])
    def test_unreadable_job_stops_a_create(
        self,
        configure: Configure,
        jobs: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        path: str,
    ) -> None:
        jobs.create(inputs)
        edit(service, {"path": path, "value": ["odd"]}, path=LIST, method="GET")

        with pytest.raises(InvalidResponseError, match="it is not known whether this job already exists"):
            configure(FineTuningJobProvider).create(inputs)

        assert len(service.jobs()) == 1

    def test_unreadable_job_without_id_stops_a_file_deletion(
        self,
        configure: Configure,
        jobs: FineTuningJobProvider,
        file: Any,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        jobs.create(inputs)
        edit(service, {"path": "data.*.id"}, path=LIST, method="GET")

        with pytest.raises(InvalidResponseError, match=f"{file.id} was not deleted: .*data.0: id"):
            configure(FileProvider).delete(file.id, file.outs)

        assert len(service.files()) >= 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("training_file", None),
            ("training_file", ["odd"]),
            ("status", None),
            ("created_at", None),
            ("metadata", 7),
        ],
    )
    def test_running_job_in_a_sparse_list_protects_its_file(
        self, configure: Configure, slow_service: Emulator, training_data: Path, field: str, value: Any
    ) -> None:
        files = configure(FileProvider, baseUrl=slow_service.url)
        file = files.create({"file": str(training_data)})
        job = files.api.create_job({"model": MODEL, "training_file": file.id})
        edit(slow_service, {"path": f"data.*.{field}", "value": value}, path=LIST, method="GET")

        with pytest.raises(InputError, match=f"job {job.id} is validating_files and needs it"):
            configure(FileProvider, baseUrl=slow_service.url).delete(file.id, file.outs or {})

    def test_unreadable_file_stops_an_upload(
        self, configure: Configure, file: Any, training_data: Path, service: Emulator
    ) -> None:
        edit(service, {"path": "data.0.id"}, path="/files", method="GET")

        with pytest.raises(InvalidResponseError, match="it is not known whether an earlier run uploaded"):
            configure(FileProvider).create({**IDENTITY, "file": str(training_data)})

        assert [found["id"] for found in service.files()] == [file.id]

    def test_unreadable_permission_stops_a_grant(
        self, configure: Configure, jobs: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        model = (jobs.create(inputs).outs or {})["fine_tuned_model"]
        wanted = {"checkpoint_id": model, "project_ids": ["proj_b"]}
        configure(FineTuningCheckpointPermissionProvider).create(wanted)
        edit(service, {"path": "data.*.project_id"}, path="*/permissions", method="GET")

        with pytest.raises(InvalidResponseError, match="it is not known which projects have access"):
            configure(FineTuningCheckpointPermissionProvider).create(wanted)

        assert len(service.permissions()) == 1

    def test_incomplete_grant_is_looked_up(
        self, configure: Configure, jobs: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        model = (jobs.create(inputs).outs or {})["fine_tuned_model"]
        edit(service, {"path": "data", "value": []}, path="*/permissions", method="POST")
        provider = configure(FineTuningCheckpointPermissionProvider, Host(FakeClock().time))

        created = provider.create({"checkpoint_id": model, "project_ids": ["proj_b", "proj_c"]})

        assert (created.outs or {})["project_ids"] == ["proj_b", "proj_c"]
        assert len(service.permissions()) == 2

    def test_model_missing_from_an_unreadable_list_is_requested(
        self, jobs: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = jobs.create(inputs)
        edit(service, {"path": "data.*.id"}, path="/models", method="GET")

        assert MODEL_DELETED not in (jobs.read(created.id, created.outs or {}).outs or {})

    @pytest.mark.parametrize("created_at", [{}, {"value": None}, {"value": "soon"}])
    def test_job_without_its_time_keeps_its_deadline(
        self,
        jobs: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        created_at: dict[str, Any],
    ) -> None:
        edit(service, *everywhere("created_at", **created_at))

        created = jobs.create({**inputs, "cancel_after_timeout": 3600.0})

        assert ((created.outs or {})["status"], (created.outs or {})["created_at"]) == ("succeeded", None)

    @pytest.mark.parametrize(
        "edits",
        [
            [{"path": "data.*.status"}],
            [{"path": "data.*.id", "value": None}],
            [{"path": "data", "value": []}],
            [{"path": "data", "value": {"odd": 1}}],
            [{"path": "data.*.fine_tuned_model", "value": None}],
        ],
        ids=repr,
    )
    def test_waits_for_jobs_that_the_list_does_not_show(
        self, jobs: FineTuningJobProvider, file: Any, service: Emulator, edits: list[dict[str, Any]]
    ) -> None:
        made = [jobs.api.create_job({"model": MODEL, "training_file": file.id}) for _ in range(3)]
        edit(service, *edits, path=LIST, method="GET")

        with ThreadPoolExecutor(3) as pool:
            ended = list(pool.map(lambda job: jobs.jobs.reconcile(job, {}), made))

        assert [job.id for job in ended] == [job.id for job in made]
        assert all(job.status == "succeeded" and job.fine_tuned_model for job in ended)

    @pytest.mark.parametrize("body", [{}, None, {"message": "cancelled"}], ids=repr)
    def test_cancel_without_a_job_in_its_response_is_followed(
        self, configure: Configure, slow_service: Emulator, training_data: Path, body: Any
    ) -> None:
        provider = configure(FineTuningJobProvider, Host(FakeClock().time), baseUrl=slow_service.url)
        file = configure(FileProvider, baseUrl=slow_service.url).create({"file": str(training_data)})
        job = provider.api.create_job({"model": MODEL, "training_file": file.id})
        slow_service.fault("POST", "*/cancel", "status", status=200, body=body, acts=True)

        provider.delete(job.id, {})

        assert [found["status"] for found in slow_service.jobs()] == ["cancelled"]


def test_file_keeps_what_the_service_no_longer_returns(
    configure: Configure, training_data: Path, service: Emulator
) -> None:
    inputs = {
        "file": str(training_data),
        "filename": "mine.jsonl",
        "expires_after": {"anchor": "created_at", "seconds": 7200.0},
    }
    files = configure(FileProvider)
    edits = [
        edit
        for name in ("filename", "purpose", "expires_at", "bytes")
        for edit in everywhere(name, value=None)
    ]
    edit(service, *edits, path="~/v1/files(/[^/]+)?")

    created = files.create(inputs)
    read = files.read(created.id, created.outs or {}).outs or {}

    assert (read["filename"], read["expires_after"]["seconds"]) == ("mine.jsonl", 7200)
    assert files.diff(created.id, read, inputs).changes is False

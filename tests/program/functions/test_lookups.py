from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from tests.support import ADMIN_KEY, API_KEY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import InputError, NotFoundError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

MINI, OTHER = "gpt-4o-mini-2024-07-18", "gpt-4.1-mini-2025-04-14"
ONE_OF_EACH: dict[str, dict[str, Any]] = {
    "getFineTuningJob": {"fine_tuning_job_id": "ftjob-missing"},
    "getFineTuningCheckpoints": {"fine_tuning_job_id": "ftjob-missing"},
    "getFineTuningEvents": {"fine_tuning_job_id": "ftjob-missing"},
    "getFineTuningMetrics": {"fine_tuning_job_id": "ftjob-missing"},
    "bestCheckpoint": {"fine_tuning_job_id": "ftjob-missing"},
    "getFineTuningCheckpointPermissions": {"checkpoint_id": "ft:missing:o::x"},
    "getFile": {"file_id": "file-missing"},
    "getModel": {"model_id": "ft:missing:o::x"},
}
"""Arguments that refer to a missing object."""


@pytest.fixture
def connected(service: Emulator) -> Iterator[Callable[..., Client]]:
    """Connect to the service with changed settings."""
    made: list[Client] = []

    def make(**changes: Any) -> Client:
        settings = {"api_key": API_KEY, "admin_key": ADMIN_KEY, "base_url": service.url, "max_retries": 0}
        made.append(Client(Settings(**{**settings, **changes})))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(connected: Callable[..., Client]) -> Client:
    return connected()


@pytest.fixture
def upload(api: Client) -> Callable[..., str]:
    def make(path: Path, purpose: str = "fine-tune") -> str:
        with path.open("rb") as content:
            return api.upload_file(path.name, content, purpose=purpose).id

    return make


@pytest.fixture
def file_id(upload: Callable[..., str], training_data: Path) -> str:
    return upload(training_data)


@pytest.fixture
def train(api: Client, file_id: str) -> Callable[..., Job]:
    """Return a function that creates a job, which finishes at the first poll."""

    def make(model: str = MINI, epochs: int = 2, **more: Any) -> Job:
        method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": epochs}}}
        return api.create_job({"model": model, "training_file": file_id, "method": method, **more})

    return make


def look_up(api: Client, name: str, **given: Any) -> Any:
    lookup = LOOKUPS[name]
    return lookup.run(api, lookup.check(given))


def ids(found: list[Any]) -> list[str]:
    return [item.id for item in found]


class TestEveryFunction:
    @pytest.mark.parametrize(("name", "given"), ONE_OF_EACH.items())
    def test_names_the_missing_object(self, api: Client, name: str, given: dict[str, Any]) -> None:
        (missing,) = given.values()

        with pytest.raises(NotFoundError, match=missing):
            look_up(api, name, **given)

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_refuses_unknown_arguments(self, name: str) -> None:
        given = {**ONE_OF_EACH.get(name, {}), "page_size": 3}

        with pytest.raises(InputError) as refused:
            LOOKUPS[name].check(given)

        assert str(refused.value) == f"{LOOKUPS[name].function}: page_size: is not a known property"

    @pytest.mark.parametrize("name", ONE_OF_EACH)
    def test_needs_its_first_argument(self, name: str) -> None:
        with pytest.raises(InputError, match=r"^(get|best)_\w+: \w+_id: is missing$"):
            LOOKUPS[name].check({})

    @pytest.mark.parametrize("name", ONE_OF_EACH)
    def test_refuses_an_empty_id(self, name: str) -> None:
        given = dict.fromkeys(ONE_OF_EACH[name], "")

        with pytest.raises(InputError, match="_id: '' is invalid: must be a string of at least 1 characters"):
            LOOKUPS[name].check(given)

    @pytest.mark.parametrize(
        "name", [name for name, lookup in LOOKUPS.items() if "limit" in lookup.arguments.model_fields]
    )
    @pytest.mark.parametrize("limit", [0, -1, 2.5, True, "3"])
    def test_refuses_an_invalid_limit(self, name: str, limit: Any) -> None:
        with pytest.raises(InputError, match=f"limit: {limit!r} is invalid"):
            LOOKUPS[name].check({**ONE_OF_EACH.get(name, {}), "limit": limit})

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_describes_each_argument_and_each_list(self, name: str) -> None:
        fields = [*LOOKUPS[name].arguments.model_fields.values()]
        if name.endswith("s"):
            fields += LOOKUPS[name].result.model_fields.values()

        assert all(field.description for field in fields)

    @pytest.mark.parametrize("name", [name for name, lookup in LOOKUPS.items() if lookup.needs])
    def test_reports_a_missing_feature_without_a_request(
        self, connected: Callable[..., Client], service: Emulator, name: str
    ) -> None:
        api = connected(profile=PROFILES["generic"])

        with pytest.raises(InputError, match=r"^(get|best)_\w+: the service 'generic' does not support "):
            look_up(api, name, **ONE_OF_EACH.get(name, {}))

        assert service.journal() == []

    @pytest.mark.parametrize("name", LOOKUPS)
    def test_returns_immutable_results(self, api: Client, train: Callable[..., Job], name: str) -> None:
        job = api.job(train().id)
        real = {
            "fine_tuning_job_id": job.id,
            "file_id": job.training_file,
            "model_id": job.fine_tuned_model,
            "checkpoint_id": job.fine_tuned_model,
        }
        given = {key: real[key] for key in ONE_OF_EACH.get(name, {})}
        if name == "bestCheckpoint":  # the job has no validation file
            given["by"] = "train_loss"
        found = look_up(api, name, **given)

        with pytest.raises(ValidationError, match="frozen"):
            setattr(found, next(iter(type(found).model_fields)), "x")

    def test_sends_its_result_through_the_engine(self, api: Client, train: Callable[..., Job]) -> None:
        """Through the engine, numbers arrive as floats and nulls are missing; the result is the same as
        without.
        """
        train(metadata={"team": "red"})
        lookup, arguments = LOOKUPS["getFineTuningJobs"], LOOKUPS["getFineTuningJobs"].check({})
        answer = lookup.answer(api, arguments)

        assert lookup.read(arguments, floats(answer)) == lookup.read(arguments, answer)
        assert None not in answer["jobs"][0].values()

    def test_reports_fields_missing_in_a_mocks_response(self) -> None:
        lookup = LOOKUPS["getFineTuningJob"]

        with pytest.raises(InputError) as refused:
            lookup.read(lookup.check({"fine_tuning_job_id": "ftjob-1"}), {"status": "running", "model": "m"})

        assert str(refused.value) == "get_fine_tuning_job received an unexpected response: id: Field required"

    def test_an_empty_response_of_mocks_gives_empty_lists(self) -> None:
        lookup = LOOKUPS["getFineTuningEvents"]

        found = lookup.read(lookup.check({"fine_tuning_job_id": "ftjob-1"}), {})

        assert (found.fine_tuning_job_id, found.events) == ("ftjob-1", [])


def floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class TestJob:
    def test_has_every_field_of_the_api(
        self, api: Client, train: Callable[..., Job], service: Emulator
    ) -> None:
        job_id = train(suffix="mine", seed=7).id

        found = look_up(api, "getFineTuningJob", fine_tuning_job_id=job_id)

        (job,) = service.jobs()
        assert set(job) - {"project"} <= set(Job.model_fields)
        assert found.model_dump() == {name: value for name, value in job.items() if name != "project"}
        assert found.is_terminal

    def test_keeps_fields_that_a_service_adds(self, api: Client, service: Emulator) -> None:
        body = {"id": "ftjob-1", "status": "running", "model": "m", "cost": {"total": 1.5}}
        service.fault("GET", "/fine_tuning/jobs/*", "status", status=200, body=body)

        found = look_up(api, "getFineTuningJob", fine_tuning_job_id="ftjob-1")

        assert found.cost == {"total": 1.5}
        assert not found.is_terminal


class TestJobs:
    def test_are_listed_newest_first(self, api: Client, train: Callable[..., Job]) -> None:
        made = [train().id for _ in range(3)]

        assert ids(look_up(api, "getFineTuningJobs").jobs) == made[::-1]
        assert ids(look_up(api, "getFineTuningJobs", limit=2).jobs) == made[:0:-1]

    def test_no_match_gives_an_empty_list(self, api: Client) -> None:
        assert look_up(api, "getFineTuningJobs").jobs == []

    def test_are_found_by_status(
        self, api: Client, train: Callable[..., Job], upload: Callable[..., str], tmp_path: Path
    ) -> None:
        done = train()
        failed = train(training_file=upload(write_training_data(tmp_path / "few.jsonl", rows=3)))

        assert ids(look_up(api, "getFineTuningJobs", status="failed").jobs) == [failed.id]
        assert ids(look_up(api, "getFineTuningJobs", status="succeeded").jobs) == [done.id]
        assert look_up(api, "getFineTuningJobs", status="running").jobs == []

    @pytest.mark.parametrize("model", [MINI, "gpt-4o-mini"])
    def test_are_found_by_model_and_its_alias(
        self, api: Client, train: Callable[..., Job], model: str
    ) -> None:
        train(OTHER)
        mini = train(MINI)

        assert ids(look_up(api, "getFineTuningJobs", model=model).jobs) == [mini.id]

    def test_are_found_by_metadata_at_the_service(
        self, api: Client, train: Callable[..., Job], service: Emulator
    ) -> None:
        metadata = {"team": "red", "run": "2"}
        train(metadata={"team": "red", "run": "1"})
        matching = train(metadata={**metadata, "more": "x"})

        assert ids(look_up(api, "getFineTuningJobs", metadata=metadata).jobs) == [matching.id]
        assert "metadata" in (service.journal(method="GET", path="/v1/fine_tuning/jobs")[-1].query or "")

    def test_omit_the_idempotency_key(self, api: Client, train: Callable[..., Job]) -> None:
        job = train(metadata={"team": "red", TOKEN_KEY: "0" * 40})

        assert look_up(api, "getFineTuningJob", fine_tuning_job_id=job.id).metadata == {"team": "red"}
        assert [found.metadata for found in look_up(api, "getFineTuningJobs").jobs] == [{"team": "red"}]

    def test_are_filtered_by_metadata_where_the_service_cannot(
        self, connected: Callable[..., Client], train: Callable[..., Job], service: Emulator
    ) -> None:
        red = train(metadata={"team": "red"})
        train(metadata={"team": "blue"})
        api = connected(profile=PROFILES["generic"])

        assert ids(look_up(api, "getFineTuningJobs", metadata={"team": "red"}).jobs) == [red.id]
        assert "metadata" not in (service.journal()[-1].query or "")

    def test_cannot_be_filtered_by_metadata_the_service_drops(
        self, connected: Callable[..., Client], service: Emulator
    ) -> None:
        without = Settings.resolve({"openai-ft:unsupportedFeatures": "metadata"}.get, {}).profile
        api = connected(profile=without)

        with pytest.raises(
            InputError, match=r"^get_fine_tuning_jobs: metadata: the service 'openai' does not"
        ):
            look_up(api, "getFineTuningJobs", metadata={"team": "red"})

        assert service.journal() == []

    def test_are_limited_after_the_filters(self, api: Client, train: Callable[..., Job]) -> None:
        red = train(metadata={"team": "red"})
        train(metadata={"team": "blue"})

        assert ids(look_up(api, "getFineTuningJobs", limit=1, metadata={"team": "red"}).jobs) == [red.id]

    def test_refuse_metadata_that_is_not_text(self) -> None:
        with pytest.raises(InputError, match=r"metadata\.run: 2 is invalid: must be a string"):
            LOOKUPS["getFineTuningJobs"].check({"metadata": {"run": 2}})


class TestCheckpoints:
    def test_are_listed_last_step_first(self, api: Client, train: Callable[..., Job]) -> None:
        job = api.job(train(epochs=2).id)

        found = look_up(api, "getFineTuningCheckpoints", fine_tuning_job_id=job.id)

        last, first = found.checkpoints
        assert found.fine_tuning_job_id == job.id
        assert last.fine_tuned_model_checkpoint == job.fine_tuned_model
        assert first.fine_tuned_model_checkpoint.endswith(f":ckpt-step-{first.step_number}")
        assert last.step_number == 2 * first.step_number
        assert first.metrics["train_loss"] > 0

    def test_can_be_limited(self, api: Client, train: Callable[..., Job]) -> None:
        job_id = train(epochs=3).id
        api.job(job_id)

        found = look_up(api, "getFineTuningCheckpoints", fine_tuning_job_id=job_id, limit=1)

        assert len(found.checkpoints) == 1


def event(number: int, created_at: int, level: str = "info", kind: str = "message") -> dict[str, Any]:
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{number}",
        "created_at": created_at,
        "level": level,
        "message": f"event {number}",
        "type": kind,
        "data": None,
    }


EVENTS = [
    event(6, 30, "error"),
    event(5, 20, kind="metrics"),
    event(4, 20, "warn"),
    event(3, 20, "warning"),
    event(2, 10, kind="metrics"),
    event(1, 10),
]
"""Events in the API's order: newest first, several of them in the same second. Levels vary as in the API."""


class TestEvents:
    @pytest.fixture(autouse=True)
    def _events(self, service: Emulator) -> None:
        body = {"object": "list", "data": EVENTS, "has_more": False}
        service.fault("GET", "/fine_tuning/jobs/*/events", "status", times=None, status=200, body=body)

    @pytest.mark.parametrize(
        ("given", "numbers"),
        [
            ({}, [6, 5, 4, 3, 2, 1]),
            ({"order": "newest"}, [6, 5, 4, 3, 2, 1]),
            ({"order": "oldest"}, [1, 2, 3, 4, 5, 6]),
            ({"order": "oldest", "limit": 2}, [1, 2]),
            ({"limit": 2}, [6, 5]),
            ({"level": "error"}, [6]),
            ({"level": "warn"}, [4, 3]),
            ({"level": "warning"}, [4, 3]),
            ({"level": "warning", "order": "oldest", "limit": 1}, [3]),
            ({"level": "info", "type": "message"}, [1]),
            ({"type": "metrics"}, [5, 2]),
            ({"type": "metrics", "limit": 1}, [5]),
            ({"type": "moderation_checks"}, []),
        ],
    )
    def test_match_the_filters_in_the_requested_order(
        self, api: Client, given: dict[str, Any], numbers: list[int]
    ) -> None:
        found = look_up(api, "getFineTuningEvents", fine_tuning_job_id="ftjob-1", **given)

        assert ids(found.events) == [f"ftevent-{number}" for number in numbers]
        assert found.fine_tuning_job_id == "ftjob-1"

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"level": "fatal"}, "level: 'fatal' is invalid: must be 'info', 'warn', 'warning' or 'error'"),
            ({"order": "random"}, "order: 'random' is invalid: must be 'newest' or 'oldest'"),
        ],
    )
    def test_refuse_other_levels_and_orders(self, given: dict[str, Any], problem: str) -> None:
        with pytest.raises(InputError) as refused:
            LOOKUPS["getFineTuningEvents"].check({"fine_tuning_job_id": "ftjob-1", **given})

        assert str(refused.value) == f"get_fine_tuning_events: {problem}"


class TestManyEvents:
    @pytest.fixture
    def job_id(self, api: Client, train: Callable[..., Job]) -> str:
        """Train a job of 240 steps."""
        job_id = train(epochs=20).id
        api.job(job_id)
        return job_id

    def test_of_several_pages_are_returned_once(self, api: Client, job_id: str, service: Emulator) -> None:
        found = look_up(api, "getFineTuningEvents", fine_tuning_job_id=job_id).events

        pages = service.journal(path="/v1/fine_tuning/jobs/*/events")
        assert len(pages) == 3
        assert len(found) == len(set(ids(found))) > 240
        assert "created" in found[-1].message.lower()

    def test_of_one_kind_are_read_only_as_needed(self, api: Client, job_id: str, service: Emulator) -> None:
        found = look_up(api, "getFineTuningEvents", fine_tuning_job_id=job_id, type="metrics", limit=3)

        steps = [(found.data or {})["step"] for found in found.events]
        assert steps == [240, 239, 238]
        assert len(service.journal(path="/v1/fine_tuning/jobs/*/events")) == 1


class TestPermissions:
    @pytest.fixture
    def model(self, api: Client, train: Callable[..., Job]) -> str:
        model = api.job(train().id).fine_tuned_model
        assert model
        return model

    def test_list_the_projects(self, api: Client, model: str) -> None:
        granted = api.grant_permissions(model, ["proj_b", "proj_c"])

        found = look_up(api, "getFineTuningCheckpointPermissions", checkpoint_id=model)

        assert found.checkpoint_id == model
        assert set(found.project_ids) == {"proj_b", "proj_c"}
        assert set(ids(found.permissions)) == set(ids(granted))

    def test_no_match_gives_an_empty_list(self, api: Client, model: str) -> None:
        found = look_up(api, "getFineTuningCheckpointPermissions", checkpoint_id=model)

        assert found.permissions == found.project_ids == []

    @pytest.mark.parametrize(("given", "count"), [({"project_id": "proj_c"}, 1), ({"limit": 2}, 2)])
    def test_match_the_filters(self, api: Client, model: str, given: dict[str, Any], count: int) -> None:
        api.grant_permissions(model, ["proj_b", "proj_c", "proj_d"])

        found = look_up(api, "getFineTuningCheckpointPermissions", checkpoint_id=model, **given)

        assert len(found.permissions) == count
        assert given.get("project_id", found.project_ids[0]) == found.project_ids[0]

    def test_of_a_checkpoint_that_is_given_by_its_id(self, api: Client, train: Callable[..., Job]) -> None:
        job = api.job(train().id)
        checkpoint = next(api.checkpoints(job.id))
        api.grant_permissions(checkpoint.fine_tuned_model_checkpoint, ["proj_b"])

        found = look_up(api, "getFineTuningCheckpointPermissions", checkpoint_id=checkpoint.id)

        assert found.project_ids == ["proj_b"]
        assert found.checkpoint_id == checkpoint.id

    def test_need_an_admin_key(self, connected: Callable[..., Client], service: Emulator) -> None:
        api = connected(admin_key=None)

        with pytest.raises(
            SettingsError, match=r"^checkpoint permissions need an admin key: .*openai-ft:adminKey"
        ):
            look_up(api, "getFineTuningCheckpointPermissions", checkpoint_id="ftckpt_1")

        assert service.journal() == []


class TestFiles:
    def test_a_file_has_every_field_of_the_api(self, api: Client, file_id: str, service: Emulator) -> None:
        found = look_up(api, "getFile", file_id=file_id)

        (file,) = service.files()
        assert found.model_dump() == {name: value for name, value in file.items() if name != "project"}

    def test_are_listed_newest_first_and_by_purpose(
        self, api: Client, upload: Callable[..., str], training_data: Path
    ) -> None:
        made = [upload(training_data, purpose) for purpose in ("fine-tune", "evals", "fine-tune")]

        assert ids(look_up(api, "getFiles").files) == made[::-1]
        assert ids(look_up(api, "getFiles", purpose="evals").files) == [made[1]]
        assert ids(look_up(api, "getFiles", purpose="fine-tune", limit=1).files) == [made[2]]
        assert look_up(api, "getFiles", purpose="batch").files == []


class TestModels:
    def test_a_model_has_its_shutdown_date(self, api: Client) -> None:
        found = look_up(api, "getModel", model_id=MINI)

        assert (found.id, found.owned_by, found.shutdown_date) == (MINI, "system", "2027-01-14")

    def test_can_be_filtered_by_owner(self, api: Client, train: Callable[..., Job]) -> None:
        model = api.job(train().id).fine_tuned_model
        models = look_up(api, "getModels").models
        owner = look_up(api, "getModel", model_id=model).owned_by

        assert ids(look_up(api, "getModels", owned_by=owner).models) == [model]
        assert len(look_up(api, "getModels", owned_by="system").models) == len(models) - 1
        assert look_up(api, "getModels", limit=2).models == models[:2]


class TestMetrics:
    def test_of_every_step_are_returned(self, api: Client, train: Callable[..., Job]) -> None:
        job_id = train(epochs=2).id

        found = look_up(api, "getFineTuningMetrics", fine_tuning_job_id=job_id)

        assert [row.step for row in found.metrics] == list(range(1, 25))
        assert found.metrics[0].train_loss > found.metrics[-1].train_loss
        assert (found.fine_tuning_job_id, found.source, found.missing) == (job_id, "result_files", [])

    def test_are_the_same_through_the_engine(self, api: Client, train: Callable[..., Job]) -> None:
        lookup = LOOKUPS["getFineTuningMetrics"]
        arguments = lookup.check({"fine_tuning_job_id": train().id})

        assert lookup.read(arguments, floats(lookup.answer(api, arguments))) == lookup.run(api, arguments)

    def test_of_a_service_without_them_have_a_reason(
        self, connected: Callable[..., Client], train: Callable[..., Job], service: Emulator
    ) -> None:
        job_id = train().id
        service.fault("GET", "/files/*/content", "status", status=404)

        found = look_up(
            connected(profile=PROFILES["generic"]), "getFineTuningMetrics", fine_tuning_job_id=job_id
        )

        assert (found.metrics, found.source) == ([], None)
        assert [reason.split(" ")[-1] for reason in found.missing][1:] == ["events"]
        assert found.missing[0].startswith("the service does not return the content of the result file file-")


class TestBestCheckpoint:
    @pytest.fixture
    def overfitted(self, train: Callable[..., Job], upload: Callable[..., str], tmp_path: Path) -> Job:
        """A job whose validation loss rises in its last epochs."""
        checks = upload(write_training_data(tmp_path / "checks.jsonl", answer="Ask the support."))
        return train(epochs=8, validation_file=checks)

    def test_is_the_one_with_the_lowest_validation_loss(self, api: Client, overfitted: Job) -> None:
        checkpoints = look_up(api, "getFineTuningCheckpoints", fine_tuning_job_id=overfitted.id).checkpoints

        best = look_up(api, "bestCheckpoint", fine_tuning_job_id=overfitted.id)

        assert best == min(checkpoints, key=lambda found: found.metrics["full_valid_loss"])
        assert best != checkpoints[0]

    def test_can_be_the_model_itself(self, api: Client, overfitted: Job) -> None:
        best = look_up(api, "bestCheckpoint", fine_tuning_job_id=overfitted.id, by="train_loss")

        assert best.fine_tuned_model_checkpoint == api.job(overfitted.id).fine_tuned_model

    def test_needs_a_known_metric(self) -> None:
        with pytest.raises(
            InputError, match=r"^best_checkpoint: by: 'loss' is invalid: must be 'train_loss', "
        ):
            LOOKUPS["bestCheckpoint"].check({"fine_tuning_job_id": "ftjob-1", "by": "loss"})

    def test_without_a_validation_file_lists_other_metrics(
        self, api: Client, train: Callable[..., Job]
    ) -> None:
        with pytest.raises(
            InputError, match="has the metric 'full_valid_loss': pass one of train_loss, train_acc"
        ):
            look_up(api, "bestCheckpoint", fine_tuning_job_id=train().id)

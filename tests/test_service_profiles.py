"""Services other than OpenAI: the profiles, and the providers with the emulator in the matching mode."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi.runtime
import pytest
from tests.fake_clock import FakeClock
from tests.fake_host import FakeHost
from tests.support import API_KEY, TODAY

from pulumi_openai_ft import get_fine_tuning_events
from pulumi_openai_ft._client.refusals import UNSUPPORTED_STATUSES
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft._shared.state_names import OWN_METADATA
from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.errors import (
    AuthenticationError,
    IncompleteResourceError,
    InputError,
    NotFoundError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Configure, SomeProvider

    from pulumi_openai_ft._provider.host_interface import Host

MODEL = "gpt-4o-mini-2024-07-18"
AZURE = {"service": "azure", "query": "api-version=v1"}
GENERIC = {"service": "generic"}
WITHOUT_METADATA = {
    **GENERIC,
    "unsupportedFeatures": ",".join([*PROFILES["generic"].unsupported, "metadata"]),
}
SETTINGS = {
    "azure": AZURE,
    "gateway": GENERIC,
    "gateway-with-models": GENERIC,
    "gateway-without-metadata": WITHOUT_METADATA,
}
"""The profile settings of a user, by mode of the emulator."""
WITH_METADATA = [mode for mode in SETTINGS if mode != "gateway-without-metadata"]
GATEWAYS = [mode for mode in SETTINGS if mode != "azure"]
NEBIUS_HYPERPARAMETERS = {
    "context_length": 8192.0,
    "learning_rate": 0.00001,
    "lora": True,
    "lora_alpha": 16.0,
    "lora_dropout": 0.05,
    "lora_r": 8.0,
    "max_grad_norm": 1.0,
    "packing": False,
    "warmup_ratio": 0.1,
    "weight_decay": 0.01,
}


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def job_requests(service: Emulator) -> list[dict[str, Any]]:
    """Return the bodies of all create requests of jobs."""
    entries = service.journal(method="POST", path="/v1/fine_tuning/jobs")
    return [entry.body for entry in entries if isinstance(entry.body, dict)]


@pytest.fixture
def mode() -> str:
    """The mode of the emulator; many test classes override it with all modes."""
    return "openai"


@pytest.fixture
def service(service: Emulator, mode: str) -> Iterator[Emulator]:
    with emulator_mode(mode, service):
        yield service


@contextmanager
def emulator_mode(mode: str, service: Emulator) -> Iterator[None]:
    """Let an emulator behave like another service, without the time that it takes to process files."""
    service.settings.mode, service.settings.file_processing_seconds = mode, 0
    try:
        yield
    finally:
        service.settings.mode, service.settings.file_processing_seconds = "openai", None


@pytest.fixture
def configure_service(configure: Configure, mode: str) -> Configure:
    """Return a function that makes a provider configured for the service."""

    def make(kind: type[SomeProvider], host: Host | None = None, /, **changes: str | None) -> SomeProvider:
        return configure(kind, host, **{"maxRetries": "0", **SETTINGS.get(mode, {}), **changes})

    return make


@pytest.fixture
def provider(configure_service: Configure) -> FineTuningJobProvider:
    return configure_service(FineTuningJobProvider)


@pytest.fixture
def inputs(configure_service: Configure, training_data: Path) -> dict[str, Any]:
    """The inputs of a valid job."""
    file = configure_service(FileProvider).create({"file": str(training_data)})
    return {
        "__identity": "organization::dev::shop::FineTuningJob::support",
        "model": MODEL,
        "training_file": file.id,
        "__training_file_sha256": (file.outs or {})["sha256"],
        "suffix": "support",
    }


def reasons(provider: Any, **inputs: Any) -> list[str]:
    return [failure.reason for failure in provider.check({}, inputs).failures]


class TestProfiles:
    @pytest.mark.parametrize("name", PROFILES)
    def test_unsupported_features_have_a_description(self, name: str) -> None:
        assert PROFILES[name].name == name
        assert PROFILES[name].unsupported <= FEATURES.keys()

    def test_openai_supports_everything(self) -> None:
        assert all(PROFILES["openai"].supports(feature) for feature in FEATURES)

    @pytest.mark.parametrize("feature", FEATURES)
    def test_unsupported_features_are_reported_with_a_fix(self, feature: str) -> None:
        sentence = PROFILES["generic"].unsupported_message(feature)

        assert sentence.startswith(f"the service 'generic' does not support {FEATURES[feature]}: ")
        assert "openai-ft:unsupportedFeatures" in sentence


class TestEveryService:
    @pytest.fixture(params=SETTINGS)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_file_and_job_have_a_full_lifecycle(
        self,
        configure_service: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        assert reasons(provider, **inputs) == []

        created = provider.create(inputs)
        outs = created.outs or {}
        provider.delete(created.id, outs)
        configure_service(FileProvider).delete(inputs["training_file"], {"created_at": 0})

        (job,) = service.jobs()
        assert (created.id, outs["status"]) == (job["id"], "succeeded")
        assert outs["fine_tuned_model"] == job["fine_tuned_model"]
        assert inputs["training_file"] not in {file["id"] for file in service.files()}

    def test_a_read_changes_nothing(
        self, configure_service: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        new_inputs = {**inputs, "model": "gpt-4o-mini", "method": supervised(n_epochs=2.0, batch_size=2.0)}
        created = provider.create(new_inputs)
        read = provider.read(created.id, created.outs or {}).outs or {}
        files = configure_service(FileProvider)
        file = files.read(inputs["training_file"], {}).outs or {}

        for outs in (created.outs or {}, read):
            diff = provider.diff(created.id, outs, new_inputs)
            assert (diff.changes, diff.replaces) == (False, [])
        assert files.diff(inputs["training_file"], file, {}).changes is False

    def test_delete_model_on_destroy_is_accepted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        """A destroy succeeds even if the service does not delete models."""
        created = provider.create({**inputs, "delete_model_on_destroy": True})

        provider.delete(created.id, created.outs or {})


class TestServicesThatKeepMetadata:
    @pytest.fixture(params=WITH_METADATA)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_a_finished_job_is_adopted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        first = provider.create(inputs)

        assert provider.create(inputs).id == first.id
        assert len(service.jobs()) == 1

    def test_a_create_without_a_response_is_found(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_after")

        created = provider.create(inputs)

        assert [job["id"] for job in service.jobs()] == [created.id]

    def test_a_lost_create_is_reported_and_repeated_next_time(
        self, configure_service: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure_service(FineTuningJobProvider, FakeHost(time=FakeClock().time))
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_before")

        with pytest.raises(ServiceConnectionError, match="no matching job appeared"):
            provider.create(inputs)

        assert service.jobs() == []
        provider.create(inputs)
        assert len(service.jobs()) == 1

    def test_the_keys_are_stored_in_metadata_but_hidden(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "metadata": {"team": "shop"}})

        assert (created.outs or {})["metadata"] == {"team": "shop"}
        assert set(service.jobs()[0]["metadata"]) == {"team", *OWN_METADATA}


class TestWithoutMetadata:
    @pytest.fixture
    def mode(self) -> str:
        return "gateway-without-metadata"

    def test_no_metadata_is_sent(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create(inputs)

        assert "metadata" not in job_requests(service)[0]

    @pytest.mark.parametrize(
        ("action", "created_jobs"), [("drop_after", 1), ("drop_before", 0), ("truncate", 1)]
    )
    def test_a_create_without_a_response_is_never_repeated(
        self,
        configure_service: Configure,
        inputs: dict[str, Any],
        service: Emulator,
        action: str,
        created_jobs: int,
    ) -> None:
        host = FakeHost(time=FakeClock().time)
        provider = configure_service(FineTuningJobProvider, host, maxRetries="4")
        service.fault("POST", "/v1/fine_tuning/jobs", action)

        with pytest.raises(
            ServiceConnectionError, match=r"does not store the metadata that identifies jobs.*`pulumi import"
        ):
            provider.create(inputs)

        assert len(service.jobs()) == created_jobs
        assert len(service.journal(method="POST", path="/v1/fine_tuning/jobs")) == 1

    def test_a_method_changed_by_the_service_is_only_reported(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        new_inputs = {**inputs, "method": supervised(batch_size=2.0)}

        created = provider.create(new_inputs)

        assert service.jobs()[0]["method"]["supervised"]["hyperparameters"]["batch_size"] == 8
        assert f"job {created.id}: the service changed the requested method" in capfd.readouterr().err
        assert provider.diff(created.id, created.outs or {}, new_inputs).changes is False

    @pytest.mark.parametrize("batch_size", ["auto", 8.0])
    def test_a_method_returned_unchanged_is_not_reported(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        capfd: pytest.CaptureFixture[str],
        batch_size: Any,
    ) -> None:
        provider.create({**inputs, "method": supervised(batch_size=batch_size)})

        assert "changed the requested method" not in capfd.readouterr().err


class TestAzure:
    @pytest.fixture
    def mode(self) -> str:
        return "azure"

    def test_requests_carry_the_version_but_no_bearer_token(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create(inputs)

        assert {entry.status for entry in service.journal()} == {200, 201}
        assert all("api-version=v1" in (entry.query or "") for entry in service.journal())

    def test_a_deleted_job_is_named_as_a_possible_cause(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        created = provider.create(inputs)
        provider.api._project.request("DELETE", f"/fine_tuning/jobs/{created.id}")

        with pytest.raises(
            NotFoundError, match="was deleted at the service, or this stack uses another project"
        ):
            provider.read(created.id, created.outs or {})

    def test_values_chosen_by_the_service_are_in_the_method(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        wanted = {**inputs, "method": supervised(n_epochs=2.0)}
        created = provider.create(wanted)

        shown = (created.outs or {})["method"]["supervised"]["hyperparameters"]

        assert (shown["n_epochs"], shown["batch_size"] > 0) == (2, True)
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False

    def test_an_unfinished_job_stops_no_other_resource(
        self, configure_service: Configure, slow_service: Emulator, training_data: Path
    ) -> None:
        with emulator_mode("azure", slow_service):
            files = configure_service(FileProvider, baseUrl=slow_service.url)
            file, unused = (
                files.create({"file": str(training_data), "filename": name})
                for name in ("a.jsonl", "b.jsonl")
            )
            wanted = {"model": MODEL, "training_file": file.id, "wait_for_completion": False}
            for seed in (1, 2):
                jobs = configure_service(FineTuningJobProvider, baseUrl=slow_service.url)
                jobs.create({**wanted, "seed": seed})
            files.delete(unused.id, unused.outs or {})
            with pytest.raises(InputError, match="is pending and needs it"):
                files.delete(file.id, file.outs or {})

            assert [job["status"] for job in slow_service.jobs()] == ["pending"] * 2
            assert [found["id"] for found in slow_service.files()] == [file.id]

    def test_without_the_profile_the_key_is_rejected(self, configure_service: Configure) -> None:
        provider = configure_service(FineTuningJobProvider, service=None)

        with pytest.raises(AuthenticationError, match="header api-key"):
            next(provider.api.jobs())

    def test_a_missing_api_version_is_reported(self, configure_service: Configure) -> None:
        provider = configure_service(FineTuningJobProvider, query=None)

        with pytest.raises(ServiceError, match="api-version is required"):
            next(provider.api.jobs())

    def test_a_model_is_shared_by_its_service_name(
        self,
        configure_service: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        model = (provider.create(inputs).outs or {})["fine_tuned_model"]
        new_inputs = {"checkpoint_id": model, "project_ids": ["proj_b"]}
        permissions = configure_service(FineTuningCheckpointPermissionProvider)
        assert reasons(permissions, **new_inputs) == []

        created = permissions.create(new_inputs)
        read = permissions.read(created.id, created.outs or {})

        assert re.fullmatch(rf"{MODEL}\.ft-[0-9a-f]{{32}}-support", model)
        assert (created.id, read.outs) == (model, created.outs)
        assert permissions.diff(created.id, read.outs or {}, new_inputs).changes is False
        permissions.delete(created.id, read.outs or {})
        assert service.permissions() == []

    def test_a_checkpoint_is_shared_by_its_service_id(
        self,
        configure_service: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
    ) -> None:
        created = provider.create(inputs)
        checkpoint = next(provider.api.checkpoints(created.id))
        permissions = configure_service(FineTuningCheckpointPermissionProvider)

        granted = permissions.create({"checkpoint_id": checkpoint.id, "project_ids": ["proj_b"]})

        assert checkpoint.id.startswith("ftchkpt-")
        assert granted.id == checkpoint.fine_tuned_model_checkpoint

    def test_a_field_of_the_service_reaches_it_verbatim(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        new_inputs = {**inputs, "extra_body": {"trainingType": "globalStandard"}}
        created = provider.create(new_inputs)

        assert job_requests(service)[0]["trainingType"] == "globalStandard"
        assert provider.diff(created.id, created.outs or {}, new_inputs).changes is False
        assert provider.diff(created.id, created.outs or {}, inputs).replaces == []


class ManualTime:
    """The base class of tests with a service whose time moves only when the test advances it."""

    @pytest.fixture
    def service(self, slow_service: Emulator, mode: str) -> Iterator[Emulator]:
        with emulator_mode(mode, slow_service):
            yield slow_service


class TestEveryServiceWithManualTime(ManualTime):
    @pytest.fixture(params=SETTINGS)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_destroying_cancels_a_job_that_is_not_finished(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "wait_for_completion": False})

        provider.delete(created.id, created.outs or {})

        assert [job["status"] for job in service.jobs()] == ["cancelled"]


class TestServicesThatKeepMetadataWithManualTime(ManualTime):
    @pytest.fixture(params=WITH_METADATA)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_an_unfinished_job_is_adopted_among_others(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        without_waiting = {**inputs, "wait_for_completion": False}
        first = provider.create(without_waiting)
        provider.create({**without_waiting, "suffix": "other"})

        assert provider.create(without_waiting).id == first.id
        assert len(service.jobs()) == 2

    def test_an_externally_cancelled_job_is_recreated(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        """This also applies to services without events, which would contain the time of the cancellation."""
        without_waiting = {**inputs, "wait_for_completion": False}
        first = provider.create(without_waiting)
        provider.api.cancel_job(first.id)

        assert provider.create(without_waiting).id != first.id


class TestGatewaysWithManualTime(ManualTime):
    @pytest.fixture(params=GATEWAYS)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_an_unexpectedly_missing_feature_fails_without_cancelling_the_job(
        self, configure_service: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure_service(
            FineTuningJobProvider,
            unsupportedFeatures=str(SETTINGS[service.settings.mode].get("unsupportedFeatures", "")),
        )
        without_waiting = {**inputs, "wait_for_completion": False}
        created = provider.create(without_waiting)
        service.advance(60)

        with pytest.raises(IncompleteResourceError, match="is still running at the service") as caught:
            provider.update(created.id, created.outs or {}, {**without_waiting, "paused": True})

        assert isinstance(caught.value.__cause__, ServiceError)
        assert caught.value.__cause__.status in UNSUPPORTED_STATUSES
        assert [job["status"] for job in service.jobs()] == ["running"]


class TestAzureWithManualTime(ManualTime):
    @pytest.fixture
    def mode(self) -> str:
        return "azure"

    def test_waiting_continues_through_unknown_statuses(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        without_waiting = {**inputs, "wait_for_completion": False}
        created = provider.create(without_waiting)
        outs, statuses = created.outs or {}, []
        for seconds in (0, 25, 25):
            service.advance(seconds)
            outs = provider.read(created.id, outs).outs or {}
            statuses.append(outs["status"])
            assert provider.diff(created.id, outs, without_waiting).changes is False
            assert provider.diff(created.id, outs, inputs).changes is True
        service.advance(600)

        updated = provider.update(created.id, outs, inputs)

        assert statuses == ["pending", "notRunning", "running"]
        assert (updated.outs or {})["status"] == "succeeded"

    def test_a_file_of_a_pending_job_is_not_deleted(
        self, configure_service: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        provider.create({**inputs, "wait_for_completion": False})

        with pytest.raises(InputError, match="is pending and needs it"):
            configure_service(FileProvider).delete(inputs["training_file"], {"created_at": 0})

    def test_a_running_job_is_paused_and_resumed_in_place(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        without_waiting = {**inputs, "wait_for_completion": False}
        created = provider.create(without_waiting)
        service.advance(60)
        paused = {**without_waiting, "paused": True}
        assert reasons(provider, **paused) == []
        outs = provider.update(created.id, created.outs or {}, paused).outs or {}
        service.advance(30)
        assert (provider.read(created.id, outs).outs or {})["status"] == "paused"

        provider.update(created.id, outs, without_waiting)

        assert service.jobs()[0]["status"] == "notRunning"


def test_waiting_ends_with_the_statuses_of_azure(configure: Configure, training_data: Path) -> None:
    with Emulator(today=TODAY, polls_until_done=6, mode="azure") as service:
        file = configure(FileProvider, baseUrl=service.url, **AZURE).create({"file": str(training_data)})
        provider = configure(FineTuningJobProvider, baseUrl=service.url, **AZURE)

        created = provider.create({"model": MODEL, "training_file": file.id})

    assert (created.outs or {})["status"] == "succeeded"


class TestGateways:
    @pytest.fixture(params=GATEWAYS)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_permissions_are_rejected_at_preview(self, configure_service: Configure) -> None:
        provider = configure_service(FineTuningCheckpointPermissionProvider)

        (reason,) = reasons(provider, checkpoint_id="model", project_ids=["proj_b"])

        assert reason.startswith("this resource: the service 'generic' does not support checkpoint perm")

    def test_pausing_is_rejected_at_preview(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        (reason,) = reasons(provider, **inputs, paused=True)

        assert reason.startswith("paused: the service 'generic' does not support pausing and resuming jobs: ")

    @pytest.mark.usefixtures("service")
    def test_events_are_rejected_without_a_request(
        self, monkeypatch: pytest.MonkeyPatch, service: Emulator
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", service.url)
        pulumi.runtime.set_all_config({"openai-ft:service": "generic"})
        try:
            with pytest.raises(InputError, match="the service 'generic' does not support job events"):
                get_fine_tuning_events("ftjob-1")
        finally:
            pulumi.runtime.set_all_config({})
        assert service.journal() == []

    def test_hyperparameters_of_the_service_are_sent_and_stored(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        new_inputs = {**inputs, "method": supervised(n_epochs=2.0, warmup={"steps": 10.0})}
        assert reasons(provider, **new_inputs) == []

        created = provider.create(new_inputs)

        sent = job_requests(service)[0]["method"]["supervised"]["hyperparameters"]
        assert sent == {"n_epochs": 2, "warmup": {"steps": 10}}
        assert provider.diff(created.id, created.outs or {}, new_inputs).changes is False
        other = {**inputs, "method": supervised(n_epochs=2.0, warmup={"steps": 20.0})}
        assert provider.diff(created.id, created.outs or {}, other).replaces == ["method"]

    def test_an_extra_body_is_merged_verbatim(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        extra = {
            "custom_llm_provider": "somebody",
            "limits": {"hours": [1, 2.5], "spot": False},
            "suffix": "mine",
        }

        provider.create({**inputs, "extra_body": extra})

        (sent,) = job_requests(service)
        assert {name: sent[name] for name in extra} == extra
        assert sent["model"] == MODEL


def test_unsupported_metadata_is_rejected_at_preview(configure: Configure, inputs: dict[str, Any]) -> None:
    provider = configure(FineTuningJobProvider, unsupportedFeatures="metadata")

    (reason,) = reasons(provider, **inputs, metadata={"team": "shop"})

    assert reason.startswith("metadata: the service 'openai' does not support job metadata: remove it")


def test_unsupported_auto_is_rejected_at_preview(configure: Configure, inputs: dict[str, Any]) -> None:
    provider = configure(FineTuningJobProvider, unsupportedFeatures="auto")

    (reason,) = reasons(provider, **inputs, method=supervised(n_epochs=3.0, batch_size="auto"))

    assert reason.startswith("method.supervised.hyperparameters.batch_size: the service 'openai' does not su")
    assert reasons(provider, **inputs, method=supervised(n_epochs=3.0, batch_size=1.0)) == []


@pytest.mark.parametrize("name", ["model", "training_file", "validation_file", "method", "metadata"])
def test_an_extra_body_cannot_replace_priced_inputs(
    configure: Configure, inputs: dict[str, Any], name: str
) -> None:
    (reason,) = reasons(configure(FineTuningJobProvider), **inputs, extra_body={name: None, "suffix": "mine"})

    assert reason == f"extra_body.{name}: would overwrite the job's {name}: set the input {name} instead"


def test_an_extra_body_with_metadata_creates_no_duplicate(
    configure: Configure, inputs: dict[str, Any], service: Emulator
) -> None:
    """Without the idempotency key in its metadata, the job could not be found after a lost response."""
    provider = configure(FineTuningJobProvider)
    new_inputs = {**inputs, "extra_body": {"metadata": {"team": "shop"}}}
    is_rejected = bool(reasons(provider, **new_inputs))

    if not is_rejected:
        provider.create(new_inputs)
        provider.create(new_inputs)

    assert is_rejected or len(service.jobs()) == 1


class TestNebius:
    @pytest.fixture
    def mode(self) -> str:
        return "gateway"

    def test_its_profile_accepts_its_hyperparameters(
        self, configure_service: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius")
        new_inputs = {**inputs, "method": supervised(n_epochs=3.0, **NEBIUS_HYPERPARAMETERS)}
        assert reasons(provider, **new_inputs) == []

        created = provider.create(new_inputs)

        sent = job_requests(service)[0]["method"]["supervised"]["hyperparameters"]
        assert sent == {"n_epochs": 3, **NEBIUS_HYPERPARAMETERS}
        assert provider.diff(created.id, created.outs or {}, new_inputs).changes is False

    @pytest.mark.parametrize("name", NEBIUS_HYPERPARAMETERS)
    def test_other_profiles_reject_its_hyperparameters(
        self, configure_service: Configure, inputs: dict[str, Any], name: str
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="openai")

        (reason,) = reasons(provider, **inputs, method=supervised(**{name: NEBIUS_HYPERPARAMETERS[name]}))

        assert reason.startswith(f"method.supervised.hyperparameters.{name}: is not a known property")

    def test_its_profile_rejects_unknown_hyperparameters(
        self, configure_service: Configure, inputs: dict[str, Any]
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius")

        (reason,) = reasons(provider, **inputs, method=supervised(lora_q=1.0))

        assert (
            reason
            == "method.supervised.hyperparameters.lora_q: is not a known property. Did you mean 'lora_r'?"
        )

    def test_the_settings_can_allow_single_hyperparameters(
        self, configure_service: Configure, inputs: dict[str, Any]
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius", hyperparameters="lora_q, lora")

        assert reasons(provider, **inputs, method=supervised(lora_q=1.0, lora=True)) == []


LAMBDA = {
    "type": "reinforcement",
    "reinforcement": {
        "grader": {
            "type": "lambda",
            "lambda": {"function": "arn:aws:lambda:us-west-2:123456789012:function:my-reward-function"},
        },
        "hyperparameters": {"n_epochs": 1, "batch_size": 4, "learning_rate_multiplier": 1.0},
    },
}
"""The method of the job in AWS's guide. The job has no validation file."""


class TestBedrock:
    @pytest.fixture
    def mode(self) -> str:
        return "bedrock"

    def test_its_published_job_is_created(
        self, configure_service: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="bedrock")
        wanted = {**inputs, "method": LAMBDA, "suffix": None, "wait_for_completion": False}
        assert reasons(provider, **wanted) == []

        created = provider.create(wanted)

        assert job_requests(service)[0]["method"] == LAMBDA
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False
        assert (provider.import_(created.id).inputs or {})["method"] == LAMBDA

    def test_its_suffix_is_refused_at_preview(
        self, configure_service: Configure, inputs: dict[str, Any]
    ) -> None:
        (reason,) = reasons(configure_service(FineTuningJobProvider, service="bedrock"), **inputs)

        assert reason.startswith(
            "suffix: the service 'bedrock' does not support a suffix of the model's name"
        )

    @pytest.mark.parametrize("name", ["openai", "azure", "nebius"])
    def test_its_grader_is_refused_elsewhere(
        self, configure_service: Configure, inputs: dict[str, Any], name: str
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service=name)

        (reason,) = reasons(provider, **inputs, method=LAMBDA)

        assert reason.startswith("method.reinforcement.grader.type: the service")


class TestNebiusService:
    @pytest.fixture
    def mode(self) -> str:
        return "nebius"

    @pytest.fixture
    def declared(self, inputs: dict[str, Any]) -> dict[str, Any]:
        method = supervised(n_epochs=3.0, **NEBIUS_HYPERPARAMETERS)
        return {**inputs, "method": method, "wait_for_completion": False}

    def test_a_job_converges(self, configure_service: Configure, declared: dict[str, Any]) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius")

        created = provider.create(declared)

        assert provider.diff(created.id, created.outs or {}, declared).changes is False
        read = provider.read(created.id, created.outs or {})
        assert provider.diff(created.id, read.outs or {}, declared).changes is False

    def test_an_import_reads_its_suffix(self, configure_service: Configure, declared: dict[str, Any]) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius")
        created = provider.create(declared)

        imported = provider.import_(created.id).inputs or {}

        assert imported["suffix"] == "support"
        assert imported["method"]["supervised"]["hyperparameters"]["lora_r"] == 8

    def test_a_validation_error_names_the_property(
        self, configure_service: Configure, declared: dict[str, Any]
    ) -> None:
        provider = configure_service(FineTuningJobProvider, service="nebius")

        with pytest.raises(ServiceError, match=r"^suffix: .*status 422\); fix the problem") as caught:
            provider.create({**declared, "extra_body": {"suffix": "x" * 99}})

        assert caught.value.param == "suffix"

    def test_a_job_of_a_lost_response_is_adopted(
        self, configure_service: Configure, declared: dict[str, Any], training_data: Path, service: Emulator
    ) -> None:
        file = configure_service(FileProvider).create({"file": str(training_data), "__identity": "data"})
        host = FakeHost(time=FakeClock().time)
        provider = configure_service(FineTuningJobProvider, host, service="nebius")
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_after")

        created = provider.create({**declared, "training_file": file.id})

        assert [job["id"] for job in service.jobs()] == [created.id]
        assert len(job_requests(service)) == 1


OWN_METHOD = {"type": "grpo", "grpo": {"reward": "length", "steps": 7}}


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "openai"])
def test_other_services_take_any_method_in_an_extra_body(
    configure: Configure, inputs: dict[str, Any], service: Emulator, name: str
) -> None:
    provider = configure(FineTuningJobProvider, service=name, apiKeyHeader="authorization")
    wanted = {**inputs, "suffix": None, "extra_body": {"method": OWN_METHOD}, "wait_for_completion": False}
    assert reasons(provider, **wanted) == []

    with emulator_mode("bedrock", service):
        created = provider.create(wanted)

    assert job_requests(service)[0]["method"] == OWN_METHOD
    assert provider.diff(created.id, created.outs or {}, wanted).changes is False
    other = {**wanted, "extra_body": {"method": {**OWN_METHOD, "grpo": {"reward": "x", "steps": 7}}}}
    assert provider.diff(created.id, created.outs or {}, other).replaces == ["extra_body"]


def test_an_extra_body_cannot_replace_the_method_input(configure: Configure, inputs: dict[str, Any]) -> None:
    provider = configure(FineTuningJobProvider, service="generic")

    (reason,) = reasons(
        provider, **inputs, method=supervised(n_epochs=1.0), extra_body={"method": OWN_METHOD}
    )

    assert reason == "extra_body.method: would overwrite the job's method: set the input method instead"


def test_the_epochs_of_an_extra_body_are_estimated(configure: Configure, inputs: dict[str, Any]) -> None:
    of_input, of_body = (
        configure(FineTuningJobProvider, service="generic").check({}, {**inputs, **more}).inputs
        for more in (
            {"method": supervised(n_epochs=7.0)},
            {"extra_body": {"method": supervised(n_epochs=7.0)}},
        )
    )

    assert of_body.get("estimated_training_tokens") == of_input.get("estimated_training_tokens")


def test_an_admin_key_uses_the_services_header_too(configure: Configure, service: Emulator) -> None:
    provider = configure(FineTuningCheckpointPermissionProvider, **AZURE)

    with emulator_mode("azure", service), pytest.raises(NotFoundError, match="No such checkpoint"):
        list(provider.api.permissions("model"))

    (entry,) = service.journal()
    assert entry.key == "sk-admin-…cdef"

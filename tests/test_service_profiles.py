"""Services other than OpenAI: the profiles, and the providers against the emulator's modes with the fitting one."""

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
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.manager import UNSUPPORTED_STATUSES
from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
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
"""For each mode of the emulator, how a user of such a service sets the profile."""
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
    """The bodies of all attempts to buy a job."""
    entries = service.journal(method="POST", path="/v1/fine_tuning/jobs")
    return [entry.body for entry in entries if isinstance(entry.body, dict)]


@pytest.fixture
def mode() -> str:
    """The service that a test is about; most are about each in turn."""
    return "openai"


@pytest.fixture
def service(service: Emulator, mode: str) -> Iterator[Emulator]:
    with behaving_like(mode, service):
        yield service


@contextmanager
def behaving_like(mode: str, service: Emulator) -> Iterator[None]:
    service.settings.mode = mode
    try:
        yield
    finally:
        service.settings.mode = "openai"


@pytest.fixture
def configured(configure: Configure, mode: str) -> Configure:
    """Makes a provider that is configured for the service."""

    def make(kind: type[SomeProvider], host: Host | None = None, /, **changes: str | None) -> SomeProvider:
        return configure(kind, host, **{"maxRetries": "0", **SETTINGS.get(mode, {}), **changes})

    return make


@pytest.fixture
def provider(configured: Configure) -> FineTuningJobProvider:
    return configured(FineTuningJobProvider)


@pytest.fixture
def inputs(configured: Configure, training_data: Path) -> dict[str, Any]:
    """Inputs of a job that trains well."""
    file = configured(FileProvider).create({"file": str(training_data)})
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
        configured: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        assert reasons(provider, **inputs) == []

        created = provider.create(inputs)
        outs = created.outs or {}
        provider.delete(created.id, outs)
        configured(FileProvider).delete(inputs["training_file"], {"created_at": 0})

        (job,) = service.jobs()
        assert (created.id, outs["status"]) == (job["id"], "succeeded")
        assert outs["fine_tuned_model"] == job["fine_tuned_model"]
        assert inputs["training_file"] not in {file["id"] for file in service.files()}

    def test_a_read_changes_nothing(
        self, configured: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        wanted = {**inputs, "model": "gpt-4o-mini", "method": supervised(n_epochs=2.0, batch_size=2.0)}
        created = provider.create(wanted)
        read = provider.read(created.id, created.outs or {}).outs or {}
        files = configured(FileProvider)
        file = files.read(inputs["training_file"], {}).outs or {}

        for outs in (created.outs or {}, read):
            diff = provider.diff(created.id, outs, wanted)
            assert (diff.changes, diff.replaces) == (False, [])
        assert files.diff(inputs["training_file"], file, {}).changes is False

    def test_delete_model_on_destroy_is_accepted(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        """Where the service deletes no models, destroying must end all the same."""
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

    def test_an_unanswered_create_is_found(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_after")

        created = provider.create(inputs)

        assert [job["id"] for job in service.jobs()] == [created.id]

    def test_a_lost_create_is_reported_and_repeated_next_time(
        self, configured: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configured(FineTuningJobProvider, FakeHost(time=FakeClock().time))
        service.fault("POST", "/v1/fine_tuning/jobs", "drop_before")

        with pytest.raises(ServiceConnectionError, match="no matching job appeared"):
            provider.create(inputs)

        assert service.jobs() == []
        provider.create(inputs)
        assert len(service.jobs()) == 1

    def test_our_token_is_in_the_metadata_and_not_shown(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        created = provider.create({**inputs, "metadata": {"team": "shop"}})

        assert (created.outs or {})["metadata"] == {"team": "shop"}
        assert set(service.jobs()[0]["metadata"]) == {"team", "pulumi_openai_ft_token"}


class TestWithoutMetadata:
    @pytest.fixture
    def mode(self) -> str:
        return "gateway-without-metadata"

    def test_no_metadata_is_sent(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider.create(inputs)

        assert "metadata" not in job_requests(service)[0]

    @pytest.mark.parametrize(("action", "bought"), [("drop_after", 1), ("drop_before", 0), ("truncate", 1)])
    def test_an_unanswered_create_is_never_repeated_blindly(
        self,
        configured: Configure,
        inputs: dict[str, Any],
        service: Emulator,
        action: str,
        bought: int,
    ) -> None:
        host = FakeHost(time=FakeClock().time)
        provider = configured(FineTuningJobProvider, host, maxRetries="4")
        service.fault("POST", "/v1/fine_tuning/jobs", action)

        with pytest.raises(
            ServiceConnectionError, match=r"does not store the metadata that identifies jobs.*`pulumi import"
        ):
            provider.create(inputs)

        assert len(service.jobs()) == bought
        assert len(service.journal(method="POST", path="/v1/fine_tuning/jobs")) == 1

    def test_a_method_changed_by_the_service_is_only_reported(
        self,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        wanted = {**inputs, "method": supervised(batch_size=2.0)}

        created = provider.create(wanted)

        assert service.jobs()[0]["method"]["supervised"]["hyperparameters"]["batch_size"] == 8
        assert f"job {created.id}: the service changed the requested method" in capfd.readouterr().err
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False

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

        assert {entry.status for entry in service.journal()} == {200}
        assert all("api-version=v1" in (entry.query or "") for entry in service.journal())

    def test_without_the_profile_the_key_is_not_seen(self, configured: Configure) -> None:
        provider = configured(FineTuningJobProvider, service=None)

        with pytest.raises(AuthenticationError, match="header api-key"):
            next(provider.api.jobs())

    def test_a_missing_version_is_named(self, configured: Configure) -> None:
        provider = configured(FineTuningJobProvider, query=None)

        with pytest.raises(ServiceError, match="api-version is required"):
            next(provider.api.jobs())

    def test_a_model_is_shared_by_its_service_name(
        self,
        configured: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
        service: Emulator,
    ) -> None:
        model = (provider.create(inputs).outs or {})["fine_tuned_model"]
        wanted = {"checkpoint_id": model, "project_ids": ["proj_b"]}
        permissions = configured(FineTuningCheckpointPermissionProvider)
        assert reasons(permissions, **wanted) == []

        created = permissions.create(wanted)
        read = permissions.read(created.id, created.outs or {})

        assert re.fullmatch(rf"{MODEL}\.ft-[0-9a-f]{{32}}-support", model)
        assert (created.id, read.outs) == (model, created.outs)
        assert permissions.diff(created.id, read.outs or {}, wanted).changes is False
        permissions.delete(created.id, read.outs or {})
        assert service.permissions() == []

    def test_a_checkpoint_is_shared_by_its_service_id(
        self,
        configured: Configure,
        provider: FineTuningJobProvider,
        inputs: dict[str, Any],
    ) -> None:
        created = provider.create(inputs)
        checkpoint = next(provider.api.checkpoints(created.id))
        permissions = configured(FineTuningCheckpointPermissionProvider)

        granted = permissions.create({"checkpoint_id": checkpoint.id, "project_ids": ["proj_b"]})

        assert checkpoint.id.startswith("ftchkpt-")
        assert granted.id == checkpoint.fine_tuned_model_checkpoint

    def test_a_field_of_the_service_reaches_it_verbatim(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        wanted = {**inputs, "extra_body": {"trainingType": "globalStandard"}}
        created = provider.create(wanted)

        assert job_requests(service)[0]["trainingType"] == "globalStandard"
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False
        assert provider.diff(created.id, created.outs or {}, inputs).replaces == []


class OverTime:
    """Base of tests against a service whose time stands still until the test moves it."""

    @pytest.fixture
    def service(self, slow_service: Emulator, mode: str) -> Iterator[Emulator]:
        with behaving_like(mode, slow_service):
            yield slow_service


class TestEveryServiceOverTime(OverTime):
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


class TestServicesThatKeepMetadataOverTime(OverTime):
    @pytest.fixture(params=WITH_METADATA)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_an_unfinished_job_is_adopted_among_others(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        unwaited = {**inputs, "wait_for_completion": False}
        first = provider.create(unwaited)
        provider.create({**unwaited, "suffix": "other"})

        assert provider.create(unwaited).id == first.id
        assert len(service.jobs()) == 2

    def test_an_externally_cancelled_job_is_recreated(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        """Also where there are no events that could tell when it was cancelled."""
        unwaited = {**inputs, "wait_for_completion": False}
        first = provider.create(unwaited)
        provider.api.cancel_job(first.id)

        assert provider.create(unwaited).id != first.id


class TestGatewaysOverTime(OverTime):
    @pytest.fixture(params=GATEWAYS)
    def mode(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    def test_an_unexpectedly_missing_feature_fails_without_cancelling_the_job(
        self, configured: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configured(
            FineTuningJobProvider,
            unsupportedFeatures=str(SETTINGS[service.settings.mode].get("unsupportedFeatures", "")),
        )
        unwaited = {**inputs, "wait_for_completion": False}
        created = provider.create(unwaited)
        service.advance(60)

        with pytest.raises(IncompleteResourceError, match="is still running at the service") as caught:
            provider.update(created.id, created.outs or {}, {**unwaited, "paused": True})

        assert isinstance(caught.value.__cause__, ServiceError)
        assert caught.value.__cause__.status in UNSUPPORTED_STATUSES
        assert [job["status"] for job in service.jobs()] == ["running"]


class TestAzureOverTime(OverTime):
    @pytest.fixture
    def mode(self) -> str:
        return "azure"

    def test_unknown_statuses_are_waited_through(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        unwaited = {**inputs, "wait_for_completion": False}
        created = provider.create(unwaited)
        outs, seen = created.outs or {}, []
        for seconds in (0, 25, 25):
            service.advance(seconds)
            outs = provider.read(created.id, outs).outs or {}
            seen.append(outs["status"])
            assert provider.diff(created.id, outs, unwaited).changes is False
            assert provider.diff(created.id, outs, inputs).changes is True
        service.advance(600)

        updated = provider.update(created.id, outs, inputs)

        assert seen == ["pending", "notRunning", "running"]
        assert (updated.outs or {})["status"] == "succeeded"

    def test_a_file_of_a_pending_job_is_not_deleted(
        self, configured: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        provider.create({**inputs, "wait_for_completion": False})

        with pytest.raises(InputError, match="is pending and needs it"):
            configured(FileProvider).delete(inputs["training_file"], {"created_at": 0})

    def test_a_running_job_is_paused_and_resumed_in_place(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        unwaited = {**inputs, "wait_for_completion": False}
        created = provider.create(unwaited)
        service.advance(60)
        paused = {**unwaited, "paused": True}
        assert reasons(provider, **paused) == []
        outs = provider.update(created.id, created.outs or {}, paused).outs or {}
        service.advance(30)
        assert (provider.read(created.id, outs).outs or {})["status"] == "paused"

        provider.update(created.id, outs, unwaited)

        assert service.jobs()[0]["status"] == "notRunning"


def test_waiting_ends_with_statuses_in_other_words(configure: Configure, training_data: Path) -> None:
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

    def test_permissions_are_refused_at_preview(self, configured: Configure) -> None:
        provider = configured(FineTuningCheckpointPermissionProvider)

        (reason,) = reasons(provider, checkpoint_id="model", project_ids=["proj_b"])

        assert reason.startswith("this resource: the service 'generic' does not support checkpoint perm")

    def test_pausing_is_refused_at_preview(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any]
    ) -> None:
        (reason,) = reasons(provider, **inputs, paused=True)

        assert reason.startswith("paused: the service 'generic' does not support pausing and resuming jobs: ")

    @pytest.mark.usefixtures("service")
    def test_events_are_refused_without_a_request(
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

    def test_hyperparameters_of_the_service_are_passed_on_and_kept(
        self, provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
    ) -> None:
        wanted = {**inputs, "method": supervised(n_epochs=2.0, warmup={"steps": 10.0})}
        assert reasons(provider, **wanted) == []

        created = provider.create(wanted)

        sent = job_requests(service)[0]["method"]["supervised"]["hyperparameters"]
        assert sent == {"n_epochs": 2, "warmup": {"steps": 10}}
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False
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


def test_metadata_is_refused_at_preview_where_unsupported(
    configure: Configure, inputs: dict[str, Any]
) -> None:
    provider = configure(FineTuningJobProvider, unsupportedFeatures="metadata")

    (reason,) = reasons(provider, **inputs, metadata={"team": "shop"})

    assert reason.startswith("metadata: the service 'openai' does not support job metadata: remove it")


def test_auto_is_refused_at_preview_where_unsupported(configure: Configure, inputs: dict[str, Any]) -> None:
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


def test_a_token_survives_an_extra_body_with_metadata(
    configure: Configure, inputs: dict[str, Any], service: Emulator
) -> None:
    """Else the job is not known again, and the next lost answer buys it twice."""
    provider = configure(FineTuningJobProvider)
    wanted = {**inputs, "extra_body": {"metadata": {"team": "shop"}}}
    refused = bool(reasons(provider, **wanted))

    if not refused:
        provider.create(wanted)
        provider.create(wanted)

    assert refused or len(service.jobs()) == 1


class TestNebius:
    @pytest.fixture
    def mode(self) -> str:
        return "gateway"

    def test_its_hyperparameters_pass_under_its_profile(
        self, configured: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configured(FineTuningJobProvider, service="nebius")
        wanted = {**inputs, "method": supervised(n_epochs=3.0, **NEBIUS_HYPERPARAMETERS)}
        assert reasons(provider, **wanted) == []

        created = provider.create(wanted)

        sent = job_requests(service)[0]["method"]["supervised"]["hyperparameters"]
        assert sent == {"n_epochs": 3, **NEBIUS_HYPERPARAMETERS}
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False

    @pytest.mark.parametrize("name", NEBIUS_HYPERPARAMETERS)
    def test_each_of_them_is_refused_elsewhere(
        self, configured: Configure, inputs: dict[str, Any], name: str
    ) -> None:
        provider = configured(FineTuningJobProvider, service="openai")

        (reason,) = reasons(provider, **inputs, method=supervised(**{name: NEBIUS_HYPERPARAMETERS[name]}))

        assert reason == f"method.supervised.hyperparameters.{name}: is not a known property"

    def test_unknown_inputs_are_refused_under_its_profile_too(
        self, configured: Configure, inputs: dict[str, Any]
    ) -> None:
        provider = configured(FineTuningJobProvider, service="nebius")

        (reason,) = reasons(provider, **inputs, method=supervised(lora_q=1.0))

        assert reason == "method.supervised.hyperparameters.lora_q: is not a known property"

    def test_a_hyperparameter_can_be_allowed_alone(
        self, configured: Configure, inputs: dict[str, Any]
    ) -> None:
        provider = configured(FineTuningJobProvider, service="nebius", hyperparameters="lora_q, lora")

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
        self, configured: Configure, inputs: dict[str, Any], service: Emulator
    ) -> None:
        provider = configured(FineTuningJobProvider, service="bedrock")
        wanted = {**inputs, "method": LAMBDA, "suffix": None, "wait_for_completion": False}
        assert reasons(provider, **wanted) == []

        created = provider.create(wanted)

        assert job_requests(service)[0]["method"] == LAMBDA
        assert provider.diff(created.id, created.outs or {}, wanted).changes is False
        assert (provider.import_(created.id).inputs or {})["method"] == LAMBDA

    def test_its_suffix_is_refused_at_preview(self, configured: Configure, inputs: dict[str, Any]) -> None:
        (reason,) = reasons(configured(FineTuningJobProvider, service="bedrock"), **inputs)

        assert reason.startswith(
            "suffix: the service 'bedrock' does not support a suffix of the model's name"
        )

    @pytest.mark.parametrize("name", ["openai", "azure", "nebius"])
    def test_its_grader_is_refused_elsewhere(
        self, configured: Configure, inputs: dict[str, Any], name: str
    ) -> None:
        provider = configured(FineTuningJobProvider, service=name)

        (reason,) = reasons(provider, **inputs, method=LAMBDA)

        assert reason.startswith("method.reinforcement.grader.type: the service")


OWN_METHOD = {"type": "grpo", "grpo": {"reward": "length", "steps": 7}}


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "openai"])
def test_other_services_take_any_method_in_an_extra_body(
    configure: Configure, inputs: dict[str, Any], service: Emulator, name: str
) -> None:
    provider = configure(FineTuningJobProvider, service=name, apiKeyHeader="authorization")
    wanted = {**inputs, "suffix": None, "extra_body": {"method": OWN_METHOD}, "wait_for_completion": False}
    assert reasons(provider, **wanted) == []

    with behaving_like("bedrock", service):
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


def test_an_admin_key_goes_into_the_services_header_too(configure: Configure, service: Emulator) -> None:
    provider = configure(FineTuningCheckpointPermissionProvider, **AZURE)

    with behaving_like("azure", service), pytest.raises(NotFoundError, match="No such checkpoint"):
        list(provider.api.permissions("model"))

    (entry,) = service.journal()
    assert entry.key == "sk-admin-…cdef"

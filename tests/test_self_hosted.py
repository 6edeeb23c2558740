"""The profile `self-hosted`: models that the service describes, no prices, and no dates of OpenAI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_host import FakeHost
from tests.policies.harness import VALID, violations

from pulumi_openai_ft._client.objects import Model
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.model_descriptions import described_models
from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.docs_links import MODEL_CATALOG, docs_link
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.errors import SettingsError
from pulumi_openai_ft.policies.models import KNOWN_MODEL, SUPPORTED_MODEL
from pulumi_openai_ft.serve.catalog import client_catalog, model_facts
from pulumi_openai_ft.serve.config import Base, ServeConfig
from pulumi_openai_ft.serve.hyperparameters import EPOCHS
from pulumi_openai_ft.training_data import sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

    Preview = Callable[..., dict[str, Any]]

BASES = (
    Base(
        id="small",
        path=Path("/models/small"),
        aliases=("gpt-4o-mini",),
        max_length=20,
        methods=("supervised",),
    ),
    Base(id="large", path=Path("/models/large"), aliases=("gpt-4.1",), max_length=2048),
)
DPO = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2.0}}}


def listed_models() -> dict[str, Any]:
    """Return the response to `GET /v1/models`: base models by all their names, and a tuned model."""
    named = [(name, model_facts(base)) for base in BASES for name in (base.id, *base.aliases)]
    tuned = ("ft:small:local::abcd1234", model_facts(BASES[0], is_tuned=True))
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": "local", "fine_tuning": facts}
            for name, facts in [*named, tuned]
        ],
    }


@pytest.fixture(autouse=True)
def service(service: Emulator) -> Emulator:
    service.fault("GET", "/v1/models", "status", times=None, status=200, body=listed_models())
    return service


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def preview(configure: Configure, host: FakeHost, training_data: Path) -> Preview:
    """Return a function that previews a new job and returns its checked inputs."""

    def check(settings: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        inputs = {
            "model": "large",
            "training_file": "file-1",
            "__training_file_sha256": sha256(training_data),
            "__training_data": {"file": str(training_data)},
            **changes,
        }
        provider = configure(FineTuningJobProvider, host, service="self-hosted", **(settings or {}))
        result = provider.check({}, inputs)
        assert result.failures == []
        return result.inputs

    return check


def test_the_profile_supports_every_feature() -> None:
    profile = PROFILES["self-hosted"]
    assert [name for name in FEATURES if not profile.supports(name)] == []


def test_it_needs_the_address_of_the_service() -> None:
    with pytest.raises(
        SettingsError, match=r"^openai-ft:baseUrl is not set: the service 'self-hosted' has no"
    ):
        Settings.resolve({"openai-ft:service": "self-hosted"}.get, {})
    from_environment = Settings.resolve(
        {"openai-ft:service": "self-hosted"}.get, {"OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"}
    )
    assert from_environment.base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("model", ["large", "gpt-4.1", "ft:large:local::abcd1234"])
def test_a_listed_model_is_trained_without_warnings(preview: Preview, host: FakeHost, model: str) -> None:
    preview(model=model)
    assert host.warnings == []


def test_an_unknown_model_is_reported(preview: Preview, host: FakeHost) -> None:
    preview(model="smalll")
    (warning,) = host.warnings
    assert warning == (
        f"the catalog has no model 'smalll' of your service. Did you mean 'small'? See {docs_link(MODEL_CATALOG)}"
    )


def test_an_unsupported_method_is_reported(preview: Preview, host: FakeHost) -> None:
    preview(method=DPO, model="gpt-4o-mini", __training_data={})
    (warning,) = host.warnings
    assert warning == (
        f"your service does not support the method dpo for small, only supervised. See {docs_link(MODEL_CATALOG)}"
    )


def test_rows_that_are_too_long_are_reported(preview: Preview, host: FakeHost) -> None:
    preview(model="gpt-4o-mini")
    (warning,) = host.warnings
    assert "more than the model's 20; shorten the example" in warning


def test_the_preview_gives_tokens_without_a_price(
    preview: Preview, configure: Configure, host: FakeHost
) -> None:
    provider = configure(FineTuningJobProvider, host, service="self-hosted")

    outputs = provider.preview_outputs(None, preview())

    tokens = outputs["estimated_tokens"]
    assert outputs["estimated_cost_usd"] is None
    assert host.messages == [f"trains about {tokens:,} tokens (3 epochs, an estimate); no price: self-hosted"]


def test_a_price_of_the_configuration_is_used(preview: Preview) -> None:
    found = preview({"catalog": json.dumps({"gpt-4.1": {"training_price": 5}})})["__estimate"]
    assert found["usd"] == pytest.approx(found["tokens"] * 5 / 1e6)


@pytest.mark.parametrize("model", ["small", "extra"])
def test_the_configuration_corrects_the_service(preview: Preview, host: FakeHost, model: str) -> None:
    correction = {"gpt-4o-mini": {"context_length": 4096}, "extra": {}}
    preview({"catalog": json.dumps(correction)}, model=model)
    assert host.warnings == []


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 500},
        {"action": "status", "status": 404},
        {"action": "status", "status": 200, "body": {"object": "list", "data": "x"}},
        {"action": "html", "status": 502},
        {"action": "drop_before"},
    ],
)
def test_a_missing_description_is_not_reported(
    preview: Preview, service: Emulator, host: FakeHost, fault: dict[str, Any]
) -> None:
    service.clear_faults()
    service.fault("GET", "/v1/models", times=None, **fault)
    preview(model="anything")
    assert host.warnings == []


def test_an_unchanged_job_sends_no_request(preview: Preview, configure: Configure, service: Emulator) -> None:
    inputs = preview()
    before = len(service.journal())
    configure(FineTuningJobProvider, service="self-hosted").check(inputs, inputs)
    assert len(service.journal()) == before


def test_other_services_are_not_asked_for_models(
    preview: Preview, configure: Configure, service: Emulator
) -> None:
    inputs = preview()
    before = service.counts()["GET /v1/models"]
    configure(FineTuningJobProvider, service="generic").check({}, inputs)
    assert service.counts()["GET /v1/models"] == before


def test_models_are_listed_once_for_many_jobs(
    preview: Preview, configure: Configure, service: Emulator
) -> None:
    provider, inputs = configure(FineTuningJobProvider, service="self-hosted"), preview()
    before = service.counts()["GET /v1/models"]
    for number in range(5):
        provider.check({}, {**inputs, "seed": float(number)})
    assert service.counts()["GET /v1/models"] == before + 1


def test_both_sources_of_the_catalog_agree() -> None:
    config = ServeConfig(bases=BASES, data=Path("/data"))
    models = [Model.model_validate(model) for model in listed_models()["data"]]
    described = Catalog.load(service="self-hosted", described=described_models(models))
    configured = Catalog.load(client_catalog(config), service="self-hosted")

    def facts(catalog: Catalog) -> list[tuple[Any, ...]]:
        return [
            (
                entry.id,
                entry.aliases,
                entry.methods,
                entry.context_length,
                entry.facts.vision and entry.facts.vision.value,
            )
            for entry in catalog.models()
        ]

    assert facts(described) == facts(configured)
    assert [entry.id for entry in described.models()] == ["large", "small"]


def test_policies_read_the_catalog_of_the_command() -> None:
    setting = {"openai-ft:catalog": json.dumps(client_catalog(ServeConfig(bases=BASES, data=Path("/data"))))}
    configuration = {
        "openai-ft:service": "self-hosted",
        "openai-ft:baseUrl": "http://127.0.0.1:8000/v1",
        **setting,
    }

    def violated(model: str, **changes: Any) -> list[str]:
        props = {**VALID[JOB_TYPE], "model": model, **changes}
        rules = (KNOWN_MODEL, SUPPORTED_MODEL)
        return [
            text for rule in rules for text in violations(rule, JOB_TYPE, props, configuration=configuration)
        ]

    assert violated("small") == violated("gpt-4.1") == violated("ft:large:local::abcd1234") == []
    assert len(violated("medium")) == len(violated("gpt-4o-mini", method={"type": "dpo"})) == 1


def test_automatic_epochs_are_those_of_the_service() -> None:
    assert PROFILES["self-hosted"].auto_epochs == EPOCHS


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FACTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("base", "methods", "max_length", "aliases"), _JSON)
)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), _FACTS | _JSON), max_size=4))
def test_odd_descriptions_never_fail_a_preview(listed: list[tuple[str, Any]]) -> None:
    models = [Model.model_validate({"id": name, "fine_tuning": facts}) for name, facts in listed]
    catalog = Catalog.load(service="self-hosted", described=described_models(models))
    assert {entry.id for entry in catalog.models()} <= {name for name, _ in listed}

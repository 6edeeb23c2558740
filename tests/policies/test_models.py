from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pulumi_policy import Secret
from tests.policies.harness import TODAY, UNKNOWN, VALID, violations
from tests.test_catalog import SEED

from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.policies.models import (
    KNOWN_MODEL,
    MODEL_NEAR_SHUTDOWN,
    NO_NEW_JOBS_AFTER,
    SUPPORTED_MODEL,
)

NANO = "gpt-4.1-nano-2025-04-14"
AZURE = {"openai-ft:service": "azure", "openai-ft:baseUrl": "https://shop.example/openai/v1"}
CATALOG = "openai-ft:catalog"


def job(**changes: Any) -> dict[str, Any]:
    return {**VALID[JOB_TYPE], **changes}


def catalog(**models: dict[str, Any]) -> dict[str, str]:
    return {CATALOG: json.dumps(models)}


@pytest.mark.parametrize(
    "rule", [SUPPORTED_MODEL, KNOWN_MODEL, NO_NEW_JOBS_AFTER], ids=lambda rule: rule.name
)
def test_a_model_that_can_be_trained_is_fine(rule: Any) -> None:
    assert violations(rule, JOB_TYPE, VALID[JOB_TYPE]) == []


@pytest.mark.parametrize("model", SEED)
def test_well_known_models_are_checked_by_their_shutdown(model: str) -> None:
    entry = Catalog.load().find(model)
    assert entry is not None
    assert entry.shutdown_date is not None

    found = violations(SUPPORTED_MODEL, JOB_TYPE, job(model=model))

    assert bool(found) == (entry.shutdown_date <= TODAY)
    assert violations(KNOWN_MODEL, JOB_TYPE, job(model=model)) == []


@pytest.mark.parametrize(
    "model", [NANO, "gpt-4.1-nano", f"ft:{NANO}:shop:x:abcd1234", f"ft:{NANO}:shop:x:abcd1234:ckpt-step-9"]
)
def test_a_model_past_shutdown_is_refused_under_any_name(model: str) -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model=model))

    assert found.startswith(
        f"model: {model!r}: OpenAI shut it down on 2026-10-23 (OpenAI's deprecations page"
    )
    assert "choose gpt-4.1-2025-04-14 or gpt-4.1-mini-2025-04-14 or " in found


def test_without_available_models_another_service_is_recommended() -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, VALID[JOB_TYPE], today=date(2027, 1, 14))

    assert found.endswith("): use another service with openai-ft:baseUrl and openai-ft:service")


def test_a_model_is_checked_by_the_jobs_service() -> None:
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model=NANO), configuration=AZURE) == []
    assert (
        violations(NO_NEW_JOBS_AFTER, JOB_TYPE, VALID[JOB_TYPE], configuration=AZURE, today=date(2027, 1, 7))
        == []
    )


def test_a_method_the_model_does_not_support_is_refused() -> None:
    reinforced = job(method={"type": "reinforcement", "reinforcement": {"grader": {}}})

    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, reinforced)

    assert "OpenAI does not support reinforcement for it (" in found
    assert "): set method.type to dpo or supervised, or use another service" in found


def test_an_unconfirmed_method_is_not_refused() -> None:
    assert (
        violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-4o-mini", method={"type": "reinforcement"}))
        == []
    )


@pytest.mark.parametrize("listed", ["gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", "gpt-4.1-*"])
@pytest.mark.parametrize("model", ["gpt-4.1-mini", "ft:gpt-4.1-mini-2025-04-14:shop::abcd1234"])
def test_lists_name_models_by_id_alias_or_pattern(listed: str, model: str) -> None:
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model=model), config={"allow": [listed]}) == []
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model=model), config={"deny": [listed]})
    assert found.startswith(f"model: {model!r} is in `deny` of this rule: choose ")


def test_a_model_missing_on_the_list_is_refused() -> None:
    assert violations(
        SUPPORTED_MODEL, JOB_TYPE, VALID[JOB_TYPE], config={"allow": ["gpt-4o", "gpt-4o-mini"]}
    ) == [
        "model: 'gpt-4.1-mini-2025-04-14' is not in `allow` of this rule: must be one of gpt-4o, gpt-4o-mini"
    ]


def test_suggested_alternatives_are_allowed() -> None:
    (found,) = violations(
        SUPPORTED_MODEL, JOB_TYPE, job(model=NANO), config={"allow": ["gpt-4.1-nano", "gpt-4.1"]}
    )

    assert ": choose gpt-4.1-2025-04-14, or use another service" in found


OPENAI = {"openai-ft:baseUrl": "https://api.openai.com/v1"}
EMULATOR = {"openai-ft:baseUrl": "http://127.0.0.1:8801/v1"}
ADMIT = (
    "add the model to `also_known` of this rule, describe it in openai-ft:catalog, or add the job to `exempt`"
)
NAMES = {name for entry in Catalog.load().models() for name in (entry.id, *entry.aliases)}
MISSPELLED = sorted({name[:at] + name[at + 1 :] for name in NAMES for at in range(len(name))} - NAMES)


@pytest.mark.parametrize(
    "form", ["{}", "ft:{}:shop::abcd1234", "ft:{}:shop::abcd1234:ckpt-step-9", "{}.ft-9"]
)
def test_a_misspelled_model_is_refused(form: str) -> None:
    assert len(MISSPELLED) > 200
    assert [
        name
        for name in MISSPELLED
        if not any(
            ADMIT in found for found in violations(SUPPORTED_MODEL, JOB_TYPE, job(model=form.format(name)))
        )
    ] == []


def test_an_unknown_model_is_refused_with_a_correction() -> None:
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-4.1-minii"), configuration=OPENAI) == [
        f"model: 'gpt-4.1-minii': not in the catalog of OpenAI's models: did you mean 'gpt-4.1-mini'? Otherwise {ADMIT}"
    ]


def test_an_unlike_unknown_model_is_refused_with_the_alternatives() -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model="claude"))

    assert "models: choose gpt-4.1-2025-04-14 or gpt-4.1-mini-2025-04-14 or " in found
    assert found.endswith(f"; otherwise {ADMIT}")


def test_a_secret_unknown_model_is_not_revealed() -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model=Secret("gpt-4.1-minii")))

    assert found.startswith("model: [secret]: not in the catalog of OpenAI's models: choose ")
    assert "minii" not in found
    assert "did you mean" not in found


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://api.openai.com/v1", True),
        ("https://API.OPENAI.COM/v1/", True),
        ("https://api.openai.com:443/v1", True),
        ("https://api.openai.com./v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://api.openai.com.shop.example/v1", False),
        ("https://notopenai.com/v1", False),
        ("https://shop.openai.azure.com/openai/v1", False),
        ("https://shop.example/api.openai.com/v1", False),
        ("http://127.0.0.1:8801/v1", False),
    ],
)
def test_the_catalog_is_complete_only_at_openai(url: str, refused: bool) -> None:  # noqa: FBT001
    unknown, configuration = job(model="gpt-9"), {"openai-ft:baseUrl": url}

    assert bool(violations(SUPPORTED_MODEL, JOB_TYPE, unknown, configuration=configuration)) == refused
    assert bool(violations(KNOWN_MODEL, JOB_TYPE, unknown, configuration=configuration)) != refused


@pytest.mark.parametrize("service", ["azure", "bedrock", "nebius", "generic"])
def test_another_services_unknown_models_are_not_refused(service: str) -> None:
    configuration = {**OPENAI, "openai-ft:service": service}

    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-9"), configuration=configuration) == []


@pytest.mark.parametrize("configuration", [EMULATOR, AZURE])
def test_complete_refuses_unknown_models_at_any_base_url(configuration: dict[str, str]) -> None:
    (found,) = violations(
        SUPPORTED_MODEL,
        JOB_TYPE,
        job(model="gpt-9"),
        configuration=configuration,
        config={"complete": True},
    )

    assert found.endswith(ADMIT)


@pytest.mark.parametrize("listed", ["gpt-9", "gpt-9*", "gpt-?", "*"])
@pytest.mark.parametrize("model", ["gpt-9", "ft:gpt-9:shop::abcd1234"])
def test_also_known_admits_models_and_refuses_no_others(model: str, listed: str) -> None:
    config = {"also_known": [listed]}

    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model=model), config=config) == []
    assert violations(SUPPORTED_MODEL, JOB_TYPE, VALID[JOB_TYPE], config=config) == []


def test_also_known_does_not_admit_a_model_past_shutdown() -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model=NANO), config={"also_known": ["*"]})

    assert "OpenAI shut it down on 2026-10-23" in found


def test_a_pattern_in_allow_admits_no_unknown_model() -> None:
    unknown = job(model="gpt-9")

    assert violations(SUPPORTED_MODEL, JOB_TYPE, unknown, config={"allow": ["gpt-9"]}) == []
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, unknown, config={"allow": ["gpt-*"]})
    assert found.endswith(ADMIT)


def test_a_model_outside_of_allow_is_reported_once() -> None:
    (found,) = violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-9"), config={"allow": ["gpt-4o"]})

    assert "is not in `allow` of this rule" in found


@pytest.mark.parametrize(
    "escape", [{"config": {"exempt": ["it"]}}, {"configuration": {CATALOG: '{"gpt-9": {}}'}}]
)
def test_exempt_and_the_catalog_admit_an_unknown_model(escape: dict[str, Any]) -> None:
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-9"), **escape) == []


def test_another_services_unknown_model_is_reported() -> None:
    (found,) = violations(KNOWN_MODEL, JOB_TYPE, job(model="gpt-4.1-minii"), configuration=AZURE)

    assert found == (
        "model: 'gpt-4.1-minii': not in the catalog of Azure's models: check the spelling, or describe the model in "
        "openai-ft:catalog"
    )
    assert violations(KNOWN_MODEL, JOB_TYPE, job(model="gpt-4.1-minii"), configuration=OPENAI) == []


SELF_HOSTED = {"openai-ft:service": "self-hosted", "openai-ft:baseUrl": "http://127.0.0.1:8000/v1"}


def test_a_missing_catalog_of_your_service_is_reported() -> None:
    (found,) = violations(KNOWN_MODEL, JOB_TYPE, job(model="small"), configuration=SELF_HOSTED)

    assert found == (
        "model: 'small': cannot be checked: openai-ft:catalog does not list the models of your service: on its "
        "machine, run `openai-ft serve catalog`, and set the output with `pulumi config set openai-ft:catalog`"
    )
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="small"), configuration=SELF_HOSTED) == []
    (found,) = violations(
        SUPPORTED_MODEL, JOB_TYPE, job(model="small"), configuration=SELF_HOSTED, config={"complete": True}
    )
    assert "openai-ft:catalog does not list the models" in found


def test_the_models_of_your_service_are_checked() -> None:
    models = catalog(small={"aliases": ["gpt-4o-mini"], "methods": ["supervised"], "context_length": 512})
    configuration = {**SELF_HOSTED, **models}
    dpo = job(model="gpt-4o-mini", method={"type": "dpo"})

    assert violations(KNOWN_MODEL, JOB_TYPE, job(model="small"), configuration=configuration) == []
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="gpt-4o-mini"), configuration=configuration) == []
    (unknown,) = violations(KNOWN_MODEL, JOB_TYPE, job(model="smalll"), configuration=configuration)
    assert unknown.startswith(
        "model: 'smalll': not in the catalog of your service's models: check the spelling"
    )
    (unsupported,) = violations(SUPPORTED_MODEL, JOB_TYPE, dpo, configuration=configuration)
    assert "your service does not support dpo for it (openai-ft:catalog)" in unsupported


@pytest.mark.parametrize("rule", [MODEL_NEAR_SHUTDOWN, NO_NEW_JOBS_AFTER], ids=lambda rule: rule.name)
@pytest.mark.parametrize("model", ["gpt-4o-mini", NANO, "small"])
@pytest.mark.parametrize("listed", [{}, catalog(small={"aliases": ["gpt-4o-mini", NANO]})])
def test_dates_of_openai_do_not_apply_to_your_service(rule: Any, model: str, listed: dict[str, str]) -> None:
    configuration = {**SELF_HOSTED, **listed}

    for today in (date(2026, 12, 1), date(2027, 3, 1)):
        assert violations(rule, JOB_TYPE, job(model=model), configuration=configuration, today=today) == []


def test_overrides_of_the_catalog_are_used() -> None:
    mine = catalog(mine={"shutdown_date": "2026-01-01"}, **{NANO: {"shutdown_date": "2099-01-01"}})

    assert violations(KNOWN_MODEL, JOB_TYPE, job(model="mine"), configuration=mine) == []
    assert len(violations(SUPPORTED_MODEL, JOB_TYPE, job(model="mine"), configuration=mine)) == 1
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model=NANO), configuration=mine) == []


def test_an_unconfirmed_shutdown_is_reported_but_not_refused() -> None:
    rumour = catalog(mine={"shutdown_date": {"value": "2026-01-01", "source": "a rumour", "sure": False}})

    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model="mine"), configuration=rumour) == []
    (found,) = violations(KNOWN_MODEL, JOB_TYPE, job(model="mine"), configuration=rumour)
    assert "OpenAI may have shut it down on 2026-01-01 (a rumour, not confirmed): check the date" in found


def test_a_service_without_catalog_has_no_unknown_models() -> None:
    other_service = {"openai-ft:service": "generic", "openai-ft:baseUrl": "https://shop.example/v1"}

    assert violations(KNOWN_MODEL, JOB_TYPE, job(model="anything"), configuration=other_service) == []


@pytest.mark.parametrize(
    ("day", "days", "found"),
    [
        (date(2026, 11, 14), 60, False),
        (date(2026, 11, 15), 60, True),
        (date(2026, 11, 15), 59, False),
        (date(2027, 1, 13), 1, True),
        (date(2027, 1, 14), 60, False),  # a model after its shutdown is for another rule
    ],
)
def test_a_model_near_its_shutdown_is_reported(day: date, days: int, found: bool) -> None:  # noqa: FBT001
    assert (
        bool(violations(MODEL_NEAR_SHUTDOWN, JOB_TYPE, VALID[JOB_TYPE], today=day, config={"days": days}))
        == found
    )


def test_the_days_until_shutdown_are_reported() -> None:
    (found,) = violations(MODEL_NEAR_SHUTDOWN, JOB_TYPE, VALID[JOB_TYPE], today=date(2027, 1, 13))

    assert (
        "OpenAI will shut down this model and its fine-tuned models on 2027-01-14, in 1 day (OpenAI's"
        in found
    )


def test_the_last_day_for_jobs_comes_from_the_catalog() -> None:
    assert violations(NO_NEW_JOBS_AFTER, JOB_TYPE, VALID[JOB_TYPE], today=date(2027, 1, 5)) == []
    (found,) = violations(NO_NEW_JOBS_AFTER, JOB_TYPE, VALID[JOB_TYPE], today=date(2027, 1, 6))
    assert "new jobs are not allowed from 2027-01-06 on (OpenAI's deprecations page" in found


def test_the_last_day_for_new_jobs_can_be_configured() -> None:
    (found,) = violations(NO_NEW_JOBS_AFTER, JOB_TYPE, VALID[JOB_TYPE], config={"date": "2026-11-01"})

    assert "from 2026-11-01 on (this rule's configuration): remove the job" in found
    assert (
        violations(
            NO_NEW_JOBS_AFTER,
            JOB_TYPE,
            VALID[JOB_TYPE],
            config={"date": "2028-01-01"},
            today=date(2027, 6, 1),
        )
        == []
    )


def test_malformed_inputs_are_left_to_the_provider() -> None:
    assert violations(SUPPORTED_MODEL, JOB_TYPE, VALID[JOB_TYPE], configuration={CATALOG: "[]"}) == []
    assert violations(SUPPORTED_MODEL, JOB_TYPE, job(model=7, method="dpo")) == []


def test_an_unknown_model_is_reported_on_request() -> None:
    unknown = job(model=UNKNOWN)

    assert violations(SUPPORTED_MODEL, JOB_TYPE, unknown) == []
    assert violations(SUPPORTED_MODEL, JOB_TYPE, unknown, config={"unknowns": "report"}) == [
        "model: the value is not known yet, so this rule cannot check it: set a literal value in the program"
    ]

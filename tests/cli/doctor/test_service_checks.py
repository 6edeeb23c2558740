from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import ADMIN_KEY, API_KEY, TODAY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft.cli.doctor import service_checks
from pulumi_openai_ft.cli.doctor.report import Finding, Status
from pulumi_openai_ft.cli.pulumi_cli import Configuration
from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9/v1"


def configuration(
    *, secret: tuple[str, ...] = (), undisclosed: tuple[str, ...] = (), **values: str
) -> Configuration:
    return Configuration(
        {f"openai-ft:{key}": value for key, value in values.items()},
        frozenset(f"openai-ft:{key}" for key in (*secret, *undisclosed)),
    )


def findings(found: Configuration, today: date = TODAY) -> dict[str, Finding]:
    settings = service_checks.settings_of(found)
    reported = [*service_checks.keys(settings, found), *service_checks.service(settings, today)]
    return {finding.check: finding for finding in reported}


@pytest.fixture
def valid_settings(service: Emulator) -> dict[str, Any]:
    """Return settings that pass every check."""
    return {
        "apiKey": API_KEY,
        "adminKey": ADMIN_KEY,
        "baseUrl": service.url,
        "secret": ("apiKey", "adminKey"),
    }


@pytest.fixture
def service_with_other_key() -> Iterator[Emulator]:
    """Start an emulator whose only project key is another key."""
    with Emulator(today=TODAY) as emulator:
        emulator.add_key("sk-proj-another-0123456789abcdef")
        yield emulator


def test_good_settings_are_fine(valid_settings: dict[str, Any], service: Emulator) -> None:
    found = findings(configuration(**valid_settings))

    assert {finding.status for about, finding in found.items() if about != "training"} == {Status.OK}
    assert found["project key"].message == "from the stack's configuration (openai-ft:apiKey)"
    assert found["service"].message == f"{service.url} responds"


def test_a_key_may_come_from_the_environment(
    valid_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    found = findings(
        configuration(
            **{key: value for key, value in valid_settings.items() if key != "apiKey"} | {"secret": ()}
        )
    )

    assert found["project key"].message == "from the environment (OPENAI_API_KEY)"


@pytest.mark.parametrize(("key", "about"), [("apiKey", "project key"), ("adminKey", "admin key")])
def test_a_plaintext_key_is_a_warning(valid_settings: dict[str, Any], key: str, about: str) -> None:
    found = findings(configuration(**{**valid_settings, "secret": ()}))

    assert found[about].status is Status.WARNING
    assert found[about].message.endswith(f"run `pulumi config set --secret openai-ft:{key}`")


def test_the_service_is_checked_even_without_a_project_key(service: Emulator) -> None:
    found = findings(configuration(baseUrl=service.url))

    assert found["project key"].status is Status.PROBLEM
    assert found["service"].message == f"{service.url} responds; no project key was tested"


def test_a_missing_admin_key_is_not_a_problem(service: Emulator) -> None:
    found = findings(configuration(apiKey=API_KEY, baseUrl=service.url))["admin key"]

    assert found.status is Status.OK
    assert found.message.startswith(
        "not set; checkpoint permissions need an admin key: run `pulumi config set"
    )


def test_a_service_without_permissions_needs_no_admin_key(service: Emulator) -> None:
    found = findings(configuration(apiKey=API_KEY, baseUrl=service.url, service="nebius"))["admin key"]

    assert found.message == "not needed: nebius has no checkpoint permissions"


def test_an_admin_key_as_project_key_is_not_sent(service: Emulator) -> None:
    found = findings(configuration(apiKey=ADMIN_KEY, baseUrl=service.url))

    assert found["project key"].status is Status.PROBLEM
    assert "contains an admin key, which cannot run jobs" in found["project key"].message
    assert found["service"].message.endswith("; no project key was tested")


def test_a_project_key_as_admin_key_is_a_problem(service: Emulator) -> None:
    found = findings(configuration(adminKey=API_KEY, apiKey=f"{API_KEY}x", baseUrl=service.url))["admin key"]

    assert found.status is Status.PROBLEM
    assert "contains a project key, which cannot manage permissions" in found.message


def test_undisclosed_keys_are_not_tried(service_with_other_key: Emulator) -> None:
    found = findings(configuration(undisclosed=("apiKey", "adminKey"), baseUrl=service_with_other_key.url))

    assert found["project key"].message == "from the stack's configuration (openai-ft:apiKey)"
    assert found["admin key"].message == "from the stack's configuration (openai-ft:adminKey)"
    assert found["service"].message == f"{service_with_other_key.url} responds; no project key was tested"


def test_an_undisclosed_key_hides_the_environments(
    service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", ADMIN_KEY)

    found = findings(configuration(undisclosed=("apiKey",), baseUrl=service.url))["project key"]

    assert found.status is Status.OK


def test_equal_keys_are_refused_without_printing_them() -> None:
    with pytest.raises(SettingsError, match="are the same key") as caught:
        service_checks.settings_of(configuration(apiKey=API_KEY, adminKey=API_KEY))

    assert API_KEY not in str(caught.value)


def test_a_refused_key_is_a_problem(service_with_other_key: Emulator) -> None:
    found = findings(configuration(apiKey=API_KEY, baseUrl=service_with_other_key.url))["service"]

    assert found.status is Status.PROBLEM
    assert "status 401" in found.message
    assert API_KEY not in found.message


def test_a_closed_organization_is_a_problem(valid_settings: dict[str, Any], service: Emulator) -> None:
    service.fault("GET", "/v1/fine_tuning/jobs", "status", status=403, code="training_not_available")

    found = findings(configuration(**valid_settings))

    assert found["service"].status is Status.OK
    assert found["training"].status is Status.PROBLEM
    assert "OpenAI has closed fine-tuning for this organization" in found["training"].message


def test_an_unreachable_service_is_a_problem() -> None:
    found = findings(configuration(apiKey=API_KEY, baseUrl=NOWHERE))

    assert found["service"].status is Status.PROBLEM
    assert found["service"].message.startswith(f"no response from {NOWHERE} ")
    assert found["training"].message.startswith("OpenAI accepts no new jobs from 2027-01-06, in 36 days")


@pytest.mark.parametrize(
    ("today", "mark", "reported"),
    [
        (date(2026, 10, 1), Status.OK, "accepts no new jobs from 2027-01-06, in 97 days"),
        (date(2026, 12, 1), Status.WARNING, "accepts no new jobs from 2027-01-06, in 36 days"),
        (date(2027, 1, 6), Status.WARNING, "has not accepted new jobs since 2027-01-06"),
    ],
)
def test_the_last_day_of_fine_tuning_is_reported(today: date, mark: Status, reported: str) -> None:
    found = service_checks.training(service_checks.settings_of(configuration()), today)

    assert found.status is mark
    assert found.message.startswith(f"OpenAI {reported}")


def test_a_project_without_jobs_may_lose_access(valid_settings: dict[str, Any]) -> None:
    assert findings(configuration(**valid_settings))["training"].message.endswith(
        "so only creating a job shows whether this applies to your organization"
    )


def test_a_project_with_jobs_keeps_access(valid_settings: dict[str, Any], training_data: Path) -> None:
    api = Client(service_checks.settings_of(configuration(**valid_settings)))
    with training_data.open("rb") as content:
        file = api.upload_file("training.jsonl", content, purpose="fine-tune")
    api.create_job({"model": "gpt-4o-mini", "training_file": file.id})
    api.close()

    assert "only creating one" not in findings(configuration(**valid_settings))["training"].message


def test_services_without_a_known_end_get_no_finding() -> None:
    settings = service_checks.settings_of(configuration(service="nebius"))

    assert service_checks.training(settings, TODAY).status is Status.OK


def test_a_malformed_catalog_is_a_problem() -> None:
    settings = replace(service_checks.settings_of(configuration()), catalog='{"gpt": 3}')

    found = service_checks.training(settings, TODAY)

    assert found.status is Status.PROBLEM
    assert 'openai-ft:catalog["gpt"] is 3' in found.message

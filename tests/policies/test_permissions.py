from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import Secret
from tests.policies.harness import ADMIN_KEY, KEY, UNKNOWN, VALID, violations

from pulumi_openai_ft._shared.state_names import PERMISSION_TYPE
from pulumi_openai_ft.policies.permissions import ADMIN_KEY as RULE
from pulumi_openai_ft.policies.permissions import PROJECT

CONFIGURED = "openai-ft:adminKey"
PROJECT_KEY = "openai-ft:apiKey"
BY_CONFIGURATION = {CONFIGURED: Secret(ADMIN_KEY)}


def shared_with(*projects: Any) -> dict[str, Any]:
    return {**VALID[PERMISSION_TYPE], "project_ids": list(projects)}


def test_an_admin_key_may_come_from_the_configuration() -> None:
    assert violations(RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE], configuration=BY_CONFIGURATION) == []


def test_an_admin_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", ADMIN_KEY)

    assert violations(RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE]) == []


def test_a_permission_without_an_admin_key_is_refused() -> None:
    (found,) = violations(
        RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE], configuration={PROJECT_KEY: Secret(KEY)}
    )

    assert found.startswith(
        "checkpoint permissions need an admin key: run `pulumi config set --secret openai-ft:adminKey`"
    )


def test_a_plaintext_admin_key_is_refused() -> None:
    (found,) = violations(
        RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE], configuration={CONFIGURED: ADMIN_KEY}
    )

    assert found.startswith(
        "openai-ft:adminKey is stored in plaintext in the stack's configuration and state: create a new key"
    )
    assert ADMIN_KEY not in found


def test_without_secret_marks_a_key_is_not_called_plaintext() -> None:
    assert (
        violations(
            RULE,
            PERMISSION_TYPE,
            VALID[PERMISSION_TYPE],
            configuration={CONFIGURED: ADMIN_KEY},
            detects_secrets=False,
        )
        == []
    )


def test_equal_project_and_admin_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", ADMIN_KEY)

    (found,) = violations(RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE], configuration=BY_CONFIGURATION)

    assert "openai-ft:apiKey and openai-ft:adminKey are the same key" in found


def test_unreadable_keys_are_not_reported_as_equal() -> None:
    masked = {CONFIGURED: Secret("[secret]"), PROJECT_KEY: Secret("[secret]")}

    assert violations(RULE, PERMISSION_TYPE, VALID[PERMISSION_TYPE], configuration=masked) == []


def test_other_projects_are_fine() -> None:
    assert violations(PROJECT, PERMISSION_TYPE, shared_with("proj_a", "proj_b")) == []


@pytest.mark.parametrize("project", ["partner", "proj_", "org-shop"])
def test_an_invalid_project_is_refused(project: str) -> None:
    assert violations(PROJECT, PERMISSION_TYPE, shared_with("proj_a", project)) == [
        rf"project_ids[1]: {project!r} is not a project id: must match ^proj_\S+$"
    ]


def test_the_form_of_a_project_can_be_configured() -> None:
    assert violations(PROJECT, PERMISSION_TYPE, shared_with("4711"), config={"pattern": r"^\d+$"}) == []


@pytest.mark.parametrize(
    "changes",
    [{"config": {"owner": "proj_own"}}, {"configuration": {"openai-ft:project": "proj_own"}}],
    ids=["by the rule", "by the stack"],
)
def test_the_project_that_owns_the_model_is_refused(changes: dict[str, Any]) -> None:
    assert violations(PROJECT, PERMISSION_TYPE, shared_with("proj_own"), **changes) == [
        "project_ids[0]: 'proj_own' owns the model and can use it without a permission: remove it"
    ]


def test_a_list_allows_its_projects() -> None:
    assert violations(
        PROJECT, PERMISSION_TYPE, shared_with("proj_a", "proj_b"), config={"allowed": ["proj_a", "proj_c"]}
    ) == ["project_ids[1]: 'proj_b' is not in `allowed` of this rule: must be one of proj_a, proj_c"]


def test_a_secret_project_is_not_shown() -> None:
    secret = {**VALID[PERMISSION_TYPE], "project_ids": Secret(["hush"])}

    (found,) = violations(PROJECT, PERMISSION_TYPE, secret)

    assert found.startswith("project_ids[0]: [secret] is not a project id")


def test_unknown_projects_are_reported_on_request() -> None:
    assert violations(PROJECT, PERMISSION_TYPE, shared_with("proj_a", UNKNOWN)) == []
    (found,) = violations(
        PROJECT, PERMISSION_TYPE, shared_with("proj_a", UNKNOWN), config={"unknowns": "report"}
    )
    assert found.startswith("project_ids[1]: the value is not known yet")

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.policies.harness import urn_of

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._shared.state_names import COMPONENT_TYPE, IDENTITY, JOB_TYPE, RESOURCE_KEY
from pulumi_openai_ft.cli.look.stack_jobs import resources_in

RECORDED = Path(__file__).parents[2] / "e2e" / "states" / "0.1.0" / "stack.json"
STACK_URN, COMPONENT_URN = urn_of("pulumi:pulumi:Stack", "shop-dev"), urn_of(COMPONENT_TYPE, "support")
JOB_URN = urn_of(f"{COMPONENT_TYPE}${JOB_TYPE}", "support-job")


def job(job_id: str = "", **changes: Any) -> dict[str, Any]:
    """Return a job of a component, in the form of a state."""
    inputs = {IDENTITY: "mine"}
    return {
        "urn": JOB_URN,
        "type": JOB_TYPE,
        "id": job_id,
        "parent": COMPONENT_URN,
        "inputs": inputs,
        **changes,
    }


def state(*resources: dict[str, Any], pending: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    above = [
        {"urn": STACK_URN, "type": "pulumi:pulumi:Stack"},
        {"urn": COMPONENT_URN, "type": COMPONENT_TYPE, "parent": STACK_URN},
    ]
    operations = [{"resource": resource, "type": "creating"} for resource in pending or []]
    return {"deployment": {"resources": [*above, *resources], "pending_operations": operations}}


def test_a_recorded_state_has_its_jobs() -> None:
    found = resources_in(json.loads(RECORDED.read_text()))

    assert [resource.urn.rpartition("::")[2] for resource in found] == [
        "plain",
        "support",
        "reasoning",
        "unwatched",
    ]
    assert all(resource.job_id and resource.job_id.startswith("ftjob-") for resource in found)
    assert [resource.owners for resource in found] == [()] * 4


@pytest.mark.parametrize(
    ("name", "is_named"),
    [
        ("support-job", True),
        ("support", True),
        (JOB_URN, True),
        (COMPONENT_URN, True),
        ("shop-dev", False),
        (STACK_URN, False),
        ("support-", False),
    ],
)
def test_a_job_has_the_names_of_its_components(name: str, *, is_named: bool) -> None:
    (found,) = resources_in(state(job("ftjob-1")))

    assert found.is_named(name) == is_named


def test_a_job_that_is_being_created_has_no_id() -> None:
    (found,) = resources_in(state(job("ftjob-old"), pending=[job()]))

    assert (found.job_id, found.identity) == (None, "mine")


def test_a_replaced_job_is_ignored() -> None:
    (found,) = resources_in(state(job("ftjob-new"), job("ftjob-old", delete=True)))

    assert found.job_id == "ftjob-new"


@pytest.mark.parametrize(
    ("found", "is_owned"),
    [
        (Job(id="ftjob-1"), True),
        (Job(id="ftjob-2", metadata={RESOURCE_KEY: "mine"}), True),
        (Job(id="ftjob-2", metadata={RESOURCE_KEY: "other"}), False),
        (Job(id="ftjob-2"), False),
    ],
)
def test_jobs_are_owned_by_id_or_identity(found: Job, *, is_owned: bool) -> None:
    (resource,) = resources_in(state(job("ftjob-1")))

    assert resource.owns(found) == is_owned


def test_an_imported_job_without_identity_owns_only_its_id() -> None:
    (resource,) = resources_in(state(job("ftjob-1", inputs={})))

    assert not resource.owns(Job(id="ftjob-2", metadata={}))


@pytest.mark.parametrize("empty", [{}, {"deployment": None}, {"deployment": {"resources": None}}])
def test_an_empty_state_has_no_jobs(empty: dict[str, Any]) -> None:
    assert resources_in(empty) == []

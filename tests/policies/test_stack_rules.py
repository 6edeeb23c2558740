from __future__ import annotations

from typing import Any

import pytest
from tests.policies.harness import UNKNOWN, VALID, resource, stack_violations, violations

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.policies.stack_rules import PROTECT_IN_PRODUCTION, TRAINING_FILE_PURPOSE


def file(purpose: Any) -> Any:
    return resource(FILE_TYPE, {**VALID[FILE_TYPE], "purpose": purpose}, "data")


@pytest.mark.parametrize("purpose", ["fine-tune", UNKNOWN])
def test_a_job_may_use_a_file_for_fine_tuning(purpose: str) -> None:
    job = resource(JOB_TYPE, {"training_file": UNKNOWN}, "job", training_file=file(purpose))

    assert stack_violations(TRAINING_FILE_PURPOSE, file(purpose), job) == []


@pytest.mark.parametrize("name", ["training_file", "validation_file"])
def test_a_file_with_another_purpose_is_refused(name: str) -> None:
    batch = file("batch")
    job = resource(JOB_TYPE, {"training_file": UNKNOWN}, "job", **{name: batch})

    assert stack_violations(TRAINING_FILE_PURPOSE, job, batch) == [
        ("job", f'{name}: File "data" has the purpose [hidden]: set purpose="fine-tune" on that resource')
    ]


def test_files_unused_by_jobs_may_have_any_purpose() -> None:
    job = resource(JOB_TYPE, {"training_file": "file-abc"}, "job")

    assert stack_violations(TRAINING_FILE_PURPOSE, file("batch"), job) == []


def test_an_exempt_job_is_not_checked() -> None:
    job = resource(JOB_TYPE, {}, "job", training_file=file("batch"))

    assert stack_violations(TRAINING_FILE_PURPOSE, file("batch"), job, config={"exempt": ["job"]}) == []


@pytest.mark.parametrize("kind", [JOB_TYPE, PERMISSION_TYPE])
def test_unprotected_resources_in_production_are_refused(kind: str) -> None:
    assert violations(PROTECT_IN_PRODUCTION, kind, VALID[kind], stack="prod") == [
        "opts.protect: is not set, and prod is a production stack: set opts=pulumi.ResourceOptions(protect=True)"
    ]
    assert violations(PROTECT_IN_PRODUCTION, kind, VALID[kind], stack="prod", protect=True) == []
    assert violations(PROTECT_IN_PRODUCTION, kind, VALID[kind], stack="dev") == []


def test_which_stacks_are_production_can_be_configured() -> None:
    assert (
        len(
            violations(
                PROTECT_IN_PRODUCTION,
                JOB_TYPE,
                VALID[JOB_TYPE],
                stack="prod-eu",
                config={"stacks": ["prod-*"]},
            )
        )
        == 1
    )
    assert (
        violations(
            PROTECT_IN_PRODUCTION, JOB_TYPE, VALID[JOB_TYPE], stack="prod", config={"stacks": ["live"]}
        )
        == []
    )

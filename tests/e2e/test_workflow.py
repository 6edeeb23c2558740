"""The lifecycle of the example `complete_workflow`, compared with the objects of the emulator."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def stack(make_stack: Callable[..., Stack], tmp_path: Path) -> Stack:
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    program = (EXAMPLES / "complete_workflow" / "__main__.py").read_text()
    made = make_stack(program)
    made.configure(
        **{
            "complete-workflow:use_admin_key": "true",
            "complete-workflow:project_ids": ["proj_partner", "proj_other"],
        }
    )
    return made


def assert_state_matches_service(stack: Stack, service: Emulator) -> None:
    """Assert that the state contains exactly the objects of the service."""
    uploaded = {file["id"] for file in service.files() if file["purpose"] == "fine-tune"}
    permissions = stack.ids("FineTuningCheckpointPermission")
    assert stack.ids("File") == uploaded
    assert {permission["project_id"] for permission in service.permissions()} == (
        {"proj_partner", "proj_other"} if permissions else set()
    )
    assert stack.ids("FineTuningJob") <= {job["id"] for job in service.jobs()}


@pytest.mark.parametrize("host", [pytest.param("stock", marks=pytest.mark.core), "ours"])
def test_the_full_lifecycle_works(stack: Stack, service: Emulator, tmp_path: Path) -> None:
    stack.up()

    outputs = stack.outputs()
    (job,) = service.jobs()
    assert stack.ids("FineTuningJob") == {job["id"]} == {outputs["job_id"]}
    assert outputs["job_status"] == "succeeded"
    assert outputs["fine_tuned_model"] == job["fine_tuned_model"]
    assert outputs["file_id"] == job["training_file"]
    assert outputs["latest_event"] == "The job has successfully completed"
    assert outputs["permission_ids"] == {
        permission["project_id"]: permission["id"] for permission in service.permissions()
    }
    assert_state_matches_service(stack, service)

    stack.preview("--expect-no-changes")
    stack.refresh()
    stack.preview("--expect-no-changes")
    assert len(service.jobs()) == 1
    assert_state_matches_service(stack, service)

    edit(tmp_path / "data" / "customer_support.jsonl")
    assert stack.planned() == {
        "training": ["replace"],
        "support": ["replace"],
        "share": ["replace"],
    }
    stack.up()
    assert len(service.jobs()) == 2
    assert stack.outputs()["job_id"] != outputs["job_id"]
    assert_state_matches_service(stack, service)
    stack.preview("--expect-no-changes")

    stack.destroy()
    assert_state_matches_service(stack, service)
    assert stack.ids("File") == set()
    assert service.permissions() == []


def edit(data: Path) -> None:
    """Remove an example."""
    lines = data.read_text().splitlines(keepends=True)
    data.write_text("".join(lines[1:]))


@pytest.mark.core
@ON_BOTH_HOSTS
def test_a_lost_state_creates_no_second_job(stack: Stack, service: Emulator) -> None:
    stack.up()
    before: Any = stack.outputs()["job_id"]
    stack.pulumi("state", "delete", "--all", "--force", "--yes")

    stack.up()

    assert stack.outputs()["job_id"] == before
    assert len(service.jobs()) == 1


COMPONENT = """
import pulumi
import pulumi_openai_ft as openai_ft

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Team", name)
        opts = pulumi.ResourceOptions(parent=self)
        file = openai_ft.File(name, file="data.jsonl", opts=opts)
        openai_ft.FineTuningJob(name, model="gpt-4o-mini", training_file=file, triggers=TRIGGERS, opts=opts)

Team("red")
Team("blue")
"""


@ON_BOTH_HOSTS
def test_equal_components_create_a_single_job(
    make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path
) -> None:
    """The second job may be the first one after a rename."""
    stack = make_stack(COMPONENT.replace("TRIGGERS", "None"))
    write_training_data(tmp_path / "program" / "data.jsonl")

    text = stack.up(code=1).text

    assert "with the same training data and inputs" in text or "has the same training data and inputs" in text
    assert len(service.jobs()) == 1


@ON_BOTH_HOSTS
def test_equal_components_with_triggers_create_a_job_each(
    make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path
) -> None:
    stack = make_stack(COMPONENT.replace("TRIGGERS", "[name]"))
    write_training_data(tmp_path / "program" / "data.jsonl")

    stack.up()

    assert stack.ids("FineTuningJob") == {job["id"] for job in service.jobs()}
    assert len(service.jobs()) == 2
    stack.preview("--expect-no-changes")

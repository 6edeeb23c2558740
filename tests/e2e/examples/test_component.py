"""The lifecycle of `FineTunedModel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import resources, with_data
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

model = openai_ft.FineTunedModel(
    "support", model="gpt-4o-mini", training_file="data.jsonl", suffix="support"
)
pulumi.export("model", model.fine_tuned_model)
pulumi.export("file", model.training_file_id)
pulumi.export("permissions", model.permission_ids)
"""
SHARED = PROGRAM.replace('suffix="support"', 'suffix="support", share_with=["proj_b"]')
RENAMED = PROGRAM.replace(
    '"support", model', '"helper", opts=pulumi.ResourceOptions(aliases=[OLD]), model'
).replace("import pulumi_openai_ft", 'OLD = pulumi.Alias(name="support")\nimport pulumi_openai_ft')
BEST = """
import pulumi
import pulumi_openai_ft as openai_ft

model = openai_ft.FineTunedModel(
    "support",
    model="gpt-4o-mini",
    training_file="data.jsonl",
    validation_file="checks.jsonl",
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 8}}},
    share_with=["proj_b"],
    use_checkpoint="best",
)
pulumi.export("model", model.fine_tuned_model)
"""
PROTECTED = PROGRAM.replace('"support", model', '"support", opts=pulumi.ResourceOptions(protect=True), model')


def write(stack: Stack, program: str) -> None:
    (stack.folder / "__main__.py").write_text(program)


@ON_BOTH_HOSTS
def test_the_component_has_a_full_lifecycle(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = with_data(make_stack(PROGRAM))
    stack.up()
    (job,) = service.jobs()
    outputs = {"model": job["fine_tuned_model"], "file": job["training_file"], "permissions": {}}
    assert stack.outputs() == outputs

    write(stack, SHARED)
    stack.up()
    (grant,) = service.permissions()
    assert stack.outputs() == {**outputs, "permissions": {"proj_b": grant["id"]}}
    assert len(service.jobs()) == 1

    write_training_data(stack.folder / "data.jsonl", answer="Ask a colleague.")
    assert {name: steps[0] for name, steps in stack.planned().items()} == {
        "support-training": "replace",
        "support": "replace",
    }
    stack.up()
    _, second = service.jobs()
    assert stack.outputs()["model"] == second["fine_tuned_model"]
    assert {grant["checkpoint"] for grant in service.permissions()} == {second["fine_tuned_model"]}
    stack.preview("--expect-no-changes")

    stack.destroy()
    assert {file["purpose"] for file in service.files()} == {"fine-tune-results"}
    assert service.permissions() == []


@ON_BOTH_HOSTS
def test_the_best_checkpoint_is_published_and_shared(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    """The emulator's jobs overfit after four epochs. Only `up` asks for checkpoints, and previews after it."""
    stack = with_data(make_stack(BEST))
    write_training_data(stack.folder / "checks.jsonl", answer="Ask the support.")
    stack.preview()
    assert service.counts().get("GET /v1/fine_tuning/jobs/{job_id}/checkpoints", 0) == 0

    stack.up()

    (job,) = service.jobs()
    best = stack.outputs()["model"]
    assert best.startswith("ft:gpt-4o-mini")
    assert ":ckpt-step-" in best
    assert best != job["fine_tuned_model"]
    assert [grant["checkpoint"] for grant in service.permissions()] == [best]
    stack.preview("--expect-no-changes")

    write(stack, BEST.replace('"best"', '"last"'))
    stack.up()
    assert stack.outputs()["model"] == job["fine_tuned_model"]
    assert [grant["checkpoint"] for grant in service.permissions()] == [job["fine_tuned_model"]]
    assert len(service.jobs()) == 1


@pytest.mark.long
def test_a_best_checkpoint_needs_a_service_with_checkpoints(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(BEST))
    write_training_data(stack.folder / "checks.jsonl", answer="Ask the support.")
    stack.pulumi("config", "set", "openai-ft:service", "generic")

    refused = stack.preview(code=1)

    assert (
        "FineTunedModel 'support': use_checkpoint: the service 'generic' does not support checkpoints"
        in refused.text
    )
    assert service.jobs() == []


@pytest.mark.long
def test_a_lost_state_creates_no_second_job(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = with_data(make_stack(PROGRAM))
    stack.up()
    before = stack.outputs()
    stack.pulumi("stack", "rm", "dev", "--yes", "--force", "--preserve-config")
    stack.init("dev")

    stack.up()

    assert stack.outputs() == before
    assert len(service.jobs()) == 1
    assert len([file for file in service.files() if file["purpose"] == "fine-tune"]) == 1


def test_its_options_apply_to_its_child_resources(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(PROGRAM))
    stack.up()
    created = resources(stack)["support"]["id"]

    write(stack, RENAMED)
    stack.up()
    assert {name: entry["id"] for name, entry in resources(stack).items()}["helper"] == created
    assert len(service.jobs()) == 1

    write(stack, PROTECTED.replace('"support", ', '"helper", ', 1))
    stack.up()
    assert all(entry["protect"] for entry in resources(stack).values())

"""A gateway that forwards jobs and supports no events, checkpoints, permissions or models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

file = openai_ft.File("data", file="data.jsonl")
method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "lora_r": 8}}}
job = openai_ft.FineTuningJob(
    "job",
    model="gpt-4o-mini",
    training_file=file,
    method=method,
    metadata={"team": "shop"},
    extra_body={"custom_llm_provider": "somebody"},
)
pulumi.export("model", job.fine_tuned_model)
"""
SHARE = """
openai_ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"])
"""


@pytest.fixture
def service(service: Emulator) -> Emulator:
    service.settings.mode = "gateway"
    return service


@pytest.fixture
def stack(make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path) -> Stack:
    """A stack with the settings in its configuration, where `refresh` and `destroy` find them."""
    made = make_stack(PROGRAM, OPENAI_BASE_URL=None)
    write_training_data(tmp_path / "program" / "data.jsonl")
    made.configure(**{"openai-ft:service": "generic", "openai-ft:baseUrl": service.url})
    return made


def test_a_gateway_supports_the_full_lifecycle(stack: Stack, service: Emulator, tmp_path: Path) -> None:
    stack.up()

    (job,) = service.jobs()
    assert stack.ids("FineTuningJob") == {job["id"]}
    assert stack.outputs() == {"model": job["fine_tuned_model"]}
    hyperparameters = job["method"]["supervised"]["hyperparameters"]
    assert (hyperparameters["n_epochs"], hyperparameters["lora_r"]) == (2, 8)

    stack.preview("--expect-no-changes")
    stack.refresh("--expect-no-changes")
    stack.preview("--expect-no-changes")

    (tmp_path / "program" / "__main__.py").write_text(PROGRAM + SHARE)
    refused = stack.preview(code=None)
    assert refused.code != 0
    assert "this resource: the service 'generic' does not support checkpoint permissions" in refused.text
    assert "Traceback" not in refused.text

    stack.destroy()
    assert [file["purpose"] for file in service.files()] == ["fine-tune-results"]
    assert len(service.jobs()) == 1
    assert service.permissions() == []

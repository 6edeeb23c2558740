"""A test with the real engine against the emulator. It takes a few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi import automation

    from pulumi_openai_ft.testing import EmulatorFixture


def test_up_trains_one_model(openai_ft_stack: automation.Stack, openai_ft_emulator: EmulatorFixture) -> None:
    outputs = openai_ft_stack.up().outputs

    (job,) = openai_ft_emulator.jobs()
    (file,) = openai_ft_emulator.files(purpose="fine-tune")
    assert job.status == "succeeded"
    assert job.training_file == file.id
    assert outputs["model"].value == job.fine_tuned_model
    assert len(openai_ft_emulator.requests("POST", "/v1/fine_tuning/jobs")) == 1

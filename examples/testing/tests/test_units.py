"""Unit tests with Pulumi's mocks: no engine, no emulator, milliseconds per test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_openai_ft.testing import Mocks

PROGRAM = Path(__file__).parents[1]


def test_the_model_is_named_after_the_stack(openai_ft_mocks: Mocks) -> None:
    outputs = openai_ft_mocks.run(PROGRAM)

    job = openai_ft_mocks.resource("support")
    assert job.typ == "pulumi-python:dynamic/openai_ft:FineTuningJob"
    assert job.inputs == {"model": "gpt-4o-mini", "training_file": "file-data", "suffix": "test"}
    assert outputs == {"model": "ft:gpt-4o-mini:mocks:test:support"}


def test_nothing_is_shared_by_default(openai_ft_mocks: Mocks) -> None:
    openai_ft_mocks.run(PROGRAM)

    assert [resource.name for resource in openai_ft_mocks.resources] == ["data", "support"]


def test_the_model_is_shared_with_the_configured_projects(openai_ft_mocks: Mocks) -> None:
    outputs = openai_ft_mocks.run(PROGRAM, config={"openai-ft-testing-example:projects": '["proj_partner"]'})

    share = openai_ft_mocks.resource("share")
    assert share.typ == "pulumi-python:dynamic/openai_ft:FineTuningCheckpointPermission"
    assert share.inputs == {"checkpoint_id": outputs["model"], "project_ids": ["proj_partner"]}

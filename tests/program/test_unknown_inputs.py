from __future__ import annotations

from typing import Any

import pulumi
import pytest

import pulumi_openai_ft as openai_ft
from pulumi_openai_ft.errors import InputError

JOB: dict[str, Any] = {"model": "gpt-4.1-mini", "training_file": "file-1"}


@pytest.mark.parametrize(
    ("resource", "inputs", "message"),
    [
        (
            openai_ft.FineTuningJob,
            {**JOB, "methods": {}},
            "FineTuningJob resource 'it' has a problem: methods: is not a known property. Did you mean 'method'?",
        ),
        (
            openai_ft.File,
            {"fil": "a.jsonl", "zzz": 1},
            (
                "File resource 'it' has a problem: fil: is not a known property. Did you mean 'file'?; "
                "zzz: is not a known property"
            ),
        ),
        (
            openai_ft.FineTuningCheckpointPermission,
            {"checkpoint_id": "ft:a", "project_id": ["proj_a"]},
            (
                "FineTuningCheckpointPermission resource 'it' has a problem: project_id: is not a known property. "
                "Did you mean 'project_ids'?"
            ),
        ),
    ],
)
def test_a_misspelled_input_is_one_sentence(resource: Any, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        resource("it", **inputs)

    assert str(caught.value) == message
    assert isinstance(caught.value, pulumi.RunError)  # Pulumi prints its message without a traceback


def test_a_subclass_may_take_any_arguments() -> None:
    class Job(openai_ft.FineTuningJob):
        def __init__(self, **given: Any) -> None:
            self.given = given

    assert Job(anything=1).given == {"anything": 1}

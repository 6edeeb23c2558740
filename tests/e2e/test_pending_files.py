"""Training files that another resource writes, and plans with values that are only known during `up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

WRITER = """
import os
import pathlib
import shutil
import pulumi
import pulumi.dynamic
import pulumi_openai_ft as openai_ft

class Writer(pulumi.dynamic.ResourceProvider):
    def create(self, props):
        shutil.copy("source.jsonl", "written.jsonl")
        return pulumi.dynamic.CreateResult("writer", {"path": "written.jsonl", **props})

class Written(pulumi.dynamic.Resource):
    path: pulumi.Output[str]

    def __init__(self, name):
        super().__init__(Writer(), name, {"path": None})

written = Written("writer")
"""
JOB = """
openai_ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data)
"""
BY_DEPENDENCY = f"""{WRITER}
data = openai_ft.File("data", file="written.jsonl", opts=pulumi.ResourceOptions(depends_on=[written]))
{JOB}"""
BY_OUTPUT = f"""{WRITER}
data = openai_ft.File("data", file=written.path)
{JOB}"""


@pytest.mark.parametrize(
    "program", [BY_DEPENDENCY, pytest.param(BY_OUTPUT, marks=pytest.mark.long)], ids=["depends_on", "output"]
)
def test_a_plan_accepts_a_file_written_during_up(
    make_stack: Callable[..., Stack], service: Emulator, program: str
) -> None:
    stack = make_stack(program)
    write_training_data(stack.folder / "source.jsonl")

    preview = stack.preview("--save-plan", "plan.json").text
    stack.up("--plan", "plan.json")

    assert ("'written.jsonl' does not exist yet: it is read during `up`" in preview) == (
        program is BY_DEPENDENCY
    )
    assert len(service.jobs()) == 1
    assert stack.planned() == {}


def test_a_missing_file_of_existing_dependencies_is_an_error(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(BY_DEPENDENCY)
    write_training_data(stack.folder / "source.jsonl")
    stack.up()
    (stack.folder / "written.jsonl").unlink()

    text = stack.preview(code=1).text

    assert "'written.jsonl' cannot be read (no such file or directory)" in text
    assert 'if an update of a resource in `depends_on` writes it, set validate="off"' in text
    program = stack.folder / "__main__.py"
    program.write_text(
        program.read_text().replace('file="written.jsonl"', 'file="written.jsonl", validate="off"')
    )
    assert "'written.jsonl' does not exist yet" in stack.preview().text

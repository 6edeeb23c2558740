"""Pulumi runs the configured type checker on the program and on the policy pack in its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
pulumi.export("file", data.id)
"""
CHECKERS = ["mypy", pytest.param("pyright", marks=pytest.mark.long)]


def make(make_stack: Callable[..., Stack], checker: str) -> Stack:
    """Make a stack with a type checker, and with a policy pack from `openai-ft init`."""
    stack = make_stack(PROGRAM)
    write_training_data(stack.folder / "data.jsonl")
    (stack.folder / "env").symlink_to(sys.prefix)
    project = stack.folder / "Pulumi.yaml"
    options = f"{{virtualenv: env, typechecker: {checker}}}"
    project.write_text(
        project.read_text().replace("runtime: python", f"runtime: {{name: python, options: {options}}}")
    )
    command = [str(Path(sys.executable).parent / "openai-ft"), "init", "--policies"]
    subprocess.run(command, cwd=stack.folder, env=stack.environment, check=True, capture_output=True)
    return stack


@pytest.mark.parametrize("checker", CHECKERS)
def test_only_an_error_of_the_program_stops_the_preview(
    make_stack: Callable[..., Stack], checker: str
) -> None:
    stack = make(make_stack, checker)

    output = stack.preview("--policy-pack", "policies").text

    assert "+ 2 to create" in output
    assert "Policies:" in output

    with (stack.folder / "__main__.py").open("a") as program:
        program.write("wrong: int = data.filename\n")

    output = stack.preview(code=1).text

    assert f"{checker} failed" in output
    assert "__main__.py" in output

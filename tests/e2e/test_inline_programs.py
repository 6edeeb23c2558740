"""Inline programs of Pulumi's Automation API, which run in the process of their caller."""

from __future__ import annotations

import subprocess
import sys
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

CALLER = """
import os
import sys
from pathlib import Path
import pulumi
import pulumi_openai_ft as ft
from pulumi import automation

DATA = {
    "text": lambda: "data.jsonl",
    "path": lambda: Path("data.jsonl"),
    "asset": lambda: pulumi.FileAsset("data.jsonl"),
    "output": lambda: pulumi.Output.from_input("data.jsonl"),
}

def program():
    data = ft.File("data", file=DATA[os.environ["FORM"]]())
    job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data)
    pulumi.export("model", job.fine_tuned_model)

stack = automation.create_or_select_stack(
    "dev", "shop", program, opts=automation.LocalWorkspaceOptions(work_dir=sys.argv[1])
)
if sys.argv[2] == "up":
    print(stack.up(color="never", on_output=sys.stderr.write).outputs["model"].value)
else:
    stack.preview(color="never", on_output=sys.stderr.write, expect_no_changes=True)
"""


@pytest.fixture
def run(make_stack: Callable[..., Stack], tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs a command of the caller, in another directory than that of the project."""
    project = make_stack("")
    (project.folder / "__main__.py").unlink()
    write_training_data(project.folder / "data.jsonl", answer="The file of another directory.")
    write_training_data(tmp_path / "data.jsonl")
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER)

    def run(command: str, **changes: str) -> str:
        done = subprocess.run(
            [sys.executable, caller, project.folder, command],
            cwd=tmp_path,
            env={**project.environment, **changes},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("form", ["text", "path", "asset", "output"])
def test_program_and_provider_read_the_same_file(
    run: Callable[..., str], service: Emulator, tmp_path: Path, form: str
) -> None:
    model = run("up", FORM=form).strip()

    assert [job["fine_tuned_model"] for job in service.jobs()] == [model]
    (file,) = (file for file in service.files() if file["purpose"] == "fine-tune")
    assert file["bytes"] == (tmp_path / "data.jsonl").stat().st_size
    run("preview", FORM=form)
    write_training_data(tmp_path / "data.jsonl", answer="Under Account, then Security.")
    assert run("up", FORM=form).strip() != model
    assert len(service.jobs()) == 2

"""The shell script of `examples/ci`, which its workflow runs, and the nightly check of a state."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.policies.test_packs import LASTING_CATALOG
from tests.e2e.running import MAX_WAIT, finish_jobs, freeze_jobs, wait_until
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "examples" / "ci" / "fine-tuning.sh"
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
job = openai_ft.FineTuningJob(
    "job", model=pulumi.Config().get("model") or "gpt-4o-mini-2024-07-18", training_file=data
)
pulumi.export("model", job.fine_tuned_model)
"""


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A project with the virtual environment that the script creates."""
    made = make_stack(PROGRAM)
    write_training_data(made.folder / "data.jsonl")
    (made.folder / "venv").symlink_to(sys.prefix)
    (made.folder / "requirements.txt").write_text("pulumi\n")  # already installed, so pip makes no changes
    file = made.folder / "Pulumi.yaml"
    named = "runtime: {name: python, options: {virtualenv: venv}}"
    file.write_text(file.read_text().replace("runtime: python", named))
    run(made, Path(sys.executable).with_name("openai-ft"), "init", "--policies")
    shutil.copy(SCRIPT.with_name("config.json"), made.folder / "policies")
    made.configure(**{"openai-ft:catalog": LASTING_CATALOG})
    return made


def run(stack: Stack, *command: object, code: int | None = 0) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code if code is not None else done.returncode, done.stdout
    return done.stdout


def test_a_pull_request_leads_to_a_checked_model(stack: Stack, service: Emulator) -> None:
    output = run(stack, "sh", SCRIPT, "preview")
    assert "[advisory]  fine-tuning-deadline" in output
    assert service.files() == service.jobs() == []

    run(stack, "sh", SCRIPT, "up")
    assert stack.outputs()["model"] == service.jobs()[0]["fine_tuned_model"]

    assert "advisory   fine-tuning-deadline  job " in run(stack, "sh", SCRIPT, "check")


@pytest.mark.parametrize("model", ["gpt-4.1-nano", pytest.param("gpt-4o-minni", marks=pytest.mark.long)])
def test_a_violation_stops_the_preview_and_the_update(stack: Stack, service: Emulator, model: str) -> None:
    stack.configure(model=model)

    for command in ("preview", "up"):
        assert "fine-tuning-supported-model" in run(stack, "sh", SCRIPT, command, code=None)
    assert service.files() == service.jobs() == []


def test_the_next_run_resumes_training_after_a_cancellation(stack: Stack, service: Emulator) -> None:
    """GitHub interrupts only the shell of the step; with `exec`, Pulumi replaces it."""
    freeze_jobs(service)
    step = stack.folder / "step.sh"
    step.write_text(f"exec sh {SCRIPT} up\n")

    with subprocess.Popen(
        ["bash", "-e", step], cwd=stack.folder, env=stack.environment, stdout=subprocess.DEVNULL
    ) as shell:
        wait_until(service.jobs)
        shell.send_signal(signal.SIGINT)
        assert shell.wait(MAX_WAIT) != 0
    finish_jobs(service)
    run(stack, "sh", SCRIPT, "up")

    (job,) = service.jobs()
    assert stack.outputs()["model"] == job["fine_tuned_model"]


def test_a_nightly_check_finds_a_model_shut_down_since(stack: Stack) -> None:
    stack.up()
    before = stack.export()
    retired = json.dumps({"gpt-4o-mini-2024-07-18": {"shutdown_date": "2026-01-01"}})
    stack.configure(**{"openai-ft:catalog": retired})
    stack.up()

    found = json.loads(run(stack, "openai-ft", "policy", "check", "--json", "--stack", "dev", code=None))

    (model,) = (finding for finding in found if finding["level"] == "mandatory")
    assert (model["rule"], model["name"]) == ("fine-tuning-supported-model", "job")
    assert "OpenAI shut it down on 2026-01-01" in model["message"]
    assert [resource["urn"] for resource in json.loads(before)["deployment"]["resources"]] == [
        resource["urn"] for resource in json.loads(stack.export())["deployment"]["resources"]
    ]


def test_a_check_without_a_stack_is_reported(stack: Stack) -> None:
    output = run(stack, "openai-ft", "policy", "check", "--stack", "nowhere", code=None)

    assert output.startswith("openai-ft: no stack named 'nowhere' found")

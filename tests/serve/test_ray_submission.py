"""Requests to Ray, whose shell commands are run here without Ray. tests/ray has the tests with a cluster."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft.serve.engines.ray.submission import (
    MARKER,
    NO_FOLDER,
    WITHDRAWN,
    Command,
    Resources,
    explain_wait,
)

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30


def run_entrypoint(folder: Path, submission_id: str) -> int:
    command = Command("true", Resources())
    entrypoint = command.request(submission_id, folder)["entrypoint"]
    return subprocess.run(["/bin/sh", "-c", entrypoint], check=False, capture_output=True).returncode


def test_a_submission_trains_only_while_its_folder_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "a 'folder' $HOME"
    assert run_entrypoint(folder, "ftjob-a-1") == NO_FOLDER
    folder.mkdir()
    assert run_entrypoint(folder, "ftjob-a-1") == WITHDRAWN
    (folder / MARKER).write_text("ftjob-a-2")
    assert run_entrypoint(folder, "ftjob-a-1") == WITHDRAWN
    assert run_entrypoint(folder, "ftjob-a-2") == 0
    assert (folder / "trainer.log").exists()


def test_a_request_reserves_the_resources_and_the_grace(tmp_path: Path) -> None:
    resources = Resources(cpus=4, gpus=2, memory=GIB, accelerator="A100")
    command = Command("python", resources, {"image_uri": "team/train:1", "env_vars": {"LANG": "C.UTF-8"}})
    request = command.request("ftjob-a-1", tmp_path / "ftjob-a")
    del request["entrypoint"]
    assert request == {
        "metadata": {"job": "ftjob-a"},
        "runtime_env": {
            "image_uri": "team/train:1",
            "env_vars": {"LANG": "C.UTF-8", "RAY_JOB_STOP_WAIT_TIME_S": "60"},
        },
        "entrypoint_num_cpus": 4,
        "entrypoint_num_gpus": 2,
        "entrypoint_memory": GIB,
        "entrypoint_resources": {"accelerator_type:A100": 0.001},
    }


def test_several_workers_reserve_nothing_for_their_driver(tmp_path: Path) -> None:
    command = Command("python", Resources(cpus=2, workers=3))
    request = command.request("ftjob-a-1", tmp_path)
    assert [name for name in request if name.startswith("entrypoint_")] == []
    assert "pulumi_openai_ft.trainer.cluster" in request["entrypoint"]
    assert command.cluster() == {"workers": 3, "cpus": 2, "gpus": 0}


@pytest.mark.parametrize(
    ("resources", "usage", "level", "expected"),
    [
        (Resources(), {"CPU": (2, 2)}, "info", "in the queue of the Ray cluster for 1 CPU"),
        (Resources(gpus=2), {"CPU": (0, 2), "GPU": (3, 4)}, "info", "for 2 GPUs"),
        (
            Resources(gpus=2),
            {"CPU": (0, 2)},
            "warn",
            "waits for 2 GPUs, which the Ray cluster does not have now",
        ),
        (
            Resources(accelerator="A100"),
            {"CPU": (0, 2), "acceleratorType:A100": (1, 1)},
            "info",
            "for an accelerator of type A100",
        ),
        (
            Resources(memory=8 * GIB),
            {"CPU": (0, 2), "memory": (0, GIB)},
            "warn",
            "waits for 8.0 GiB of memory",
        ),
        (
            Resources(cpus=2),
            {"CPU": (2, 8)},
            "info",
            "until a machine of the Ray cluster has 2 CPUs at the same time",
        ),
        (Resources(), {}, "info", "until a machine of the Ray cluster has 1 CPU at the same time"),
    ],
)
def test_a_wait_names_the_missing_resource(
    resources: Resources, usage: dict[str, tuple[float, float]], level: str, expected: str
) -> None:
    message, found = explain_wait(resources, usage)
    assert found == level
    assert expected in message

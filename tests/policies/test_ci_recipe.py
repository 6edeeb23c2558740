"""The workflow in `examples/ci` keeps keys where they belong and runs what the script does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
SCRIPT = CI / "fine-tuning.sh"


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    # YAML reads the key `on` as true.
    text = (CI / "fine-tuning.yml").read_text().replace("\non:\n", "\n'on':\n")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_forks_get_no_keys(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()

    assert set(workflow["on"]) == {"pull_request", "push", "schedule"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert workflow["permissions"] == {"contents": "read"}


def test_main_alone_is_updated(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    (run,) = (step["run"] for step in job["steps"] if "run" in step)

    assert workflow["on"]["push"] == {"branches": ["main"]}
    assert run.startswith("exec sh ci/fine-tuning.sh ${{ github.event_name == 'push' && 'up' || ")


def test_an_update_is_not_cut_off_by_the_next(workflow: dict[str, Any]) -> None:
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_actions_are_pinned_by_their_major_versions(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert len(used) == 3
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_secrets_come_from_the_secret_store(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    (environment,) = (step["env"] for step in job["steps"] if "env" in step)

    secret = {name for name in environment if re.search("KEY|PASSPHRASE", name)}
    assert len(secret) == 5
    assert [name for name in secret if environment[name] != f"${{{{ secrets.{name} }}}}"] == []


def test_the_script_has_no_preview_to_skip() -> None:
    commands = [line for line in SCRIPT.read_text().splitlines() if line.lstrip().startswith("exec pulumi ")]

    assert len(commands) == 2
    assert [line for line in commands if "--skip-preview" in line or '"$@"' not in line] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: "),
        (["down"], "PULUMI_BACKEND_URL is not set: where the state lies, such as s3://our-bucket"),
    ],
)
def test_the_script_says_what_it_needs(arguments: list[str], said: str) -> None:
    done = subprocess.run(["sh", SCRIPT, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert said in done.stderr

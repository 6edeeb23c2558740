"""The recipes in `examples/ci` do not expose keys, and run the commands of the script."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_openai_ft.cli import policy_config

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


def test_only_main_is_updated(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    (run,) = (step["run"] for step in job["steps"] if "run" in step)

    assert workflow["on"]["push"] == {"branches": ["main"]}
    assert run.startswith("exec sh ci/fine-tuning.sh ${{ github.event_name == 'push' && 'up' || ")


def test_the_recipes_policies_reject_unknown_models() -> None:
    configured = policy_config.read(CI / "config.json")["fine-tuning-supported-model"]

    assert configured.limits == {"complete": True}


def test_an_update_is_not_interrupted_by_the_next(workflow: dict[str, Any]) -> None:
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_actions_are_pinned_by_their_major_versions(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert len(used) == 3
    assert "pulumi/actions@v7" in used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action)] == []


def test_secrets_come_from_the_secret_store(workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    (environment,) = (step["env"] for step in job["steps"] if "env" in step)

    secret = {name for name in environment if re.search("KEY|PASSPHRASE", name)}
    assert len(secret) == 5
    assert [name for name in secret if environment[name] != f"${{{{ secrets.{name} }}}}"] == []


@pytest.fixture(scope="module")
def gitlab_job() -> dict[str, Any]:
    (job,) = yaml.safe_load((CI / "fine-tuning.gitlab-ci.yml").read_text()).values()
    found: dict[str, Any] = job
    return found


def test_gitlab_runs_each_command_on_its_event(gitlab_job: dict[str, Any]) -> None:
    commands = {rule["variables"]["COMMAND"]: rule["if"] for rule in gitlab_job["rules"]}

    assert commands == {
        "check": '$CI_PIPELINE_SOURCE == "schedule"',
        "preview": '$CI_PIPELINE_SOURCE == "merge_request_event" && '
        "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID",
        "up": '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH',
    }


def test_gitlab_never_interrupts_an_update(gitlab_job: dict[str, Any]) -> None:
    assert gitlab_job["interruptible"] is False
    assert gitlab_job["resource_group"]
    assert gitlab_job["image"]["entrypoint"] == [""]


def test_gitlab_stops_pulumi_before_it_kills_the_job(gitlab_job: dict[str, Any]) -> None:
    (line,) = gitlab_job["script"]
    limit = re.match(r"timeout --signal=INT (\d+)m ", line)

    assert limit
    assert gitlab_job["timeout"] == "6 hours"
    assert int(limit[1]) == 6 * 60 - 10


@dataclass
class Checkout:
    """A project with the script, local packages instead of an index, and a `pulumi` that records its
    arguments.
    """

    folder: Path

    def write_wheel(self, name: str) -> None:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        with zipfile.ZipFile(self.folder / "vendor" / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", metadata)
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    def require(self, *names: str) -> None:
        lines = "\n".join(names)
        (self.folder / "requirements.txt").write_text(f"--no-index\n--find-links vendor\n{lines}\n")

    def run(self, line: str = f"exec sh {SCRIPT} preview") -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.folder),
            "PATH": f"{self.folder}/tools:{Path(sys.executable).parent}:/usr/bin:/bin",
            "PULUMI_BACKEND_URL": "file://state",
            "PULUMI_CONFIG_PASSPHRASE": "tests",
            "COMMAND": "preview",
        }
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for folder in ("vendor", "tools"):
        (tmp_path / folder).mkdir()
    listing = (
        'exec python -c "import importlib.metadata as m; print(sorted(d.name for d in m.distributions()))"\n'
    )
    (tmp_path / "tools" / "pulumi").write_text(f"#!/bin/sh\n{listing}")
    (tmp_path / "tools" / "pulumi").chmod(0o755)
    return Checkout(tmp_path)


@pytest.mark.long
def test_a_failed_install_is_repeated(checkout: Checkout) -> None:
    checkout.require("shop")
    failed = checkout.run()
    checkout.write_wheel("shop")
    done = checkout.run()

    assert failed.returncode != 0
    assert (done.returncode, "'shop'" in done.stdout) == (0, True), done.stderr


def test_the_line_of_gitlab_runs_the_script(checkout: Checkout, gitlab_job: dict[str, Any]) -> None:
    (checkout.folder / "ci").mkdir()
    (checkout.folder / "ci" / SCRIPT.name).symlink_to(SCRIPT)
    (checkout.folder / "requirements.txt").touch()
    (checkout.folder / "tools" / "pulumi").write_text('#!/bin/sh\necho "pulumi $*"\n')

    done = checkout.run(gitlab_job["script"][0])

    assert done.stdout == "pulumi preview --stack prod --diff --non-interactive --policy-pack policies\n"


@pytest.mark.long
def test_changed_requirements_are_installed(checkout: Checkout) -> None:
    for name in ("shop", "books"):
        checkout.write_wheel(name)
    checkout.require("shop")
    first = checkout.run()
    checkout.require("shop", "books")
    second = checkout.run()

    assert ("'shop'" in first.stdout, "'books'" in first.stdout) == (True, False)
    assert "'books'" in second.stdout


def test_the_script_has_no_preview_to_skip() -> None:
    commands = [line for line in SCRIPT.read_text().splitlines() if line.lstrip().startswith("exec pulumi ")]

    assert len(commands) == 2
    assert [line for line in commands if "--skip-preview" in line or '"$@"' not in line] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: "),
        (
            ["down"],
            "PULUMI_BACKEND_URL is not set: the backend that stores the state, such as s3://our-bucket",
        ),
    ],
)
def test_the_script_reports_missing_settings(arguments: list[str], message: str) -> None:
    done = subprocess.run(["sh", SCRIPT, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert message in done.stderr

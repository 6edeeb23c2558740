"""The README of each example: `up`, the objects of the service, a preview without changes, and `destroy`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.examples.readme_runner import EXAMPLES, ReadmeRunner, Step, masked, steps
from tests.e2e.running import freeze_jobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pulumi_openai_ft.emulator import Emulator

    RunReadme = Callable[[str], AbstractContextManager[ReadmeRunner]]

pytestmark = pytest.mark.e2e
OTHER_STACK = """
pulumi stack init other
pulumi config set use_admin_key true
pulumi config set --path 'project_ids[0]' proj_other_team
pulumi config set checkpoint_id {}
pulumi up
"""
"""Shares an existing checkpoint."""

ENVIRONMENT = dict(os.environ)
"""The environment of the user, whose cache has the package of Azure: the fixtures of tests set another cache."""
DEPLOYMENT = """
import json, sys
from pulumi_openai_ft.testing import Mocks

mocks = Mocks()
config = {"openai-ft-azure:account": "shop", "openai-ft-azure:resource_group": "models"}
outputs = mocks.run(sys.argv[1], config=config)
found = mocks.resource("support", "Deployment")
print(json.dumps({"typ": found.typ, "inputs": found.inputs, "model": outputs["fine_tuned_model"]}))
"""


def output_of(environment: dict[str, str], *arguments: str) -> str:
    """Run Python, and return its standard output."""
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def only_job(service: Emulator) -> dict[str, Any]:
    (job,) = service.jobs()
    return job


def assert_outputs_match(runner: ReadmeRunner, job: dict[str, Any]) -> dict[str, Any]:
    """Assert the outputs that most examples have in common, and return all outputs."""
    outputs = runner.outputs()
    assert job["status"] == "succeeded"
    assert outputs["fine_tuning_job_id"] == job["id"]
    assert outputs["fine_tuning_job_status"] == job["status"]
    assert outputs["fine_tuned_model"] == job["fine_tuned_model"]
    return outputs


def permission_ids_by_checkpoint(service: Emulator) -> dict[str, dict[str, str]]:
    """Return the permission ids of each checkpoint, by project."""
    found: dict[str, dict[str, str]] = {}
    for permission in service.permissions():
        found.setdefault(permission["checkpoint"], {})[permission["project_id"]] = permission["id"]
    return found


def test_basic(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("basic") as runner:
        job = only_job(service)
        assert_outputs_match(runner, job)
        assert job["user_provided_suffix"] == "my-custom-model-v1"
        assert job["model"] == "gpt-4o-mini-2024-07-18"


def test_azure(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("azure") as runner:
        assert_outputs_match(runner, only_job(service))
        (request,) = service.journal(method="POST", path="/v1/fine_tuning/jobs")
        assert request.body["trainingType"] == "globalstandard"


@pytest.mark.long
def test_azure_deploys_the_trained_model() -> None:
    """With Pulumi's mocks, because Azure cannot be reached. azure-native itself is not mocked."""
    package = output_of(ENVIRONMENT, str(EXAMPLES.parent / "tools" / "azure_native.py")).strip()

    found = json.loads(
        output_of({**ENVIRONMENT, "PYTHONPATH": package}, "-c", DEPLOYMENT, str(EXAMPLES / "azure"))
    )

    assert found["typ"] == "azure-native:cognitiveservices:Deployment"
    assert found["inputs"] == {
        "accountName": "shop",
        "resourceGroupName": "models",
        "deploymentName": "support",
        "properties": {"model": {"format": "OpenAI", "name": found["model"], "version": "1"}},
        "sku": {"name": "Standard", "capacity": 1},
    }
    assert found["model"] == "ft:gpt-4o-mini-2024-07-18:mocks:my-custom-model-v1:basic"


@pytest.mark.long
def test_nebius(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("nebius") as runner:
        outputs = runner.outputs()
        (model,) = service.models()
        assert outputs["checkpoints"][0] == model["id"]
        (request,) = service.journal(method="POST", path="/v1/fine_tuning/jobs")
        hyperparameters = request.body["method"]["supervised"]["hyperparameters"]
        assert (hyperparameters["lora_r"], hyperparameters["n_epochs"]) == (16, 3)


@pytest.mark.long
def test_bedrock(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("bedrock") as runner:
        assert_outputs_match(runner, only_job(service))
        grader = only_job(service)["method"]["reinforcement"]["grader"]
        assert grader["lambda"]["function"].endswith(":my-reward-function")


@pytest.mark.long
def test_gateway(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("gateway") as runner:
        assert_outputs_match(runner, only_job(service))
        (request,) = service.journal(method="POST", path="/v1/fine_tuning/jobs")
        assert request.body["custom_llm_provider"] == "azure"


@pytest.mark.long
def test_testing(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("testing") as runner:
        assert runner.outputs() == {"model": only_job(service)["fine_tuned_model"]}


def test_the_tests_of_an_example_pass(make_runner: Callable[[str], ReadmeRunner]) -> None:
    runner = make_runner("testing")
    (step,) = steps("testing", "## Run the tests")

    output = runner.run(step.commands)

    assert step.output.split(" in ")[0].strip() in output
    assert list(runner.folder.glob("Pulumi.*.yaml")) == []


@pytest.mark.long
def test_supervised(run_readme: RunReadme, service: Emulator) -> None:
    expected = {"n_epochs": 3, "batch_size": 8, "learning_rate_multiplier": 0.1}

    with run_readme("supervised") as runner:
        job = only_job(service)
        outputs = assert_outputs_match(runner, job)
        assert outputs["hyperparameters"] == job["method"]["supervised"]["hyperparameters"] == expected
        assert outputs["trained_tokens"] == job["trained_tokens"]
        assert job["validation_file"] is not None


@pytest.mark.long
def test_dpo(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("dpo") as runner:
        job = only_job(service)
        assert_outputs_match(runner, job)
        assert job["method"]["type"] == "dpo"
        assert job["method"]["dpo"]["hyperparameters"]["beta"] == 0.1


@pytest.mark.long
def test_wandb(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("wandb") as runner:
        job = only_job(service)
        outputs = assert_outputs_match(runner, job)
        (reported,), (kept,) = outputs["integrations"], job["integrations"]
        assert reported["wandb"].items() <= kept["wandb"].items()
        assert reported["wandb"]["project"] == "my-wandb-project"


@pytest.mark.long
def test_timeout(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("timeout") as runner:
        assert_outputs_match(runner, only_job(service))


def test_timeout_after_the_deadline(make_runner: Callable[[str], ReadmeRunner], service: Emulator) -> None:
    freeze_jobs(service)
    runner = make_runner("timeout")
    late, after = steps("timeout", "## When the deadline passes")

    runner.run_step(Step(steps("timeout")[0].commands.replace("pulumi up", ""), ""))
    runner.run_step(late, code=1)

    assert only_job(service)["status"] == "cancelled"
    runner.run_step(after)
    assert runner.resources() == []


def test_events(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("events") as runner:
        outputs, job = runner.outputs(), only_job(service)
        assert outputs["event_count"] == 50
        assert outputs["story"][0].endswith(job["id"])
        assert outputs["story"][1].endswith(job["training_file"])
        assert outputs["last_step"]["step"] == outputs["last_step"]["total_steps"]


def test_checkpoint_permissions(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("checkpoint_permissions") as runner:
        outputs = runner.outputs()
        shared = {
            outputs["checkpoint_ids"][name]: permissions
            for name, permissions in outputs["permission_ids"].items()
        }
        assert shared == permission_ids_by_checkpoint(service)
        assert outputs["checkpoint_ids"]["model"] == only_job(service)["fine_tuned_model"]

        runner.run(OTHER_STACK.format(outputs["checkpoint_ids"]["model"]))
        assert set(permission_ids_by_checkpoint(service)[outputs["checkpoint_ids"]["model"]]) == {
            "proj_partner_team",
            "proj_other_team",
        }
        assert len(service.jobs()) == 1
        runner.run("pulumi destroy --stack other\npulumi stack select dev")

        runner.run("pulumi destroy --target '**share-earlier'")
        assert list(permission_ids_by_checkpoint(service)) == [outputs["checkpoint_ids"]["model"]]
        runner.run("pulumi config set use_admin_key false\npulumi up")
        assert permission_ids_by_checkpoint(service) == {}


def test_data_sources(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("data_sources") as runner:
        outputs, job = runner.outputs(), only_job(service)
        assert outputs["trained_tokens"] == job["trained_tokens"]
        assert outputs["job_ids"] == [job["id"]]
        assert outputs["checkpoints"][0] == job["fine_tuned_model"]
        assert len(outputs["checkpoints"]) == 3
        assert outputs["shared_with"] == [permission["project_id"] for permission in service.permissions()]


def test_reinforcement(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("reinforcement") as runner:
        job = only_job(service)
        assert_outputs_match(runner, job)
        assert job["fine_tuned_model"].startswith("o4-mini-2025-04-16.ft-")
        grader = job["method"]["reinforcement"]["grader"]
        assert grader["graders"]["refund"]["reference"] == "{{item.refund}}"
        assert job["validation_file"] is not None


def test_import_existing(run_readme: RunReadme, service: Emulator) -> None:
    committed = (EXAMPLES / "import_existing" / "__main__.py").read_text()

    with run_readme("import_existing") as runner:
        job = only_job(service)
        program = runner.folder / "__main__.py"
        imported = {
            entry["urn"].rsplit("::", 1)[1]: entry
            for entry in runner.resources()
            if "dynamic" in entry["type"]
        }
        assert imported["support"]["id"] == job["id"]
        assert imported["share"]["id"] == job["fine_tuned_model"]
        assert all(entry["protect"] for entry in imported.values())
        assert ast.dump(ast.parse(masked(program.read_text()))) == ast.dump(ast.parse(masked(committed)))

        with_file = program.read_text().replace(
            'filename="customer_support.jsonl"',
            'filename="customer_support.jsonl", file="../data/customer_support.jsonl"',
        )
        program.write_text(with_file)
        runner.run("pulumi preview --expect-no-changes")


@pytest.mark.core
def test_complete_workflow(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("complete_workflow") as runner:
        outputs, job = runner.outputs(), only_job(service)
        assert outputs["job_id"] == job["id"]
        assert outputs["file_id"] == job["training_file"]
        assert outputs["permission_ids"] == permission_ids_by_checkpoint(service)[job["fine_tuned_model"]]


@pytest.mark.long
def test_component(run_readme: RunReadme, service: Emulator) -> None:
    with run_readme("component") as runner:
        assert runner.outputs() == {"fine_tuned_model": only_job(service)["fine_tuned_model"]}


@pytest.mark.parametrize(
    ("example", "switch"),
    [
        pytest.param("checkpoint_permissions", "use_admin_key", marks=pytest.mark.long),
        pytest.param("data_sources", "use_admin_key", marks=pytest.mark.long),
        ("complete_workflow", "complete-workflow:use_admin_key"),
    ],
)
def test_without_an_admin_key_only_permissions_are_missing(
    example: str, switch: str, make_runner: Callable[[str], ReadmeRunner], service: Emulator
) -> None:
    runner = make_runner(example)
    commands = steps(example)[0].commands
    without = [line for line in commands.splitlines() if "use_admin_key" not in line]
    runner.run("\n".join(without).replace(" OPENAI_ADMIN_KEY=sk-admin-made-up", ""))

    assert only_job(service)["status"] == "succeeded"
    assert service.permissions() == []
    assert f"pulumi config set {switch} true\n" in commands

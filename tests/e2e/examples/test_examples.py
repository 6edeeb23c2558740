"""Each example, by its README: up, the service's books, a preview without change, destroy, nothing left."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.examples.following import EXAMPLES, Step, Walk, masked, steps
from tests.e2e.running import hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pulumi_openai_ft.emulator import Emulator

    Following = Callable[[str], AbstractContextManager[Walk]]

pytestmark = pytest.mark.e2e
OTHER_STACK = """
pulumi stack init other
pulumi config set use_admin_key true
pulumi config set --path 'project_ids[0]' proj_other_team
pulumi config set checkpoint_id {}
pulumi up
"""
"""Shares a checkpoint that is there already."""


def only_job(service: Emulator) -> dict[str, Any]:
    (job,) = service.jobs()
    return job


def assert_tells_its_job(walker: Walk, job: dict[str, Any]) -> dict[str, Any]:
    """The outputs, three of which most examples share."""
    outputs = walker.outputs()
    assert job["status"] == "succeeded"
    assert outputs["fine_tuning_job_id"] == job["id"]
    assert outputs["fine_tuning_job_status"] == job["status"]
    assert outputs["fine_tuned_model"] == job["fine_tuned_model"]
    return outputs


def granted(service: Emulator) -> dict[str, dict[str, str]]:
    """Each checkpoint's grants: project → id."""
    found: dict[str, dict[str, str]] = {}
    for grant in service.permissions():
        found.setdefault(grant["checkpoint"], {})[grant["project_id"]] = grant["id"]
    return found


def test_basic(following: Following, service: Emulator) -> None:
    with following("basic") as walker:
        job = only_job(service)
        assert_tells_its_job(walker, job)
        assert job["user_provided_suffix"] == "my-custom-model-v1"
        assert job["model"] == "gpt-4o-mini-2024-07-18"


def test_azure(following: Following, service: Emulator) -> None:
    with following("azure") as walker:
        assert_tells_its_job(walker, only_job(service))


def test_supervised(following: Following, service: Emulator) -> None:
    asked = {"n_epochs": 3, "batch_size": 8, "learning_rate_multiplier": 0.1}

    with following("supervised") as walker:
        job = only_job(service)
        outputs = assert_tells_its_job(walker, job)
        assert outputs["hyperparameters"] == job["method"]["supervised"]["hyperparameters"] == asked
        assert outputs["trained_tokens"] == job["trained_tokens"]
        assert job["validation_file"] is not None


def test_dpo(following: Following, service: Emulator) -> None:
    with following("dpo") as walker:
        job = only_job(service)
        assert_tells_its_job(walker, job)
        assert job["method"]["type"] == "dpo"
        assert job["method"]["dpo"]["hyperparameters"]["beta"] == 0.1


def test_wandb(following: Following, service: Emulator) -> None:
    with following("wandb") as walker:
        job = only_job(service)
        outputs = assert_tells_its_job(walker, job)
        (reported,), (kept,) = outputs["integrations"], job["integrations"]
        assert reported["wandb"].items() <= kept["wandb"].items()
        assert reported["wandb"]["project"] == "my-wandb-project"


def test_timeout(following: Following, service: Emulator) -> None:
    with following("timeout") as walker:
        assert_tells_its_job(walker, only_job(service))


def test_timeout_after_the_deadline(walk: Callable[[str], Walk], service: Emulator) -> None:
    hold(service)
    walker = walk("timeout")
    late, after = steps("timeout", "## When the deadline passes")

    walker.follow(Step(steps("timeout")[0].commands.replace("pulumi up", ""), ""))
    walker.follow(late, code=1)

    assert only_job(service)["status"] == "cancelled"
    walker.follow(after)
    assert walker.resources() == []


def test_events(following: Following, service: Emulator) -> None:
    with following("events") as walker:
        outputs, job = walker.outputs(), only_job(service)
        assert outputs["event_count"] == 50
        assert outputs["story"][0].endswith(job["id"])
        assert outputs["story"][1].endswith(job["training_file"])
        assert outputs["last_step"]["step"] == outputs["last_step"]["total_steps"]


def test_checkpoint_permissions(following: Following, service: Emulator) -> None:
    with following("checkpoint_permissions") as walker:
        outputs = walker.outputs()
        shared = {
            outputs["checkpoint_ids"][name]: grants for name, grants in outputs["permission_ids"].items()
        }
        assert shared == granted(service)
        assert outputs["checkpoint_ids"]["model"] == only_job(service)["fine_tuned_model"]

        walker.run(OTHER_STACK.format(outputs["checkpoint_ids"]["model"]))
        assert set(granted(service)[outputs["checkpoint_ids"]["model"]]) == {
            "proj_partner_team",
            "proj_other_team",
        }
        assert len(service.jobs()) == 1
        walker.run("pulumi destroy --stack other\npulumi stack select dev")

        walker.run("pulumi destroy --target '**share-earlier'")
        assert list(granted(service)) == [outputs["checkpoint_ids"]["model"]]
        walker.run("pulumi config set use_admin_key false\npulumi up")
        assert granted(service) == {}


def test_data_sources(following: Following, service: Emulator) -> None:
    with following("data_sources") as walker:
        outputs, job = walker.outputs(), only_job(service)
        assert outputs["trained_tokens"] == job["trained_tokens"]
        assert outputs["job_ids"] == [job["id"]]
        assert outputs["checkpoints"][0] == job["fine_tuned_model"]
        assert len(outputs["checkpoints"]) == 3
        assert outputs["shared_with"] == [grant["project_id"] for grant in service.permissions()]


def test_reinforcement(following: Following, service: Emulator) -> None:
    with following("reinforcement") as walker:
        job = only_job(service)
        assert_tells_its_job(walker, job)
        assert job["fine_tuned_model"].startswith("o4-mini-2025-04-16.ft-")
        grader = job["method"]["reinforcement"]["grader"]
        assert grader["graders"]["refund"]["reference"] == "{{item.refund}}"
        assert job["validation_file"] is not None


def test_import_existing(following: Following, service: Emulator) -> None:
    committed = (EXAMPLES / "import_existing" / "__main__.py").read_text()

    with following("import_existing") as walker:
        job = only_job(service)
        program = walker.folder / "__main__.py"
        imported = {
            one["urn"].rsplit("::", 1)[1]: one for one in walker.resources() if "dynamic" in one["type"]
        }
        assert imported["support"]["id"] == job["id"]
        assert imported["share"]["id"] == job["fine_tuned_model"]
        assert all(one["protect"] for one in imported.values())
        assert ast.dump(ast.parse(masked(program.read_text()))) == ast.dump(ast.parse(masked(committed)))

        with_file = program.read_text().replace(
            'filename="customer_support.jsonl"',
            'filename="customer_support.jsonl", file="../data/customer_support.jsonl"',
        )
        program.write_text(with_file)
        walker.run("pulumi preview --expect-no-changes")


def test_complete_workflow(following: Following, service: Emulator) -> None:
    with following("complete_workflow") as walker:
        outputs, job = walker.outputs(), only_job(service)
        assert outputs["job_id"] == job["id"]
        assert outputs["file_id"] == job["training_file"]
        assert outputs["permission_ids"] == granted(service)[job["fine_tuned_model"]]


def test_component(following: Following, service: Emulator) -> None:
    with following("component") as walker:
        assert walker.outputs() == {"fine_tuned_model": only_job(service)["fine_tuned_model"]}


@pytest.mark.parametrize(
    ("example", "switch"),
    [
        ("checkpoint_permissions", "use_admin_key"),
        ("data_sources", "use_admin_key"),
        ("complete_workflow", "complete-workflow:use_admin_key"),
    ],
)
def test_without_the_admin_key_all_but_the_permissions_works(
    example: str, switch: str, walk: Callable[[str], Walk], service: Emulator
) -> None:
    walker = walk(example)
    commands = steps(example)[0].commands
    without = [line for line in commands.splitlines() if "use_admin_key" not in line]
    walker.run("\n".join(without).replace(" OPENAI_ADMIN_KEY=sk-admin-made-up", ""))

    assert only_job(service)["status"] == "succeeded"
    assert service.permissions() == []
    assert f"pulumi config set {switch} true\n" in commands

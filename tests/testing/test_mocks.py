"""The mocks: recorded resources, outputs of a service, and the state that a run leaves behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.runtime import settings
from tests.support import write_training_data

import pulumi_openai_ft as openai_ft
from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.testing import MockedResource, Mocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HELPER = """
import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
"""
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft
from helper import data

config = pulumi.Config()
job = openai_ft.FineTuningJob("job", model=config.require("model"), training_file=data)
pulumi.export("model", job.fine_tuned_model)
pulumi.export("project", pulumi.get_project())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program registers a resource in a module of its own."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text(HELPER)
    write_training_data(tmp_path / "data.jsonl")
    return tmp_path


@pytest.fixture
def shared_model(project: Path) -> Callable[[], None]:
    """A program with a component that registers each kind of resource."""

    def program() -> None:
        model = openai_ft.FineTunedModel(
            "support",
            model="gpt-4o-mini",
            training_file=str(project / "data.jsonl"),
            suffix="shop",
            share_with=["proj_b"],
        )
        pulumi.export("model", model.fine_tuned_model)
        pulumi.export("permissions", model.permission_ids)

    return program


def test_a_project_runs_again_with_another_configuration(openai_ft_mocks: Mocks, project: Path) -> None:
    first = openai_ft_mocks.run(project, config={"shop:model": "gpt-4o-mini"})
    second = openai_ft_mocks.run(project, config={"shop:model": "gpt-4.1-mini"})

    assert first == {"model": "ft:gpt-4o-mini:mocks::job", "project": "shop"}
    assert second == {"model": "ft:gpt-4.1-mini:mocks::job", "project": "shop"}
    assert [resource.name for resource in openai_ft_mocks.resources] == ["data", "job"] * 2


def test_resources_are_recorded_without_hidden_inputs(
    openai_ft_mocks: Mocks, shared_model: Callable[[], None]
) -> None:
    outputs = openai_ft_mocks.run(shared_model)

    model = "ft:gpt-4o-mini:mocks:shop:support"
    assert outputs == {"model": model, "permissions": {"proj_b": "cp_proj_b"}}
    _, file, job, permission = openai_ft_mocks.resources
    assert (file.typ, file.name) == (FILE_TYPE, "support-training")
    assert permission == MockedResource(
        PERMISSION_TYPE, "support", {"checkpoint_id": model, "project_ids": ["proj_b"]}
    )
    assert (job.typ, job.name) == (JOB_TYPE, "support")
    assert job is openai_ft_mocks.resource("support", "FineTuningJob")
    assert job.inputs == {"model": "gpt-4o-mini", "training_file": "file-support-training", "suffix": "shop"}


def test_a_subclass_replaces_outputs_and_results(project: Path) -> None:
    class OwnMocks(Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            created, outputs = super().new_resource(args)
            return created, {**outputs, "status": "failed"}

        def call(
            self, args: pulumi.runtime.MockCallArgs
        ) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
            return {"id": args.args["model_id"], "shutdown_date": "2027-01-14"}, []

    def program() -> None:
        data = openai_ft.File("data", file=str(project / "data.jsonl"))
        job = openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data)
        pulumi.export("status", job.status)
        pulumi.export("shutdown", openai_ft.get_model("gpt-4o-mini").shutdown_date)

    assert OwnMocks().run(program) == {"status": "failed", "shutdown": "2027-01-14"}


def test_secrets_are_recorded_as_plain_values(openai_ft_mocks: Mocks) -> None:
    def program() -> None:
        secret = pulumi.Output.secret("gpt-4o-mini")
        job = openai_ft.FineTuningJob(
            "job", model=secret, training_file="file-1", metadata=secret.apply(lambda name: {"base": name})
        )
        projects = pulumi.Output.secret(["proj_b"])
        openai_ft.FineTuningCheckpointPermission(
            "share", checkpoint_id=job.fine_tuned_model, project_ids=projects
        )
        pulumi.export("model", job.fine_tuned_model)

    model = "ft:gpt-4o-mini:mocks::job"
    assert openai_ft_mocks.run(program) == {"model": model}
    assert openai_ft_mocks.resource("job").inputs == {
        "model": "gpt-4o-mini",
        "training_file": "file-1",
        "metadata": {"base": "gpt-4o-mini"},
    }
    assert openai_ft_mocks.resource("share").inputs == {"checkpoint_id": model, "project_ids": ["proj_b"]}


def test_a_function_without_a_result_is_an_error(openai_ft_mocks: Mocks) -> None:
    with pytest.raises(NotImplementedError, match=r"getModel: override `call`"):
        openai_ft_mocks.run(lambda: openai_ft.get_model("gpt-4o-mini"))


def test_an_error_of_the_program_is_raised(openai_ft_mocks: Mocks, project: Path) -> None:
    with pytest.raises(pulumi.ConfigMissingError, match="shop:model"):
        openai_ft_mocks.run(project)


def test_a_run_leaves_no_mocks_behind(openai_ft_mocks: Mocks, project: Path) -> None:
    openai_ft_mocks.run(project, config={"shop:model": "gpt-4o-mini"})

    assert settings.get_monitor() is None
    assert settings.get_root_resource() is None
    assert pulumi.Config("shop").get("model") is None


def test_an_unknown_resource_is_an_error_that_lists_all(openai_ft_mocks: Mocks, project: Path) -> None:
    openai_ft_mocks.run(project, config={"shop:model": "gpt-4o-mini"})

    with pytest.raises(
        LookupError, match=r"0 resources match name 'jobs', .*File data, .*FineTuningJob job$"
    ):
        openai_ft_mocks.resource("jobs")


def test_a_program_runs_in_a_thread_without_a_loop(openai_ft_mocks: Mocks, project: Path) -> None:
    """`asyncio.run` leaves the main thread without a loop, too."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        outputs = threads.submit(openai_ft_mocks.run, project, config={"shop:model": "gpt-4o-mini"}).result()

    assert outputs["project"] == "shop"


def test_a_component_can_use_its_best_checkpoint(openai_ft_mocks: Mocks, project: Path) -> None:
    data = str(project / "data.jsonl")

    def program() -> None:
        model = openai_ft.FineTunedModel(
            "support", model="m", training_file=data, validation_file=data, use_checkpoint="best"
        )
        pulumi.export("model", model.fine_tuned_model)

    assert openai_ft_mocks.run(program) == {"model": "ft:mocks:ftjob-support:ckpt-step-1"}

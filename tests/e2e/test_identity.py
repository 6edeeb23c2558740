"""A job whose resource, component, or stack was renamed or moved is never paid for a second time.

Without the old inputs (`--replace`, a taint, a lost state) and without an alias, `up` stops and names the job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import resources, with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import CommandResult, Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
openai_ft.FineTuningJob("{name}", model="gpt-4o-mini-2024-07-18", training_file=data, {inputs})
"""
COMPONENT = """
import pulumi
import pulumi_openai_ft as openai_ft

openai_ft.FineTunedModel("{name}", model="gpt-4o-mini-2024-07-18", training_file="data.jsonl", {inputs})
"""
ALIAS = 'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])'
OLD = "organization::dev::shop::FineTuningJob::old"
FORMER = f'former_names=["{OLD}"]'
JOB_TYPE = "pulumi-python:dynamic/openai_ft:FineTuningJob"


@dataclass
class Trained:
    """A stack with a single succeeded job, whose resource has the name `old`."""

    stack: Stack
    service: Emulator
    job_id: str
    template: str

    def declare(self, name: str, inputs: str = "") -> None:
        """Write the program again, with another name or other inputs."""
        (self.stack.folder / "__main__.py").write_text(self.template.format(name=name, inputs=inputs))

    def urn(self, name: str) -> str:
        (entry,) = [
            entry
            for entry in resources(self.stack).values()
            if entry["urn"].endswith(f":FineTuningJob::{name}")
        ]
        return str(entry["urn"])

    def rename(self, old: str, new: str) -> None:
        """Rename a resource in the state."""
        self.stack.pulumi("state", "rename", old, new, "--yes")

    def select(self, name: str) -> None:
        """Use another stack of the project from now on."""
        self.stack.environment["PULUMI_STACK"] = name

    def lose_state(self, name: str = "dev") -> None:
        self.stack.pulumi("stack", "rm", name, "--yes", "--force", "--preserve-config")
        self.stack.pulumi("stack", "init", name)

    def assert_one_job(self) -> None:
        """Check that the only create request was the one at the beginning, and that the state has its job."""
        assert self.service.counts()["POST /v1/fine_tuning/jobs"] == 1
        assert self.stack.ids("FineTuningJob") == {self.job_id}

    def assert_stops(self, result: CommandResult, *parts: str) -> None:
        """Check that `up` created no job, and that its error names the job."""
        assert f"job {self.job_id} (succeeded" in result.text
        assert all(part in result.text for part in parts), result.text
        assert self.service.counts()["POST /v1/fine_tuning/jobs"] == 1


@pytest.fixture
def make_trained(make_stack: Callable[..., Stack], service: Emulator) -> Callable[[str], Trained]:
    def make(template: str) -> Trained:
        stack = with_data(make_stack(template.format(name="old", inputs="")))
        stack.up()
        (job,) = service.jobs()
        return Trained(stack, service, job["id"], template)

    return make


@pytest.fixture
def trained(make_trained: Callable[[str], Trained]) -> Trained:
    return make_trained(PROGRAM)


def test_an_aliased_component_finds_its_job(make_trained: Callable[[str], Trained]) -> None:
    trained = make_trained(COMPONENT)
    trained.declare("new", ALIAS)
    trained.lose_state()

    trained.stack.up()

    trained.assert_one_job()


@pytest.mark.long
def test_an_aliased_component_keeps_its_replaced_job(make_trained: Callable[[str], Trained]) -> None:
    trained = make_trained(COMPONENT)
    trained.declare("new", ALIAS)
    trained.stack.up()

    trained.stack.up("--replace", trained.urn("new"))

    trained.assert_one_job()


@pytest.mark.long
def test_former_names_find_the_job_of_a_component(make_trained: Callable[[str], Trained]) -> None:
    trained = make_trained(COMPONENT)
    trained.declare("new", 'former_names=["old"]')
    trained.lose_state()

    trained.stack.up()

    trained.assert_one_job()


@pytest.mark.core
def test_a_renamed_resource_stops_before_a_second_job(trained: Trained, host: str) -> None:
    trained.declare("new")

    stopped = trained.stack.pulumi("up", "--yes", code=1)

    trained.assert_stops(stopped, OLD, "former_names", "alias", "`triggers`")
    advice = 'To keep that job, add aliases=[pulumi.Alias(name="old")] to the options of the resource.'
    assert stopped.text.count(advice) == (1 if host == "ours" else 0)
    trained.declare("new", ALIAS)
    trained.stack.up()

    trained.assert_one_job()


@pytest.mark.parametrize("solution", [FORMER, 'former_names=["old"]', ALIAS])
def test_a_resource_renamed_in_the_state_is_replaced(trained: Trained, solution: str) -> None:
    trained.rename(trained.urn("old"), "new")
    trained.declare("new")
    trained.stack.up()
    trained.assert_one_job()

    trained.assert_stops(trained.stack.up("--replace", trained.urn("new"), code=1), FORMER)
    trained.declare("new", solution)
    trained.stack.up("--replace", trained.urn("new"))

    trained.assert_one_job()


@pytest.mark.long
def test_a_component_renamed_in_the_state_is_replaced(make_trained: Callable[[str], Trained]) -> None:
    trained = make_trained(COMPONENT)
    component = "urn:pulumi:dev::shop::openai-ft:index:FineTunedModel::old"
    trained.rename(trained.urn("old"), "new")
    trained.rename(component, "new")
    trained.declare("new", 'former_names=["old"]')

    trained.stack.up("--replace", trained.urn("new"))

    trained.assert_one_job()


def test_a_job_of_a_renamed_stack_is_replaced(trained: Trained) -> None:
    trained.stack.pulumi("stack", "rename", "prod")
    trained.select("prod")
    trained.stack.up()
    trained.assert_one_job()

    trained.assert_stops(trained.stack.up("--replace", trained.urn("old"), code=1), FORMER)
    trained.declare("old", FORMER)
    trained.stack.up("--replace", trained.urn("old"))

    trained.assert_one_job()


@pytest.mark.long
def test_a_moved_job_is_replaced(trained: Trained) -> None:
    moved = [entry["urn"] for entry in resources(trained.stack).values()]
    trained.stack.pulumi("stack", "init", "other")
    trained.stack.pulumi("state", "move", "--source", "dev", "--dest", "other", *moved, "--yes")
    trained.select("other")

    trained.stack.up()
    trained.assert_one_job()
    trained.assert_stops(trained.stack.up("--replace", trained.urn("old"), code=1), FORMER)
    trained.declare("old", FORMER)
    trained.stack.up("--replace", trained.urn("old"))

    trained.assert_one_job()


@pytest.mark.core
def test_a_tainted_job_is_adopted(trained: Trained) -> None:
    trained.stack.pulumi("state", "taint", trained.urn("old"), "--yes")

    trained.stack.up()

    trained.assert_one_job()


@pytest.mark.long
def test_a_renamed_and_tainted_job_stops(trained: Trained) -> None:
    trained.rename(trained.urn("old"), "new")
    trained.declare("new")
    trained.stack.pulumi("state", "taint", trained.urn("new"), "--yes")

    trained.assert_stops(trained.stack.up(code=1), FORMER)
    trained.declare("new", FORMER)
    trained.stack.up()

    trained.assert_one_job()


@pytest.mark.long
def test_triggers_train_again(trained: Trained) -> None:
    trained.declare("old", 'triggers=["again"]')
    trained.stack.up()
    trained.declare("new", 'triggers=["and again"]')

    trained.stack.up()

    assert len(trained.service.jobs()) == 3


def test_a_stack_of_the_same_program_stops(trained: Trained) -> None:
    trained.stack.pulumi("stack", "init", "prod")
    trained.select("prod")

    trained.assert_stops(trained.stack.up(code=1), OLD, "openai-ft:idempotencyScope")
    trained.stack.pulumi("config", "set", "openai-ft:idempotencyScope", "prod")
    trained.stack.up()

    assert len(trained.service.jobs()) == 2

"""What the resources' constructors hand to the engine, seen through Pulumi's own seam for tests."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

import pulumi_openai_ft as openai_ft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Registered(pulumi.runtime.Mocks):
    """Answers for the engine and keeps what was registered."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}
        self.types: dict[str, str] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.inputs[args.name], self.types[args.name] = args.inputs, args.typ
        return f"{args.name}-id", args.inputs

    def call(self, _args: pulumi.runtime.MockCallArgs) -> dict[Any, Any]:
        return {}


@pytest.fixture
def run() -> Iterator[Callable[[Callable[[], Any]], Registered]]:
    """Runs a program and gives what it registered."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    registered = Registered()
    pulumi.runtime.set_mocks(registered, project="shop", stack="dev")

    def run_program(program: Callable[[], Any]) -> Registered:
        async def whole() -> None:
            program()

        pulumi.runtime.test(lambda: whole())()  # noqa: PLW0108 - the coroutine must be made inside the loop
        return registered

    yield run_program
    loop.close()
    asyncio.set_event_loop(None)


def test_type_tokens_are_frozen(run: Any, training_data: Path) -> None:
    def program() -> None:
        file = openai_ft.File("file", file=str(training_data))
        job = openai_ft.FineTuningJob("job", model="m", training_file=file)
        openai_ft.FineTuningCheckpointPermission("share", checkpoint_id=job.id, project_ids=["proj_b"])

    assert run(program).types == {
        "file": "pulumi-python:dynamic/openai_ft:File",
        "job": "pulumi-python:dynamic/openai_ft:FineTuningJob",
        "share": "pulumi-python:dynamic/openai_ft:FineTuningCheckpointPermission",
    }


@pytest.mark.parametrize("wrap", [str, pulumi.FileAsset, lambda path: pulumi.Output.from_input(str(path))])
def test_a_file_comes_with_its_path_and_hash(run: Any, training_data: Path, wrap: Any) -> None:
    inputs = run(lambda: openai_ft.File("file", file=wrap(training_data))).inputs["file"]

    assert inputs["file"] == str(training_data)
    assert inputs["sha256"] == hashlib.sha256(training_data.read_bytes()).hexdigest()


def test_a_file_that_is_not_there_is_left_to_the_check(run: Any) -> None:
    inputs = run(lambda: openai_ft.File("file", file="missing.jsonl")).inputs["file"]

    assert "sha256" not in inputs


def test_a_job_of_a_file_takes_its_id_and_hash(run: Any, training_data: Path) -> None:
    def program() -> None:
        file = openai_ft.File("file", file=str(training_data))
        openai_ft.FineTuningJob("job", model="m", training_file=file)

    inputs = run(program).inputs["job"]

    assert inputs["training_file"] == "file-id"
    assert inputs["__training_file_sha256"] == hashlib.sha256(training_data.read_bytes()).hexdigest()


def test_a_job_says_who_asks_for_it(run: Any) -> None:
    class Team(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("shop:index:Team", name)

    def program() -> None:
        openai_ft.FineTuningJob("job", model="m", training_file="file-1")
        opts = pulumi.ResourceOptions(parent=Team("red"))
        openai_ft.FineTuningJob("reds", model="m", training_file="file-1", opts=opts)

    inputs = run(program).inputs

    assert inputs["job"]["__identity"] == "organization::dev::shop::FineTuningJob::job"
    assert inputs["reds"]["__identity"] == (
        "organization::urn:pulumi:dev::shop::shop:index:Team::red::FineTuningJob::reds"
    )


def test_what_is_not_set_is_not_sent(run: Any) -> None:
    inputs = run(lambda: openai_ft.FineTuningJob("job", model="m", training_file="file-1", seed=0)).inputs[
        "job"
    ]

    visible = {name: value for name, value in inputs.items() if not name.startswith("__")}
    assert visible == {"model": "m", "training_file": "file-1", "seed": 0}

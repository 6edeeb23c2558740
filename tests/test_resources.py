"""The inputs that resources register, recorded by Pulumi's own mocks.

The program runs in a separate process, because Pulumi's mocks create event loops that are never closed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import write_training_data

from pulumi_openai_ft import File, FineTuningCheckpointPermission, FineTuningJob
from pulumi_openai_ft._shared.state_names import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import json
import pulumi
import pulumi_openai_ft as openai_ft

class Registered(pulumi.runtime.Mocks):
    found = {}

    def new_resource(self, args):
        self.found[args.name] = {"type": args.typ, "inputs": args.inputs}
        return f"{args.name}-id", args.inputs

    def call(self, args):
        return {}

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Team", name)

class SpecialJob(openai_ft.FineTuningJob):
    team: str

def program():
    file = openai_ft.File("file", file="data.jsonl")
    openai_ft.File("asset", file=pulumi.FileAsset("data.jsonl"))
    openai_ft.File("output", file=pulumi.Output.from_input("data.jsonl"))
    openai_ft.File("missing", file="missing.jsonl")
    openai_ft.File("endless", file="/dev/zero")
    job = openai_ft.FineTuningJob("job", model="m", training_file=file, validation_file="file-2", seed=0)
    in_team = pulumi.ResourceOptions(parent=Team("red"))
    openai_ft.FineTuningJob("reds", model="m", training_file="file-1", opts=in_team)
    share = openai_ft.FineTuningCheckpointPermission("share", checkpoint_id="ft:m:o::x", project_ids=["proj_b"])
    special = SpecialJob("special", model="m", training_file="file-1", wait_for_completion=False)
    Registered.found["attributes"] = {
        name: [key for key, value in vars(resource).items() if isinstance(value, pulumi.Output)]
        for name, resource in {"file": file, "job": job, "share": share, "special": special}.items()
    }

pulumi.runtime.set_mocks(Registered(), project="shop", stack="dev")
pulumi.runtime.test(program)()
print(json.dumps(Registered.found))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_training_data(tmp_path_factory.mktemp("program") / "data.jsonl")


@pytest.fixture(scope="module")
def registered(data: Path) -> dict[str, Any]:
    """Run the program, and return the type and inputs of each resource."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=data.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def sha256(data: Path) -> str:
    return hashlib.sha256(data.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("file", "File"), ("job", "FineTuningJob"), ("share", "FineTuningCheckpointPermission")],
)
def test_type_tokens_are_frozen(registered: dict[str, Any], name: str, kind: str) -> None:
    assert registered[name]["type"] == f"pulumi-python:dynamic/openai_ft:{kind}"


@pytest.mark.parametrize("name", ["file", "asset", "output"])
def test_a_file_registers_its_path_and_hash(registered: dict[str, Any], sha256: str, name: str) -> None:
    inputs = registered[name]["inputs"]

    assert (inputs["file"], inputs["sha256"]) == ("data.jsonl", sha256)


@pytest.mark.parametrize("name", ["missing", "endless"])
def test_an_invalid_file_registers_without_a_hash(registered: dict[str, Any], name: str) -> None:
    assert "sha256" not in registered[name]["inputs"]


def test_a_job_uses_its_files_id_and_hash(registered: dict[str, Any], sha256: str) -> None:
    inputs = registered["job"]["inputs"]

    assert (inputs["training_file"], inputs["__training_file_sha256"]) == ("file-id", sha256)
    assert "__validation_file_sha256" not in inputs


def test_a_job_records_its_resource_identity(registered: dict[str, Any]) -> None:
    assert registered["job"]["inputs"]["__identity"] == "organization::dev::shop::FineTuningJob::job"
    assert registered["reds"]["inputs"]["__identity"].endswith("shop:index:Team::red::FineTuningJob::reds")


def test_unset_inputs_are_not_sent(registered: dict[str, Any]) -> None:
    inputs = registered["job"]["inputs"]

    assert {name: value for name, value in inputs.items() if not name.startswith("__")} == {
        "model": "m",
        "training_file": "file-id",
        "validation_file": "file-2",
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("name", "kind", "more"),
    [
        ("file", File, {"file"}),
        ("job", FineTuningJob, set()),
        ("special", FineTuningJob, {"wait_for_completion"}),
        ("share", FineTuningCheckpointPermission, set()),
    ],
)
def test_a_program_registers_only_outputs_and_given_inputs(
    registered: dict[str, Any], name: str, kind: type, more: set[str]
) -> None:
    attributes = {attribute for attribute in registered["attributes"][name] if not attribute.startswith("_")}

    assert attributes == {"id", "urn", *kind.__annotations__} | more


def test_only_needed_internal_inputs_are_attributes(registered: dict[str, Any]) -> None:
    hidden = [attribute for attribute in registered["attributes"]["special"] if attribute.startswith("__")]

    assert hidden == [IDENTITY, "__provider"]

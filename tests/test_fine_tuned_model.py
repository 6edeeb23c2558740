"""The resources that the component registers, recorded by Pulumi's own mocks as in `test_resources`."""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import write_training_data

from pulumi_openai_ft import FineTunedModel, FineTuningJob
from pulumi_openai_ft.fine_tuned_model import OUTPUTS, FineTunedModelJobArgs

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import json
import pulumi
import pulumi_openai_ft as openai_ft

SERVED = {
    "File": {},
    "FineTuningJob": {"fine_tuned_model": "ft:m:o::x", "status": "succeeded"},
    "FineTuningCheckpointPermission": {"permission_ids": {"proj_b": "cp_1"}},
}

class Registered(pulumi.runtime.Mocks):
    found = {}

    def new_resource(self, args):
        kind = args.typ.split(":")[-1]
        self.found.setdefault(kind, {})[args.name] = {"type": args.typ, "inputs": args.inputs}
        served = SERVED.get(kind, {})
        if args.name == "unfinished":
            served = {"status": "running"}
        return f"{args.name}-id", {**args.inputs, **served}

    def call(self, args):
        FUNCTION_CALLS.append(args.args)
        return {"id": "ftckpt_1", "fine_tuned_model_checkpoint": "ft:m:o::y:ckpt-step-2"}

def record_outputs(component):
    outputs = {name: getattr(component, name) for name in NAMES}
    return pulumi.Output.all(**outputs).apply(lambda values: OUTPUTS.append(values))

NAMES = json.loads(input())
OUTPUTS, ERRORS, FUNCTION_CALLS = [], [], []
MISTAKES = [
    dict(share_with=["p"], wait_for_completion=False),
    dict(use_checkpoint="best"),
    dict(use_checkpoint="first"),
    dict(use_checkpoint="best", validation_file="data.jsonl"),
]

def program():
    full = openai_ft.FineTunedModel(
        "full",
        model="m",
        training_file="data.jsonl",
        validation_file=pulumi.FileAsset("data.jsonl"),
        share_with=["proj_b"],
        suffix="support",
        seed=0,
        cancel_after_timeout=60,
    )
    openai_ft.FineTunedModel("unshared", model="m", training_file="data.jsonl", share_with=[])
    later = pulumi.Output.from_input(["proj_c"])
    openai_ft.FineTunedModel("later", model="m", training_file="data.jsonl", share_with=later)
    class Team(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("shop:index:Team", "red")
    openai_ft.FineTunedModel(
        "nested", model="m", training_file="data.jsonl", opts=pulumi.ResourceOptions(parent=Team())
    )
    plain = openai_ft.FineTunedModel("plain", model="m", training_file="data.jsonl")
    assert (plain.validation_file, plain.permission) == (None, None)
    best = openai_ft.FineTunedModel(
        "best",
        model="m",
        training_file="data.jsonl",
        validation_file="data.jsonl",
        share_with=["proj_b"],
        use_checkpoint="best",
    )
    rewarded = openai_ft.FineTunedModel(
        "rewarded",
        model="m",
        training_file="data.jsonl",
        validation_file="data.jsonl",
        method={"type": "reinforcement"},
        use_checkpoint="best",
    )
    unfinished = openai_ft.FineTunedModel(
        "unfinished",
        model="m",
        training_file="data.jsonl",
        validation_file="data.jsonl",
        wait_for_completion=False,
        use_checkpoint="best",
    )
    pulumi.runtime.set_all_config({"openai-ft:service": "generic"})
    for mistake in MISTAKES:
        try:
            openai_ft.FineTunedModel("m", model="m", training_file="data.jsonl", **mistake)
        except pulumi.RunError as error:  # Pulumi shows it without a traceback
            ERRORS.append([type(error).__name__, str(error)])
    pulumi.runtime.set_all_config({})
    return pulumi.Output.all(*map(record_outputs, [full, plain, best, rewarded, unfinished]))

pulumi.runtime.set_mocks(Registered(), project="shop", stack="dev")
pulumi.runtime.test(program)()
print(json.dumps({"found": Registered.found, "outputs": OUTPUTS, "errors": ERRORS, "calls": FUNCTION_CALLS}))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_training_data(tmp_path_factory.mktemp("program") / "data.jsonl")


@pytest.fixture(scope="module")
def program_result(data: Path) -> dict[str, Any]:
    """Run the program, and return the registered resources, the outputs of two components, and the error."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=data.parent,
        input=json.dumps(OUTPUTS),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def registered(program_result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = program_result["found"]
    return found


def outputs_of(program_result: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the outputs of the component with a name."""
    (found,) = (outputs for outputs in program_result["outputs"] if outputs["job_id"] == f"{name}-id")
    return dict(found)


def test_its_type_token_is_frozen(registered: dict[str, Any]) -> None:
    assert registered["FineTunedModel"]["full"]["type"] == "openai-ft:index:FineTunedModel"


def test_its_child_resources_are_named_after_it(registered: dict[str, Any]) -> None:
    def parts(name: str) -> set[tuple[str, str]]:
        return {
            (kind, part)
            for kind in ("File", "FineTuningJob", "FineTuningCheckpointPermission")
            for part in registered[kind]
            if part.split("-")[0] == name
        }

    plain = {("File", "plain-training"), ("FineTuningJob", "plain")}
    assert parts("plain") == plain
    assert parts("full") == {
        ("File", "full-training"),
        ("File", "full-validation"),
        ("FineTuningJob", "full"),
        ("FineTuningCheckpointPermission", "full"),
    }


def test_its_job_trains_on_its_files(registered: dict[str, Any], data: Path) -> None:
    inputs = registered["FineTuningJob"]["full"]["inputs"]
    sha256 = hashlib.sha256(data.read_bytes()).hexdigest()

    assert (inputs["training_file"], inputs["__training_file_sha256"]) == ("full-training-id", sha256)
    assert (inputs["validation_file"], inputs["__validation_file_sha256"]) == ("full-validation-id", sha256)


def test_other_job_inputs_are_passed_on(registered: dict[str, Any]) -> None:
    inputs = registered["FineTuningJob"]["full"]["inputs"]

    assert {
        name: value for name, value in inputs.items() if not name.startswith("__") and "file" not in name
    } == {
        "model": "m",
        "suffix": "support",
        "seed": 0,
        "cancel_after_timeout": 60,
    }


def test_it_accepts_all_inputs_of_a_job() -> None:
    def takes(kind: type) -> set[str]:
        return set(inspect.signature(kind).parameters)

    own = takes(FineTunedModel) - {"job", "share_with", "use_checkpoint"}
    assert own | set(FineTunedModelJobArgs.__annotations__) == takes(FineTuningJob)
    assert own & set(FineTunedModelJobArgs.__annotations__) == set()


@pytest.mark.parametrize(("name", "projects"), [("full", ["proj_b"]), ("later", ["proj_c"])])
def test_it_creates_permissions_for_its_model(
    registered: dict[str, Any], name: str, projects: list[str]
) -> None:
    inputs = registered["FineTuningCheckpointPermission"][name]["inputs"]

    assert (inputs["checkpoint_id"], inputs["project_ids"]) == ("ft:m:o::x", projects)


@pytest.mark.parametrize("name", ["plain", "unshared"])
def test_it_creates_no_permissions_by_default(registered: dict[str, Any], name: str) -> None:
    assert name not in registered["FineTuningCheckpointPermission"]


@pytest.mark.parametrize(
    ("kind", "name", "parent_path"),
    [
        (
            "File",
            "nested-training",
            "shop:index:Team$openai-ft:index:FineTunedModel::nested::File::nested-training",
        ),
        (
            "FineTuningJob",
            "nested",
            "shop:index:Team$openai-ft:index:FineTunedModel::nested::FineTuningJob::nested",
        ),
    ],
)
def test_its_resources_have_the_component_as_parent(
    registered: dict[str, Any], kind: str, name: str, parent_path: str
) -> None:
    assert registered[kind][name]["inputs"]["__identity"].endswith(parent_path)


def test_it_exposes_the_outputs_of_its_resources(program_result: dict[str, Any]) -> None:
    full, plain = (outputs_of(program_result, name) for name in ("full", "plain"))

    assert full == {
        "fine_tuned_model": "ft:m:o::x",
        "job_id": "full-id",
        "status": "succeeded",
        "training_file_id": "full-training-id",
        "validation_file_id": "full-validation-id",
        "permission_ids": {"proj_b": "cp_1"},
    }
    assert (plain["validation_file_id"], plain["permission_ids"]) == (None, {})


MISTAKES = {
    "share_with without waiting": "share_with: the model has no name until the job has succeeded",
    "best without validation": "use_checkpoint: 'best' compares the checkpoints by their validation: pass a ",
    "an unknown choice": "use_checkpoint: 'first' is invalid: must be 'best' or 'last'",
    "a service without checkpoints": "use_checkpoint: the service 'generic' does not support checkpoints: ",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_reported_before_anything_is_created(
    program_result: dict[str, Any], registered: dict[str, Any], mistake: str
) -> None:
    kind, sentence = program_result["errors"][list(MISTAKES).index(mistake)]

    assert kind == "InputError"
    assert sentence.startswith(f"FineTunedModel 'm': {MISTAKES[mistake]}")
    assert "m" not in registered["FineTuningJob"]
    assert "m-training" not in registered["File"]


def test_the_best_checkpoint_is_used_and_shared(
    program_result: dict[str, Any], registered: dict[str, Any]
) -> None:
    best = "ft:m:o::y:ckpt-step-2"

    assert outputs_of(program_result, "best")["fine_tuned_model"] == best
    assert registered["FineTuningCheckpointPermission"]["best"]["inputs"]["checkpoint_id"] == best


def test_checkpoints_are_compared_by_validation_loss_or_reward(program_result: dict[str, Any]) -> None:
    """A job that has not succeeded has no checkpoints to compare, and the others do not use the function."""
    calls = sorted(program_result["calls"], key=lambda call: call["fine_tuning_job_id"])

    assert calls == [
        {"fine_tuning_job_id": "best-id", "by": "full_valid_loss"},
        {"fine_tuning_job_id": "rewarded-id", "by": "full_valid_reward"},
    ]
    assert outputs_of(program_result, "unfinished")["fine_tuned_model"] is None

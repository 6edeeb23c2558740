"""Inputs that a program computes, takes from other resources, or builds in parts."""

from typing import Any

import pulumi

import pulumi_openai_ft as openai_ft
from pulumi_openai_ft import types

config = pulumi.Config()
data = openai_ft.File("data", file="data.jsonl", purpose="fine-tune", validate="off")
again = openai_ft.File("again", file=pulumi.FileAsset("data.jsonl"), filename=data.filename)

hyperparameters: types.SupervisedHyperparametersArgsDict = {"n_epochs": "auto"}
hyperparameters["batch_size"] = config.get_int("batch_size")
hyperparameters["lora_dropout"] = 0.1
method: types.MethodArgsDict = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
first = openai_ft.FineTuningJob(
    "first",
    model="a-model-of-another-service",
    training_file=data,
    validation_file=again.id,
    suffix=config.get("suffix"),
    seed=config.get_int("seed"),
    method=method,
    integrations=[
        {"type": "wandb", "wandb": {"project": config.require_secret("project"), "tags": [data.id]}}
    ],
    metadata={"file": data.filename},
)

same = openai_ft.FineTuningJob(
    "same",
    model=first.model,
    training_file=first.training_file,
    validation_file=first.validation_file,
    suffix=first.suffix,
    seed=first.seed,
    method=first.method,
    integrations=first.integrations,
    metadata=first.metadata,
)

other = openai_ft.FineTuningJob(
    "other",
    model="a-model-of-another-service",
    training_file=data,
    extra_body={"method": {"type": "distillation", "teacher": first.fine_tuned_model}},
)

of_a_gateway: Any = {"n_epochs": 3, "rank": 8}
untyped = openai_ft.FineTuningJob(
    "untyped",
    model="a-model-of-another-service",
    training_file=data,
    method={"type": "supervised", "supervised": {"hyperparameters": of_a_gateway}},
)


def check(name: pulumi.Input[str]) -> types.StringCheckArgsDict:
    return {
        "type": "string_check",
        "name": name,
        "operation": "eq",
        "input": "{{sample.output_text}}",
        "reference": pulumi.Output.concat("{{item.", name, "}}"),
    }


graders: dict[str, types.PartialGraderArgsDict] = {"first": check("first"), "second": check(data.filename)}
combined: types.GraderArgsDict = {"type": "multi", "graders": graders, "calculate_output": "first + second"}
graded = openai_ft.FineTunedModel(
    "graded",
    model="a-model-of-another-service",
    training_file=data,
    validation_file="checks.jsonl",
    method={"type": "reinforcement", "reinforcement": {"grader": combined}},
)
shared = openai_ft.FineTuningCheckpointPermission(
    "shared", checkpoint_id=graded.fine_tuned_model, project_ids=["proj_1", data.filename], allow_view=True
)

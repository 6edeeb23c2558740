"""Outputs and results have the types that they claim, to the depth of a single hyperparameter."""

from typing import Any, Literal, assert_type

import pulumi

import pulumi_openai_ft as openai_ft
from pulumi_openai_ft import types
from pulumi_openai_ft.functions import Event, FileObject, Job, Model, Permission

job = openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file="file-1")
assert_type(job.method, pulumi.Output[types.MethodDict])
assert_type(job.integrations, pulumi.Output[list[types.IntegrationDict] | None])
assert_type(job.error, pulumi.Output[types.JobErrorDict | None])
assert_type(job.status, pulumi.Output[str | types.JobStatus])


def epochs(method: types.MethodDict) -> int | Literal["auto"] | None:
    assert_type(method["type"], types.MethodType)
    hyperparameters = method.get("supervised", {}).get("hyperparameters", {})
    return hyperparameters.get("n_epochs")


def message(error: types.JobErrorDict | None) -> str | None:
    return error["message"] if error else None


assert_type(job.method.apply(epochs), pulumi.Output[int | Literal["auto"] | None])
assert_type(job.error.apply(message), pulumi.Output[str | None])

found = openai_ft.get_fine_tuning_job("ftjob-1")
assert_type(found, Job)
assert_type(found.method, types.MethodDict | None)
assert_type(found.hyperparameters, types.SupervisedHyperparametersDict | None)
assert_type(found.integrations, list[types.IntegrationDict] | None)
if found.error:
    assert_type(found.error.message, str | None)
assert_type(openai_ft.get_fine_tuning_jobs().jobs[0], Job)
checkpoint = openai_ft.get_fine_tuning_checkpoints("ftjob-1").checkpoints[0]
assert_type(checkpoint.metrics, dict[str, float | None])
event = openai_ft.get_fine_tuning_events("ftjob-1", level="warn", order="oldest").events[0]
assert_type(event, Event)
assert_type(event.data, dict[str, Any] | None)
assert_type(openai_ft.get_fine_tuning_checkpoint_permissions("ft:a").permissions[0], Permission)
assert_type(openai_ft.get_file("file-1"), FileObject)
assert_type(openai_ft.get_files(purpose="fine-tune-results").files[0].bytes, int | None)
assert_type(openai_ft.get_model("gpt-4o-mini"), Model)
assert_type(openai_ft.get_models().models[0].shutdown_date, str | None)
assert_type(openai_ft.get_model_output("gpt-4o-mini"), pulumi.Output[Model])

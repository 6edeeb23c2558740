"""Conversion of a Terraform resource to a resource of this package: its import id, and inputs that do not change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pulumi_openai_ft._client.objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft._provider.resource_import import PERMISSION_ID, require_id, to_inputs
from pulumi_openai_ft._shared.state_names import JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.cli.imports.terraform import job_attributes
from pulumi_openai_ft.cli.imports.terraform.job_attributes import given
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft.cli.imports.terraform.local_files import LocalFiles
    from pulumi_openai_ft.cli.imports.terraform.state_file import TerraformResource

_PURPOSES = get_args(FileInputs.model_fields["purpose"].annotation)
_PATHS = ("file", "filepath")
"""The attribute with the local path of a file, at mkdev and at skyscrapr."""
_PLACEHOLDERS = ("placeholder-model", "unknown-model")
"""Models that version 1 of the mkdev provider stores if an import fails."""
_SUCCEEDED = "succeeded"


class Converted(NamedTuple):
    """A converted resource.

    Attributes:
        import_id: Import id.
        inputs: Inputs that do not differ from the resource.
        notes: Facts about the resource that the user should know.
    """

    import_id: str
    inputs: dict[str, Any]
    notes: list[str]


def convert_file(resource: TerraformResource, files: LocalFiles) -> Converted:
    """Convert a file. Its input is the local file, if that still has the size of the uploaded file.

    Raises:
        InputError: The file cannot be imported.
    """
    id_, attributes = _id(resource), _public(resource)
    require_id("File", id_)
    purpose = given(attributes, "purpose") or _PURPOSES[0]
    if purpose not in _PURPOSES:
        raise InputError(f"its purpose is {purpose!r}, but only uploaded files can be imported")
    named = {} if purpose == _PURPOSES[0] else {"purpose": purpose}
    path: Any = next((attributes[name] for name in _PATHS if given(attributes, name)), None)
    problem = _path_problem(resource, path, files)
    if problem is None:
        return Converted(id_, {"file": files.from_program(path), **named}, [])
    filename = given(attributes, "filename")
    note = (
        f"{problem}: the program does not name a local file. To be able to upload the file again, add `file=` with the "
        f"path of the same content"
    )
    return Converted(id_, {**({"filename": filename} if filename else {}), **named}, [note])


def convert_job(resource: TerraformResource) -> Converted:
    """Convert a job. Its files are still ids.

    Raises:
        InputError: The job cannot be imported, or the state has no model or training file.
    """
    id_, attributes = _id(resource), _public(resource)
    require_id("FineTuningJob", id_)
    if attributes.get("model") in _PLACEHOLDERS:
        raise InputError(
            f"the state contains placeholders of a failed import; run `pulumi import {JOB_TYPE} NAME {id_}`, which reads "
            f"the job from the service"
        )
    if not given(attributes, "model") or not given(attributes, "training_file"):
        raise InputError(
            f"the state has no readable `model` and `training_file`; run `pulumi import {JOB_TYPE} NAME {id_}`, which reads "
            f"the job from the service"
        )
    names = ("model", "training_file", "validation_file", "suffix", "seed", "metadata")
    values = {
        **{name: given(attributes, name) for name in names},
        "method": job_attributes.method(attributes),
        "integrations": job_attributes.integrations(attributes),
    }
    inputs = to_inputs(FineTuningJobInputs, values)
    notes = [*_invalid_inputs(values, inputs), *_job_notes(attributes), *_sensitive_inputs(resource)]
    return Converted(id_, inputs, notes)


def convert_permission(resource: TerraformResource) -> Converted:
    """Convert the permission of a single project.

    Raises:
        InputError: The state does not contain what the import of the permission requires.
    """
    id_, attributes = _id(resource), _public(resource)
    checkpoint, projects = attributes.get("checkpoint_id"), _strings(attributes.get("project_ids"))
    command = f"pulumi import {PERMISSION_TYPE} NAME"
    if not isinstance(checkpoint, str) or not checkpoint or not projects:
        raise InputError(
            f"the state has no readable `checkpoint_id` and `project_ids`; run `{command} CHECKPOINT/{id_}` with the name "
            f"of the checkpoint"
        )
    if not id_.startswith(PERMISSION_ID) or len(projects) > 1:
        raise InputError(
            f"the state does not contain the id of each project's permission (projects: {', '.join(projects)}); run "
            f"`{command} {checkpoint}`, which imports all permissions of the checkpoint"
        )
    note = (
        f"the provider records a single project, {projects[0]}, and loses the others. If your configuration lists more projects, run "
        f"`{command} {checkpoint}` instead, which imports all permissions of the checkpoint"
    )
    return Converted(f"{checkpoint}/{id_}", {"checkpoint_id": checkpoint, "project_ids": projects}, [note])


def _path_problem(resource: TerraformResource, path: Any, files: LocalFiles) -> str | None:
    """Return the reason why the program cannot name the local file, or None. It does not show a sensitive path."""
    if isinstance(path, str):
        problem = files.problem(path, resource.attributes.get("bytes"))
        return f"its local file {path!r} {problem}" if problem else None
    return "its path is sensitive" if resource.sensitive & set(_PATHS) else "the state has no path"


def _id(resource: TerraformResource) -> str:
    """Return the id of a resource. It is shown, so it must not be sensitive.

    Raises:
        InputError: The state has no such id.
    """
    id_ = resource.attributes.get("id")
    if "id" in resource.sensitive or not isinstance(id_, str) or not id_.strip():
        raise InputError(
            "the state has no id, or marks it as sensitive; run `pulumi import` with the id from the service"
        )
    if not id_.isprintable() or " " in id_:
        raise InputError("its id contains spaces or characters that are not printable")
    return id_


def _public(resource: TerraformResource) -> dict[str, Any]:
    """Return the attributes that are not sensitive."""
    return {name: value for name, value in resource.attributes.items() if name not in resource.sensitive}


def _strings(value: Any) -> list[str]:
    """Return a list of strings, or an empty list for any other value."""
    is_valid = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return value if is_valid else []


def _invalid_inputs(values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each input with a value that this package rejects. The value may be long, so it is not shown."""
    for name, value in values.items():
        if value is not None and value != inputs.get(name):
            yield f"{name} or a part of it is left out, because its value in the state is not valid"


def _job_notes(attributes: Mapping[str, Any]) -> Iterator[str]:
    status = attributes.get("status")
    if not job_attributes.sends_settings(attributes):
        yield "the provider did not send the hyperparameters of `dpo` to the service, so the program leaves them out"
    if given(attributes, "cancel_after_timeout") and status not in TERMINAL_STATUSES:
        yield "cancel_after_timeout is left out: add it after the import"
    if status in TERMINAL_STATUSES and status != _SUCCEEDED:
        yield f"the job's status is {status}: every `pulumi up` reports it; delete it from both files if you do not need it"


def _sensitive_inputs(resource: TerraformResource) -> Iterator[str]:
    names = sorted(resource.sensitive & (FineTuningJobInputs.model_fields.keys() | {"hyperparameters"}))
    if names:
        yield f"sensitive values are left out: {', '.join(names)}"

"""Import of existing resources: validation of import ids, and conversion of API objects to inputs.

The inputs pass `check` and do not differ from the resource. Values that only the service can set are omitted.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from pulumi_openai_ft._client.refusals import refuses_content
from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.job.diff import SERVICE_TAG, differences
from pulumi_openai_ft._provider.job.inputs import MAX_METADATA, FineTuningJobInputs
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft._provider.job.validation import conflicting_inputs, split_hyperparameters
from pulumi_openai_ft._provider.permission_manager import CHECKPOINT_ID, JOBS_TO_SEARCH
from pulumi_openai_ft.errors import InputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject, Job, Permission
    from pulumi_openai_ft._provider.input_models import InputModel
    from pulumi_openai_ft._provider.permission_manager import PermissionManager
    from pulumi_openai_ft._service_profiles import Profile

PERMISSION_ID = "cp_"
ID_PREFIXES = {
    "file-": "a file",
    "upload_": "an upload",
    "ftjob-": "a job",
    "ftevent-": "an event of a job",
    "ft:": "a fine-tuned model",
    **dict.fromkeys(CHECKPOINT_ID, "a checkpoint"),
    PERMISSION_ID: "a permission",
    "proj_": "a project",
}
"""Objects by the prefix of their ids. Services other than OpenAI have further formats."""
ID_FORMATS = {
    "File": (("file-",), "the id of a file, file-…"),
    "FineTuningJob": (("ftjob-",), "the id of a job, ftjob-…"),
    "FineTuningCheckpointPermission": (
        ("ft:", *CHECKPOINT_ID, PERMISSION_ID),
        "<checkpoint>/<cp_…>, <checkpoint> for all its permissions, or cp_…; a checkpoint is named ft:…",
    ),
}
"""Prefixes and description of the import ids of each resource."""
CHECKPOINTS_TO_SEARCH = 10
"""Number of lists of permissions that the API's rate limit allows within one or two minutes."""
MAX_LISTED = 10


def require_id(resource: str, id_: str) -> None:
    """Validate an import id.

    Args:
        resource: Name of the resource's class.
        id_: The id that the user passed.

    Raises:
        InputError: The id is empty or the id of another kind of object.
    """
    prefixes, expected = ID_FORMATS[resource]
    if not id_.strip():
        raise InputError(f"the id is empty: to import a {resource}, pass {expected}")
    kind = next((kind for prefix, kind in ID_PREFIXES.items() if id_.startswith(prefix)), None)
    if kind and not id_.startswith(prefixes):
        raise InputError(f"{id_!r} is the id of {kind}: to import a {resource}, pass {expected}")


def to_inputs(model: type[InputModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are valid inputs. A list is included in full or omitted.

    Raises:
        InputError: A required input is missing or invalid.
    """
    left = {
        name: integers_from_floats(values[name])
        for name in model.model_fields
        if values.get(name) is not None
    }
    while True:
        try:
            valid: dict[str, Any] = integers_from_floats(model.model_validate(left).provided())
        except ValidationError as error:
            _remove(error.errors(include_url=False)[0]["loc"], left)
        else:
            return valid


def _remove(location: tuple[int | str, ...], values: dict[str, Any]) -> None:
    """Remove the innermost dictionary entry that contains a location."""
    parent, last, current = values, None, values
    for step in location:
        if isinstance(current, dict) and step in current:
            parent, last, current = current, step, current[step]
        elif isinstance(current, list) and isinstance(step, int) and step < len(current):
            current = current[step]
    if last is None:
        raise InputError(f"{location[0]}: required, but the service does not return it")
    del parent[last]


def job_inputs(job: Job, profile: Profile) -> dict[str, Any]:
    """Return inputs from which the program would create an equivalent job.

    Args:
        job: The job as returned by the API.
        profile: The profile of the service.

    Raises:
        InputError: The service does not return the job's model or training file.
    """
    outs = outputs(job, {})
    known, extra = split_hyperparameters(outs, profile.hyperparameters)
    known["metadata"] = _metadata(outs["metadata"], profile)
    inputs = to_inputs(FineTuningJobInputs, known)
    if "method" in inputs:
        inputs["method"] = _method(inputs["method"], integers_from_floats(extra))
    if "integrations" in inputs:
        inputs["integrations"] = [_without_service_tags(entry) for entry in inputs["integrations"]]
    inputs = {name: value for name, value in inputs.items() if not differences(name, inputs, outs)}
    if conflicting_inputs(inputs, profile):
        inputs.pop("method", None)
    is_paused = job.status in ("pausing", "paused") and profile.supports("pause")
    return {**inputs, "paused": True} if is_paused else inputs


def _metadata(pairs: dict[str, str] | None, profile: Profile) -> dict[str, str] | None:
    """Return the metadata, up to the maximum number of pairs in a program."""
    return dict(islice(pairs.items(), MAX_METADATA)) if pairs and profile.supports("metadata") else None


def _method(method: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the method with extra hyperparameters, and without values that are empty or chosen by the service."""
    kind = method["type"]
    settings = method.get(kind, {})
    is_complete = kind != "reinforcement" or "grader" in settings
    given = {**settings.get("hyperparameters", {}), **(extra if is_complete else {})}
    hyperparameters = {name: value for name, value in given.items() if value not in (None, "auto")}
    filled = {
        name: value for name, value in {**settings, "hyperparameters": hyperparameters}.items() if value
    }
    return {"type": kind, kind: filled} if filled else {"type": kind}


def _without_service_tags(integration: dict[str, Any]) -> dict[str, Any]:
    wandb = dict(integration["wandb"])
    tags = [tag for tag in wandb.pop("tags", []) if not tag.startswith(SERVICE_TAG)]
    return {**integration, "wandb": {**wandb, "tags": tags} if tags else wandb}


def file_inputs(model: type[InputModel], file: FileObject, outs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs from which the program would create an equivalent file.

    Args:
        model: The model of the inputs of a `File`.
        file: The file as returned by the API.
        outs: The file's outputs.

    Raises:
        InputError: The file's purpose is not available for uploads.
    """
    purposes = get_args(model.model_fields["purpose"].annotation)
    if file.purpose is not None and file.purpose not in purposes:
        raise InputError(
            f"{file.id} has the purpose {file.purpose!r}: only uploaded files can be imported (purposes "
            f"{', '.join(purposes)}); to read this file in a program, use File.get"
        )
    return to_inputs(model, outs)


def content_sha256(api: Client, file: FileObject) -> str | None:
    """Return the SHA-256 of a file's content, or None if the service does not return the uploaded content."""
    try:
        size, digest = api.content(file.id, _measured)
    except ServiceError as error:
        if refuses_content(error):
            return None
        raise
    return digest if file.bytes in (None, size) else None


def _measured(parts: Iterator[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    for part in parts:
        size += len(part)
        digest.update(part)
    return size, digest.hexdigest()


def find_permissions(manager: PermissionManager, import_id: str) -> tuple[str, list[Permission]]:
    """Return the name of the checkpoint and the permissions for an import id.

    Args:
        manager: The manager of the service's permissions.
        import_id: `<checkpoint>/<cp_…>`, `<checkpoint>` for all of its permissions, or `cp_…`, which is searched in
            the permissions of the newest checkpoints.

    Raises:
        InputError: No permission matches the id, or the service does not support permissions.
    """
    require_id("FineTuningCheckpointPermission", import_id)
    profile = manager.api.settings.profile
    if not profile.supports("permissions"):
        raise InputError(f"{import_id}: {profile.unsupported_message('permissions')}")
    # model names may contain slashes at other services
    name, separator, rest = import_id.rpartition(f"/{PERMISSION_ID}")
    if not separator and import_id.startswith(PERMISSION_ID):
        return _search(manager, import_id)
    checkpoint = manager.resolve_name(name if separator else import_id)
    return checkpoint, _selected(
        manager.list_for(checkpoint, None), checkpoint, separator and f"{PERMISSION_ID}{rest}"
    )


def _selected(existing: list[Permission], checkpoint: str, permission_id: str) -> list[Permission]:
    """Return the permission with an id, or all permissions of the checkpoint if the id is empty."""
    if not existing:
        raise InputError(
            f"{checkpoint} is not shared with any project, or is not a checkpoint of this organization: it has no "
            f"permissions to import"
        )
    selected = [found for found in existing if permission_id in ("", found.id)]
    if not selected:
        known = ", ".join(f"{found.id} ({found.project_id})" for found in existing[:MAX_LISTED])
        more = ", …" if len(existing) > MAX_LISTED else ""
        raise InputError(f"{permission_id} is not among the permissions of {checkpoint}: {known}{more}")
    return selected


def _search(manager: PermissionManager, permission_id: str) -> tuple[str, list[Permission]]:
    searched = 0
    for checkpoint in islice(_newest_checkpoints(manager.api), CHECKPOINTS_TO_SEARCH):
        searched += 1
        permissions = manager.list_for(checkpoint, None)
        if found := [permission for permission in permissions if permission.id == permission_id]:
            return checkpoint, found
    raise InputError(
        f"{permission_id} was not found among the permissions of the newest checkpoints ({searched} searched): "
        f"pass <checkpoint>/{permission_id} with the checkpoint's name, ft:…"
    )


def _newest_checkpoints(api: Client) -> Iterator[str]:
    """Yield the names of the checkpoints of the newest jobs, newest job first, with its model before other steps."""
    for job in islice(api.jobs(unreadable=[]), JOBS_TO_SEARCH):
        if not job.fine_tuned_model:
            continue
        yield job.fine_tuned_model
        has_checkpoints = api.settings.profile.supports("checkpoints")
        for checkpoint in api.checkpoints(job.id, unreadable=[]) if has_checkpoints else ():
            if checkpoint.fine_tuned_model_checkpoint != job.fine_tuned_model:
                yield checkpoint.fine_tuned_model_checkpoint

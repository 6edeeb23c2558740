"""What `pulumi import` reads: which id means what, and the inputs that a program would name for what is there.

Such inputs pass `check`, and nothing differs between them and the resource. What the service says and no program can
ask for is left out.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.job.diff import SERVICE_TAG, differences
from pulumi_openai_ft._provider.job.inputs import MAX_METADATA, FineTuningJobInputs
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft._provider.job.validation import conflicting_inputs, split_hyperparameters
from pulumi_openai_ft._provider.permission_manager import CHECKPOINT_ID, JOBS_TO_SEARCH
from pulumi_openai_ft.errors import AuthenticationError, InputError, MissingScopeError, ServiceError

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
"""How ids begin, and what they are ids of. Services other than OpenAI have further forms."""
ID_FORMATS = {
    "File": (("file-",), "the id of a file, file-…"),
    "FineTuningJob": (("ftjob-",), "the id of a job, ftjob-…"),
    "FineTuningCheckpointPermission": (
        ("ft:", *CHECKPOINT_ID, PERMISSION_ID),
        "<checkpoint>/<cp_…>, <checkpoint> for all its permissions, or cp_…; a checkpoint is named ft:…",
    ),
}
"""What each resource is imported by."""
CHECKPOINTS_TO_SEARCH = 10
"""As many lists of permissions as an organization may ask for in a minute or two."""
SHOWN = 10
CONTENT_FORBIDDEN_STATUSES = frozenset({*range(300, 400), 400, 403, 404, 405, 410, 422, 501})
"""How services answer who may not read a file's content: OpenAI with 400, for all purposes but some."""


def require_id(resource: str, id_: str) -> None:
    """Makes sure that an id is not one of something else.

    Args:
        resource: Name of the resource's class.
        id_: What the user gave.

    Raises:
        InputError: It is certainly no id of such a resource.
    """
    prefixes, wanted = ID_FORMATS[resource]
    if not id_.strip():
        raise InputError(f"the id is empty: a {resource} is imported by {wanted}")
    kind = next((kind for prefix, kind in ID_PREFIXES.items() if id_.startswith(prefix)), None)
    if kind and not id_.startswith(prefixes):
        raise InputError(f"{id_!r} is {kind}: a {resource} is imported by {wanted}")


def to_inputs(model: type[InputModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """What of some values a program can name as inputs. A list is named as a whole or not at all.

    Raises:
        InputError: An input that no program can do without is not among them.
    """
    left = {
        name: integers_from_floats(values[name])
        for name in model.model_fields
        if values.get(name) is not None
    }
    while True:
        try:
            named: dict[str, Any] = integers_from_floats(model.model_validate(left).provided())
        except ValidationError as error:
            _leave_out(error.errors(include_url=False)[0]["loc"], left)
        else:
            return named


def _leave_out(location: tuple[int | str, ...], values: dict[str, Any]) -> None:
    """Takes out the smallest part of the values that holds a location and is no entry of a list."""
    holder, last, there = values, None, values
    for step in location:
        if isinstance(there, dict) and step in there:
            holder, last, there = there, step, there[step]
        elif isinstance(there, list) and isinstance(step, int) and step < len(there):
            there = there[step]
    if last is None:
        raise InputError(f"{location[0]}: the service does not show it, and no program can do without it")
    del holder[last]


def job_inputs(job: Job, profile: Profile) -> dict[str, Any]:
    """The inputs that a program would name so that a job is what they ask for.

    Args:
        job: What the service says of it.
        profile: The service.

    Raises:
        InputError: The service does not say from which model or file the job was made.
    """
    outs = outputs(job, {})
    known, own = split_hyperparameters(outs, profile.hyperparameters)
    known["metadata"] = _metadata(outs["metadata"], profile)
    inputs = to_inputs(FineTuningJobInputs, known)
    if "method" in inputs:
        inputs["method"] = _method(inputs["method"], integers_from_floats(own))
    if "integrations" in inputs:
        inputs["integrations"] = [_without_service_tags(one) for one in inputs["integrations"]]
    inputs = {name: value for name, value in inputs.items() if not differences(name, inputs, outs)}
    if conflicting_inputs(inputs):
        inputs.pop("method", None)
    is_paused = job.status in ("pausing", "paused") and profile.supports("pause")
    return {**inputs, "paused": True} if is_paused else inputs


def _metadata(pairs: dict[str, str] | None, profile: Profile) -> dict[str, str] | None:
    """As many pairs as a program can name."""
    return dict(islice(pairs.items(), MAX_METADATA)) if pairs and profile.supports("metadata") else None


def _method(method: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The method without what is empty or left to the service, with hyperparameters that only this service has."""
    kind = method["type"]
    settings = method.get(kind, {})
    given = {**settings.get("hyperparameters", {}), **own}
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
    """The inputs that a program would name so that a file is what they ask for.

    Args:
        model: Describes the inputs of a `File`.
        file: What the service says of it.
        outs: What the state keeps of it.

    Raises:
        InputError: No program can upload a file of its purpose.
    """
    purposes = get_args(model.model_fields["purpose"].annotation)
    if file.purpose is not None and file.purpose not in purposes:
        raise InputError(
            f"{file.id} has the purpose {file.purpose!r}: only uploaded files can be managed, those of purpose "
            f"{', '.join(purposes)}; a program can read this one with File.get"
        )
    return to_inputs(model, outs)


def content_sha256(api: Client, file: FileObject) -> str | None:
    """SHA-256 of a file's content, or None where the service does not let it be read as it was uploaded."""
    try:
        size, digest = api.content(file.id, _measured)
    except MissingScopeError:
        return None
    except ServiceError as error:
        if isinstance(error, AuthenticationError) or error.status not in CONTENT_FORBIDDEN_STATUSES:
            raise
        return None
    return digest if file.bytes in (None, size) else None


def _measured(parts: Iterator[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    for part in parts:
        size += len(part)
        digest.update(part)
    return size, digest.hexdigest()


def find_permissions(grants: PermissionManager, import_id: str) -> tuple[str, list[Permission]]:
    """The checkpoint and the permissions that an import id names.

    Args:
        grants: The service's permissions.
        import_id: `<checkpoint>/<cp_…>`, `<checkpoint>` for all of its permissions, or `cp_…`, which is looked for.

    Raises:
        InputError: It names none.
    """
    require_id("FineTuningCheckpointPermission", import_id)
    profile = grants.api.settings.profile
    if not profile.supports("permissions"):
        raise InputError(f"{import_id}: {profile.unsupported_message('permissions')}")
    # names of models may hold slashes at other services
    name, one, rest = import_id.rpartition(f"/{PERMISSION_ID}")
    if not one and import_id.startswith(PERMISSION_ID):
        return _search(grants, import_id)
    checkpoint = grants.resolve_name(name if one else import_id)
    return checkpoint, _chosen(
        grants.list_for(checkpoint, None), checkpoint, one and f"{PERMISSION_ID}{rest}"
    )


def _chosen(there: list[Permission], checkpoint: str, permission_id: str) -> list[Permission]:
    """All permissions of a checkpoint, or the one with an id."""
    if not there:
        raise InputError(
            f"{checkpoint} is shared with no project, or is no checkpoint of this organization: no permission can be "
            f"imported"
        )
    chosen = [found for found in there if permission_id in ("", found.id)]
    if not chosen:
        known = ", ".join(f"{found.id} ({found.project_id})" for found in there[:SHOWN])
        more = ", …" if len(there) > SHOWN else ""
        raise InputError(f"{permission_id} is not among the permissions of {checkpoint}: {known}{more}")
    return chosen


def _search(grants: PermissionManager, permission_id: str) -> tuple[str, list[Permission]]:
    searched = 0
    for checkpoint in islice(_newest_checkpoints(grants.api), CHECKPOINTS_TO_SEARCH):
        searched += 1
        if found := [one for one in grants.list_for(checkpoint, None) if one.id == permission_id]:
            return checkpoint, found
    raise InputError(
        f"{permission_id} is not among the permissions of the newest checkpoints, of which {searched} were searched: "
        f"write <checkpoint>/{permission_id}, with the checkpoint's name, ft:…"
    )


def _newest_checkpoints(api: Client) -> Iterator[str]:
    """Names of the checkpoints of recent jobs, newest job first, its model before the earlier ones."""
    for job in islice(api.jobs(), JOBS_TO_SEARCH):
        if not job.fine_tuned_model:
            continue
        yield job.fine_tuned_model
        for checkpoint in api.checkpoints(job.id) if api.settings.profile.supports("checkpoints") else ():
            if checkpoint.fine_tuned_model_checkpoint != job.fine_tuned_model:
                yield checkpoint.fine_tuned_model_checkpoint

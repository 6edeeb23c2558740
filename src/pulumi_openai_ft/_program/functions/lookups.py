"""Definitions of the lookup functions: name, arguments, result, and requests to the service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pulumi_openai_ft._client.event_order import newest_first
from pulumi_openai_ft._client.objects import Checkpoint, FileObject, Job, Model
from pulumi_openai_ft._metrics.checkpoint_choice import best_checkpoint
from pulumi_openai_ft._metrics.reading import read_metrics
from pulumi_openai_ft._program.functions.models import (
    BestCheckpointArguments,
    CheckpointsArguments,
    EventsArguments,
    FileArguments,
    Files,
    FilesArguments,
    FineTuningCheckpointPermissions,
    FineTuningCheckpoints,
    FineTuningEvents,
    FineTuningJobs,
    FineTuningMetrics,
    JobArguments,
    JobsArguments,
    ModelArguments,
    Models,
    ModelsArguments,
    PermissionsArguments,
)
from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.diff import differences
from pulumi_openai_ft._provider.permission_manager import PermissionManager
from pulumi_openai_ft._shared.state_names import OWN_METADATA, TYPE_PREFIX
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event
    from pulumi_openai_ft._provider.input_models import InputModel

_SYNONYMS = {"warning": "warn"}
_print = Host().warn
Found = TypeVar("Found", bound=BaseModel)


@dataclass(frozen=True)
class LookupFunction(Generic[Found]):
    """A lookup function.

    Attributes:
        name: Name in the engine, in camel case. `function` is the name in Python.
        arguments: Model of the arguments.
        result: Model of the result.
        find: Sends the requests and returns the result. It adds to a list why it omitted objects.
        needs: Feature that the service must support, from `_service_profiles.FEATURES`.
    """

    name: str
    arguments: type[InputModel]
    result: type[Found]
    find: Callable[[Client, Any, list[str]], Found]
    needs: str | None = None

    @property
    def token(self) -> str:
        """Full name in the engine, such as `pulumi-python:dynamic/openai_ft:getFile`."""
        return TYPE_PREFIX + self.name

    @property
    def function(self) -> str:
        """Name in Python, such as `get_file`."""
        return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", self.name)

    def check(self, given: Mapping[str, Any]) -> InputModel:
        """Return the validated arguments.

        Raises:
            InputError: An argument is invalid.
        """
        if reasons := input_models.validation_errors(self.arguments, given):
            raise InputError(f"{self.function}: {'; '.join(reasons)}")
        return self.arguments.model_validate(input_models.public_properties(given))

    def run(self, api: Client, arguments: InputModel, warn: Callable[[str], None] = _print) -> Found:
        """Call the service with arguments returned by `check`, and return the result.

        Objects that cannot be read are omitted from a list.

        Args:
            api: The client.
            arguments: The validated arguments.
            warn: Prints a warning about omitted objects.

        Raises:
            InputError: The service does not support this function.
            OpenAIFTError: The request failed, or the object does not exist.
        """
        profile = api.settings.profile
        if self.needs and not profile.supports(self.needs):
            raise InputError(f"{self.function}: {profile.unsupported_message(self.needs)}")
        unreadable: list[str] = []
        found = self.find(api, arguments, unreadable)
        if unreadable:
            warn(
                f"{self.function} omitted {len(unreadable)} of the objects that the service returned, because they "
                f"cannot be read ({unreadable[0]}): report the response to the service's support"
            )
        return found

    def answer(
        self, api: Client, arguments: InputModel, warn: Callable[[str], None] = _print
    ) -> dict[str, Any]:
        """Return the result of `run` in the engine's format: JSON without nulls."""
        result: dict[str, Any] = _without_nulls(self.run(api, arguments, warn).model_dump())
        return result

    def read(self, arguments: InputModel, response: Mapping[str, Any] | None) -> Found:
        """Return the result from the engine's response, which has no nulls and only floats as numbers.

        Raises:
            InputError: The response does not have the form of the result.
        """
        echoed = {
            name: value for name, value in arguments.provided().items() if name in self.result.model_fields
        }
        try:
            return self.result.model_validate(echoed | input_models.integers_from_floats(response or {}))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
            )
            raise InputError(f"{self.function} received an unexpected response: {problems}") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _jobs(api: Client, arguments: JobsArguments, unreadable: list[str]) -> FineTuningJobs:
    metadata = arguments.metadata or {}
    if metadata and not api.settings.profile.supports("metadata"):
        raise InputError(f"{JOBS.function}: metadata: {api.settings.profile.unsupported_message('metadata')}")
    filtered = api.settings.profile.supports("metadata_filter")
    jobs = (
        job
        for job in api.jobs(metadata=metadata if filtered else None, unreadable=unreadable)
        if arguments.status in (None, job.status)
        and not (arguments.model and differences("model", {"model": arguments.model}, {"model": job.model}))
        and metadata.items() <= (job.metadata or {}).items()
    )
    return FineTuningJobs(jobs=list(map(_without_own_metadata, islice(jobs, arguments.limit))))


def _without_own_metadata(job: Job) -> Job:
    """Return a job without the pairs that this package adds to its metadata."""
    if not job.metadata or job.metadata.keys().isdisjoint(OWN_METADATA):
        return job
    metadata = {key: value for key, value in job.metadata.items() if key not in OWN_METADATA}
    return job.model_copy(update={"metadata": metadata})


def _checkpoints(
    api: Client, arguments: CheckpointsArguments, unreadable: list[str]
) -> FineTuningCheckpoints:
    job_id = arguments.fine_tuning_job_id
    checkpoints = list(api.checkpoints(job_id, limit=arguments.limit, unreadable=unreadable))
    return FineTuningCheckpoints(fine_tuning_job_id=job_id, checkpoints=checkpoints)


def _metrics(api: Client, arguments: JobArguments, _unreadable: list[str]) -> FineTuningMetrics:
    job_id = arguments.fine_tuning_job_id
    found = read_metrics(api, api.job(job_id))
    return FineTuningMetrics(
        fine_tuning_job_id=job_id, metrics=found.rows, source=found.source, missing=found.missing
    )


def _best_checkpoint(api: Client, arguments: BestCheckpointArguments, unreadable: list[str]) -> Checkpoint:
    job_id = arguments.fine_tuning_job_id
    return best_checkpoint(job_id, list(api.checkpoints(job_id, unreadable=unreadable)), arguments.by)


def _events(api: Client, arguments: EventsArguments, unreadable: list[str]) -> FineTuningEvents:
    is_unfiltered = (arguments.level, arguments.type, arguments.order) == (None, None, "newest")
    level = arguments.level and _level(arguments.level)
    events = (
        event
        for event in api.events(
            arguments.fine_tuning_job_id,
            limit=arguments.limit if is_unfiltered else None,
            unreadable=unreadable,
        )
        if level in (None, _level(event.level)) and arguments.type in (None, event.type)
    )
    ordered = _ordered(events, arguments)
    return FineTuningEvents(fine_tuning_job_id=arguments.fine_tuning_job_id, events=ordered)


def _level(level: str) -> str:
    return _SYNONYMS.get(level, level)


def _ordered(events: Iterable[Event], arguments: EventsArguments) -> list[Event]:
    """Return up to `limit` events in the requested order."""
    if arguments.order == "newest":
        return newest_first(islice(events, arguments.limit))
    return newest_first(events)[::-1][: arguments.limit]


def _permissions(
    api: Client, arguments: PermissionsArguments, unreadable: list[str]
) -> FineTuningCheckpointPermissions:
    api.settings.require_key(admin=True)
    name = PermissionManager(api).resolve_name(arguments.checkpoint_id)
    permissions = (
        permission
        for permission in api.permissions(name, unreadable=unreadable)
        if arguments.project_id in (None, permission.project_id)
    )
    found = list(islice(permissions, arguments.limit))
    return FineTuningCheckpointPermissions(checkpoint_id=arguments.checkpoint_id, permissions=found)


def _files(api: Client, arguments: FilesArguments, unreadable: list[str]) -> Files:
    files = api.files(purpose=arguments.purpose, limit=arguments.limit, unreadable=unreadable)
    return Files(files=list(files))


def _models(api: Client, arguments: ModelsArguments, unreadable: list[str]) -> Models:
    found = api.models(unreadable=unreadable)
    models = (model for model in found if arguments.owned_by in (None, model.owned_by))
    return Models(models=list(islice(models, arguments.limit)))


JOB = LookupFunction(
    "getFineTuningJob",
    JobArguments,
    Job,
    lambda api, arguments, _unreadable: _without_own_metadata(api.job(arguments.fine_tuning_job_id)),
)
JOBS = LookupFunction("getFineTuningJobs", JobsArguments, FineTuningJobs, _jobs)
CHECKPOINTS = LookupFunction(
    "getFineTuningCheckpoints", CheckpointsArguments, FineTuningCheckpoints, _checkpoints, "checkpoints"
)
EVENTS = LookupFunction("getFineTuningEvents", EventsArguments, FineTuningEvents, _events, "events")
METRICS = LookupFunction("getFineTuningMetrics", JobArguments, FineTuningMetrics, _metrics)
BEST_CHECKPOINT = LookupFunction(
    "bestCheckpoint", BestCheckpointArguments, Checkpoint, _best_checkpoint, "checkpoints"
)
PERMISSIONS = LookupFunction(
    "getFineTuningCheckpointPermissions",
    PermissionsArguments,
    FineTuningCheckpointPermissions,
    _permissions,
    "permissions",
)
FILE = LookupFunction(
    "getFile",
    FileArguments,
    FileObject,
    lambda api, arguments, _unreadable: api.file(arguments.file_id),
)
FILES = LookupFunction("getFiles", FilesArguments, Files, _files)
MODEL = LookupFunction(
    "getModel",
    ModelArguments,
    Model,
    lambda api, arguments, _unreadable: api.model(arguments.model_id),
    "models",
)
MODELS = LookupFunction("getModels", ModelsArguments, Models, _models, "models")

LOOKUPS: dict[str, LookupFunction[Any]] = {
    lookup.name: lookup
    for lookup in (
        JOB,
        JOBS,
        CHECKPOINTS,
        EVENTS,
        METRICS,
        BEST_CHECKPOINT,
        PERMISSIONS,
        FILE,
        FILES,
        MODEL,
        MODELS,
    )
}
"""All lookup functions by their names in the engine."""

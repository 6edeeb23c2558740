"""What functions look up: arguments, result, and how the service is asked. The one place that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pulumi_openai_ft._client.objects import FileObject, Job, Model
from pulumi_openai_ft._program.functions.models import (
    CheckpointsArguments,
    EventsArguments,
    FileArguments,
    Files,
    FilesArguments,
    FineTuningCheckpointPermissions,
    FineTuningCheckpoints,
    FineTuningEvents,
    FineTuningJobs,
    JobArguments,
    JobsArguments,
    ModelArguments,
    Models,
    ModelsArguments,
    PermissionsArguments,
)
from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.job.diff import differences
from pulumi_openai_ft._provider.permission_manager import PermissionManager
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event
    from pulumi_openai_ft._provider.input_models import InputModel

_SYNONYMS = {"warning": "warn"}
Found = TypeVar("Found", bound=BaseModel)


@dataclass(frozen=True)
class LookupFunction(Generic[Found]):
    """A function.

    Attributes:
        name: Its name for the engine; `function` is its name in Python.
        arguments: Describes its arguments.
        result: Describes what it gives.
        find: Asks the service.
        needs: What the service must offer, of `_profiles.FEATURES`.
    """

    name: str
    arguments: type[InputModel]
    result: type[Found]
    find: Callable[[Client, Any], Found]
    needs: str | None = None

    @property
    def token(self) -> str:
        """The engine's full name of the function."""
        return TYPE_PREFIX + self.name

    @property
    def function(self) -> str:
        """Its name in Python."""
        return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", self.name)

    def check(self, given: Mapping[str, Any]) -> InputModel:
        """The arguments.

        Raises:
            InputError: They are wrong.
        """
        if reasons := input_models.validation_errors(self.arguments, given):
            raise InputError(f"{self.function}: {'; '.join(reasons)}")
        return self.arguments.model_validate(input_models.public_properties(given))

    def run(self, api: Client, arguments: InputModel) -> Found:
        """Asks the service. The arguments are those of `check`.

        Raises:
            InputError: The service does not offer this.
            OpenAIFTError: The service cannot be asked, or knows no such thing.
        """
        profile = api.settings.profile
        if self.needs and not profile.supports(self.needs):
            raise InputError(f"{self.function}: {profile.unsupported_message(self.needs)}")
        return self.find(api, arguments)

    def answer(self, api: Client, arguments: InputModel) -> dict[str, Any]:
        """What `run` gives, as the engine carries it: JSON without nulls."""
        answer: dict[str, Any] = _without_nulls(self.run(api, arguments).model_dump())
        return answer

    def read(self, arguments: InputModel, answer: Mapping[str, Any] | None) -> Found:
        """The result, out of what came over the engine: without nulls, and all numbers floats.

        Raises:
            InputError: Something else came.
        """
        asked = {
            name: value for name, value in arguments.provided().items() if name in self.result.model_fields
        }
        try:
            return self.result.model_validate(asked | input_models.integers_from_floats(answer or {}))
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
            )
            raise InputError(f"{self.function} was not answered with what it gives: {told}") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _jobs(api: Client, asked: JobsArguments) -> FineTuningJobs:
    wanted = asked.metadata or {}
    if wanted and not api.settings.profile.supports("metadata"):
        raise InputError(f"{JOBS.function}: metadata: {api.settings.profile.unsupported_message('metadata')}")
    filtered = api.settings.profile.supports("metadata_filter")
    jobs = (
        job
        for job in api.jobs(metadata=wanted if filtered else None)
        if asked.status in (None, job.status)
        and not (asked.model and differences("model", {"model": asked.model}, {"model": job.model}))
        and wanted.items() <= (job.metadata or {}).items()
    )
    return FineTuningJobs(jobs=list(islice(jobs, asked.limit)))


def _checkpoints(api: Client, asked: CheckpointsArguments) -> FineTuningCheckpoints:
    job_id = asked.fine_tuning_job_id
    checkpoints = list(api.checkpoints(job_id, limit=asked.limit))
    return FineTuningCheckpoints(fine_tuning_job_id=job_id, checkpoints=checkpoints)


def _events(api: Client, asked: EventsArguments) -> FineTuningEvents:
    enough = asked.limit if (asked.level, asked.type, asked.order) == (None, None, "newest") else None
    level = asked.level and _level(asked.level)
    events = (
        event
        for event in api.events(asked.fine_tuning_job_id, limit=enough)
        if level in (None, _level(event.level)) and asked.type in (None, event.type)
    )
    ordered = _ordered(events, asked)
    return FineTuningEvents(fine_tuning_job_id=asked.fine_tuning_job_id, events=ordered)


def _level(level: str) -> str:
    return _SYNONYMS.get(level, level)


def _ordered(events: Iterable[Event], asked: EventsArguments) -> list[Event]:
    """As many as are asked for, by time; events of one second stay in the API's order, which is newest first."""
    if asked.order == "newest":
        events = islice(events, asked.limit)
    newest_first = sorted(events, key=lambda event: event.created_at, reverse=True)
    return newest_first if asked.order == "newest" else newest_first[::-1][: asked.limit]


def _permissions(api: Client, asked: PermissionsArguments) -> FineTuningCheckpointPermissions:
    api.settings.require_key(admin=True)
    name = PermissionManager(api).resolve_name(asked.checkpoint_id)
    permissions = (
        permission
        for permission in api.permissions(name)
        if asked.project_id in (None, permission.project_id)
    )
    found = list(islice(permissions, asked.limit))
    return FineTuningCheckpointPermissions(checkpoint_id=asked.checkpoint_id, permissions=found)


def _models(api: Client, asked: ModelsArguments) -> Models:
    models = (model for model in api.models() if asked.owned_by in (None, model.owned_by))
    return Models(models=list(islice(models, asked.limit)))


JOB = LookupFunction(
    "getFineTuningJob", JobArguments, Job, lambda api, asked: api.job(asked.fine_tuning_job_id)
)
JOBS = LookupFunction("getFineTuningJobs", JobsArguments, FineTuningJobs, _jobs)
CHECKPOINTS = LookupFunction(
    "getFineTuningCheckpoints", CheckpointsArguments, FineTuningCheckpoints, _checkpoints, "checkpoints"
)
EVENTS = LookupFunction("getFineTuningEvents", EventsArguments, FineTuningEvents, _events, "events")
PERMISSIONS = LookupFunction(
    "getFineTuningCheckpointPermissions",
    PermissionsArguments,
    FineTuningCheckpointPermissions,
    _permissions,
    "permissions",
)
FILE = LookupFunction("getFile", FileArguments, FileObject, lambda api, asked: api.file(asked.file_id))
FILES = LookupFunction(
    "getFiles",
    FilesArguments,
    Files,
    lambda api, asked: Files(files=list(api.files(purpose=asked.purpose, limit=asked.limit))),
)
MODEL = LookupFunction(
    "getModel", ModelArguments, Model, lambda api, asked: api.model(asked.model_id), "models"
)
MODELS = LookupFunction("getModels", ModelsArguments, Models, _models, "models")

LOOKUPS: dict[str, LookupFunction[Any]] = {
    lookup.name: lookup
    for lookup in (JOB, JOBS, CHECKPOINTS, EVENTS, PERMISSIONS, FILE, FILES, MODEL, MODELS)
}
"""All functions, by their names for the engine."""

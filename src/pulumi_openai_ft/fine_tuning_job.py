"""`FineTuningJob`: a fine-tuning job and the model that it makes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, UpdateResult

from pulumi_openai_ft import _inputs
from pulumi_openai_ft._job_checks import (
    contradictions,
    split_hyperparameters,
    what_is_lacking,
    with_hyperparameters,
)
from pulumi_openai_ft._job_diff import ASKED, FILE_HASHES, asked, asks_for_another
from pulumi_openai_ft._job_inputs import REPLACING, FineTuningJobInputs
from pulumi_openai_ft._job_outputs import MODEL_IS_GONE, needs_update, outputs
from pulumi_openai_ft._job_token import job_token
from pulumi_openai_ft._jobs import FAILED, Jobs, failure, model_gone, require_paused_by_us
from pulumi_openai_ft._objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider import (
    FORMER_IDENTITIES,
    IDENTITY,
    Provider,
    Readable,
    former_identities,
    identity,
)
from pulumi_openai_ft.catalog import Catalog, warnings
from pulumi_openai_ft.errors import OpenAIFTError, SettingsError
from pulumi_openai_ft.file import File

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pulumi_openai_ft._api import Api
    from pulumi_openai_ft._objects import Job
    from pulumi_openai_ft._settings import Settings

__all__ = ["FineTuningJob", "FineTuningJobProvider"]


class FineTuningJobProvider(Provider):
    """Keeps one fine-tuning job."""

    inputs_model = FineTuningJobInputs

    @cached_property
    def jobs(self) -> Jobs:
        """The service's jobs."""
        return Jobs(self.api, self.host)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds rules between inputs. A service's own hyperparameters are for the service to check."""
        known, _ = split_hyperparameters(props, self._own_hyperparameters())
        return [*super().input_problems(known), *contradictions(props)]

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What the service does not offer."""
        return what_is_lacking(props, self.settings.profile)

    def advice(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What to know of the model before a job is bought."""
        model, method = news.get("model"), news.get("method")
        if not isinstance(model, str) or _inputs.visible(olds) == _inputs.visible(news):
            return []
        kind = method.get("type") if isinstance(method, dict) else "supervised"
        today, days = datetime.now(UTC).date(), int(self.settings.shutdown_warning_days)
        return warnings(self.catalog, model, str(kind), today=today, days=days)

    def require_settings(self, settings: Settings) -> None:
        """Adds what the user says of models."""
        super().require_settings(settings)
        _ = self.catalog

    @cached_property
    def catalog(self) -> Catalog:
        """What is known of models.

        Raises:
            SettingsError: What the user says of them is malformed.
        """
        overrides = self.settings.catalog
        return Catalog.load(json.loads(overrides) if overrides else None, service=self.settings.profile.name)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Adds a service's own hyperparameters as they are."""
        known, extra = split_hyperparameters(props, self._own_hyperparameters())
        return with_hyperparameters(super().inputs(known), extra)

    def _own_hyperparameters(self) -> Collection[str]:
        try:
            return self.settings.profile.hyperparameters
        except SettingsError:
            return ()

    def ask_something(self, api: Api) -> None:
        """Looks for one job."""
        next(api.jobs(limit=1), None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compares what is asked for with the job that is there."""
        replaces = [name for name in REPLACING if asks_for_another(name, news, olds)]
        if olds.get("status") in FAILED and news.get("recreate_on_failure"):
            replaces.append("recreate_on_failure")
        return DiffResult(
            changes=bool(replaces) or needs_update(olds, news),
            replaces=replaces,
            delete_before_replace=bool(replaces) and olds.get("status") not in TERMINAL_STATUSES,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Obtains the job and waits for it.

        From the moment that the job exists its id must not be lost. So trouble while waiting is told, not raised,
        and a job that failed is a result like any other; the next `up` goes on from there.
        """
        inputs = self.inputs(props)
        job = self.jobs.obtain(self._tokens(props, inputs), inputs)
        try:
            job = self.jobs.settle(job, inputs)
        except OpenAIFTError as error:
            self.host.say(f"job {job.id} goes on, and the next `pulumi up` waits for it: {error}")
        if job.status in FAILED:
            self.host.say(str(failure(job)))
        if asks_for_another("method", props, self._outputs(job, {})):
            self.host.say(
                f"job {job.id}: the service changed the method that it was asked for: look at `method`"
            )
        return CreateResult(job.id, self._outputs(job, {**props, ASKED: asked(props)}))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks at the job, and whether its model is still there."""
        job = self.jobs.find(id_)
        is_gone = job.status == "succeeded" and not self.jobs.seems_to_have_model(job)
        return ReadResult(id_, {**self._outputs(job, props), **({MODEL_IS_GONE: True} if is_gone else {})})

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Pauses, resumes, waits on, or says again why the job failed."""
        inputs = self.inputs(news)
        resume = bool(olds.get("paused")) and not inputs.get("paused")
        job = self.jobs.settle(self.jobs.find(id_), inputs, resume=resume)
        if job.status in FAILED:
            raise failure(job)
        require_paused_by_us(job, inputs)
        if olds.get(MODEL_IS_GONE) and not self.jobs.has_model(job):
            raise model_gone(job)
        return UpdateResult(self._outputs(job, {**news, ASKED: asked(news)}))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Cancels the job if it is not finished. Its model stays unless `delete_model_on_destroy`."""
        if self.jobs.adopted.spares(id_):
            return
        job = self.jobs.cancel(self.jobs.find(id_))
        if props.get("delete_model_on_destroy") and job.fine_tuned_model:
            self.jobs.delete_model(job.fine_tuned_model)

    def _tokens(self, props: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
        """The job's token, and those that it had under the resource's former names."""
        askers = [props.get(IDENTITY), *(props.get(FORMER_IDENTITIES) or [])]
        return [job_token({**props, IDENTITY: asker}, inputs, self.settings.owner) for asker in askers]

    def _outputs(self, job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**outputs(job, props), "base_url": self.settings.base_url}


class FineTuningJob(Readable, pulumi.dynamic.Resource, module="openai_ft", name="FineTuningJob"):
    """A fine-tuning job and the model that it makes.

    A job that these inputs asked for before is adopted, never bought twice. Source in the API:
    `POST /fine_tuning/jobs`.
    """

    inputs_model = FineTuningJobInputs

    model: pulumi.Output[str]
    """The base model, as the service resolved it."""
    training_file: pulumi.Output[str]
    """Id of the training file."""
    validation_file: pulumi.Output[str | None]
    """Id of the validation file."""
    suffix: pulumi.Output[str | None]
    """Part of the fine-tuned model's name."""
    seed: pulumi.Output[int]
    """The seed, as given or as the service picked it."""
    method: pulumi.Output[dict[str, Any]]
    """How the model is trained, with the hyperparameters that the service resolved."""
    integrations: pulumi.Output[list[dict[str, Any]] | None]
    """Services that follow the training."""
    metadata: pulumi.Output[dict[str, str] | None]
    """The job's metadata, without our token."""
    status: pulumi.Output[str]
    """`validating_files`, `queued`, `running`, `paused`, `succeeded`, `failed`, `cancelled`, or another one."""
    fine_tuned_model: pulumi.Output[str | None]
    """Name of the model, `ft:…`, once the job has succeeded."""
    created_at: pulumi.Output[int]
    """When the job was created, Unix seconds."""
    finished_at: pulumi.Output[int | None]
    """When the job succeeded, Unix seconds."""
    trained_tokens: pulumi.Output[int | None]
    """Tokens that are billed, over all epochs."""
    result_files: pulumi.Output[list[str]]
    """Ids of the files that hold the training's metrics."""
    error: pulumi.Output[dict[str, Any] | None]
    """`code`, `message` and `param` of what failed, or None."""
    organization_id: pulumi.Output[str]
    """The organization that owns the job."""
    base_url: pulumi.Output[str]
    """The service that has the job."""

    def __init__(
        self,
        resource_name: str,
        *,
        model: pulumi.Input[str],
        training_file: pulumi.Input[str] | File,
        validation_file: pulumi.Input[str] | File | None = None,
        suffix: pulumi.Input[str] | None = None,
        seed: pulumi.Input[int] | None = None,
        method: pulumi.Input[Mapping[str, Any]] | None = None,
        integrations: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        metadata: pulumi.Input[Mapping[str, str]] | None = None,
        extra_body: pulumi.Input[Mapping[str, Any]] | None = None,
        wait_for_completion: pulumi.Input[bool] | None = None,
        cancel_after_timeout: pulumi.Input[int] | None = None,
        paused: pulumi.Input[bool] | None = None,
        recreate_on_failure: pulumi.Input[bool] | None = None,
        delete_model_on_destroy: pulumi.Input[bool] | None = None,
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Trains a model when the stack is updated.

        Args:
            resource_name: Name of the resource in the stack.
            model: Base model, an alias of one, or a fine-tuned model to train further.
            training_file: Id of the training file, or the `File`.
            validation_file: Id of the validation file, or the `File`.
            suffix: Part of the fine-tuned model's name, 1 to 64 characters.
            seed: Makes training repeatable, 0 to 2147483647; the service picks one by default.
            method: How the model is trained, for example
                `{"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}`.
            integrations: Services that follow the training: `[{"type": "wandb", "wandb": {"project": "…"}}]`.
            metadata: Up to 15 pairs of texts, kept with the job.
            extra_body: Merged into the request as it is, for what a service adds to the API.
            wait_for_completion: Whether `up` waits until the job is done; True by default.
            cancel_after_timeout: Seconds since the job's creation after which a waiting `up` cancels it.
            paused: Whether the job is to be paused; False by default.
            recreate_on_failure: Whether `up` trains again after a failure; False by default.
            delete_model_on_destroy: Whether destroying the job deletes its model; False by default.
            triggers: Any values; when they change, the job trains again.
            opts: Pulumi's resource options.
        """
        props = {
            "model": model,
            "training_file": _file_id(training_file),
            "validation_file": _file_id(validation_file),
            "suffix": suffix,
            "seed": seed,
            "method": method,
            "integrations": integrations,
            "metadata": metadata,
            "extra_body": extra_body,
            "wait_for_completion": wait_for_completion,
            "cancel_after_timeout": cancel_after_timeout,
            "paused": paused,
            "recreate_on_failure": recreate_on_failure,
            "delete_model_on_destroy": delete_model_on_destroy,
            "triggers": triggers,
            FILE_HASHES["training_file"]: _file_hash(training_file),
            FILE_HASHES["validation_file"]: _file_hash(validation_file),
            IDENTITY: identity(resource_name, type(self).__name__, opts),
            FORMER_IDENTITIES: former_identities(resource_name, type(self).__name__, opts)
            if opts and opts.aliases
            else None,
            **dict.fromkeys(OUTPUTS),
        }
        super().__init__(FineTuningJobProvider(), resource_name, props, opts)


OUTPUTS = tuple(
    name for name in FineTuningJob.__annotations__ if name not in FineTuningJobInputs.model_fields
)
"""Properties that only the service fills in."""


def _file_id(file: pulumi.Input[str] | File | None) -> pulumi.Input[str] | None:
    return file.id if isinstance(file, File) else file


def _file_hash(file: pulumi.Input[str] | File | None) -> pulumi.Input[str] | None:
    return file.sha256 if isinstance(file, File) else None

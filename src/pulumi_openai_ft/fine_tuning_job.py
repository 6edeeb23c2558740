"""`FineTuningJob`: a fine-tuning job and the model that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from pulumi_openai_ft import _inputs
from pulumi_openai_ft._imports import job_inputs, require_id
from pulumi_openai_ft._job.advice import advice, catalog_of
from pulumi_openai_ft._job.checks import (
    contradictions,
    split_hyperparameters,
    what_is_lacking,
    with_hyperparameters,
)
from pulumi_openai_ft._job.diff import ASKED, FILE_HASHES, asked, differences
from pulumi_openai_ft._job.inputs import REPLACING, FineTuningJobInputs
from pulumi_openai_ft._job.jobs import FAILED, Jobs
from pulumi_openai_ft._job.news import failure, goes_on, model_gone, paused_elsewhere
from pulumi_openai_ft._job.outputs import MODEL_IS_GONE, is_unfinished, outputs, planned, updated
from pulumi_openai_ft._job.token import job_tokens
from pulumi_openai_ft._once import once
from pulumi_openai_ft._provider import Comparison, Provider
from pulumi_openai_ft._resource import (
    FORMER_IDENTITIES,
    IDENTITY,
    Readable,
    former_identities,
    identity,
    keeping_secret,
    secret_inputs,
)
from pulumi_openai_ft._service.objects import TERMINAL_STATUSES
from pulumi_openai_ft.errors import JobFailedError, OpenAIFTError, UnfinishedError
from pulumi_openai_ft.file import File, file_hash, file_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_openai_ft._service.api import Api
    from pulumi_openai_ft._service.objects import Job
    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.catalog import Catalog

__all__ = ["FineTuningJob", "FineTuningJobProvider"]


class FineTuningJobProvider(Provider):
    """Keeps one fine-tuning job."""

    inputs_model = FineTuningJobInputs
    remembered = tuple(FILE_HASHES.values())

    @once
    def jobs(self) -> Jobs:
        """The service's jobs."""
        return Jobs(self.api, self.host)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds rules between inputs. A service's own hyperparameters are for the service to check."""
        known, _ = split_hyperparameters(props, self.profile.hyperparameters)
        return [*super().input_problems(known), *contradictions(props)]

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What the service does not offer."""
        return what_is_lacking(props, self.profile)

    def advice(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What to know of the model before a job is bought."""
        is_same = _inputs.visible(olds) == _inputs.visible(news)
        return [] if is_same else advice(news, self.catalog, int(self.settings.shutdown_warning_days))

    def require_settings(self, settings: Settings) -> None:
        """Adds what the user says of models."""
        super().require_settings(settings)
        _ = self.catalog

    @once
    def catalog(self) -> Catalog:
        """What is known of models. Raises `SettingsError` where what the user says of them is malformed."""
        return catalog_of(self.settings)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Adds a service's own hyperparameters as they are."""
        known, extra = split_hyperparameters(props, self.profile.hyperparameters)
        return with_hyperparameters(super().inputs(known), extra)

    def ask_something(self, api: Api) -> None:
        """Looks for one job."""
        next(api.jobs(limit=1), None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> Comparison:
        """Compares what is asked for with the job that is there."""
        replaces = [path for name in REPLACING for path in differences(name, news, olds)]
        if olds.get("status") in FAILED and news.get("recreate_on_failure"):
            replaces.append("recreate_on_failure")
        return Comparison(
            replaces,
            updated(olds, news),
            is_unfinished=is_unfinished(olds, news),
            delete_before_replace=bool(replaces) and olds.get("status") not in TERMINAL_STATUSES,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Obtains the job and waits for it."""
        inputs = self.inputs(props)
        job = self.jobs.obtain(job_tokens(props, inputs, self.settings.owner), inputs)
        props = {**props, ASKED: asked(props)}
        return self.host.finish(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: self._finish(self.jobs.first_bought(job), inputs, props),
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks at the job, and whether its model is still there."""
        job = self.jobs.find(id_)
        is_gone = job.status == "succeeded" and not self.jobs.seems_to_have_model(job)
        return ReadResult(id_, {**self._outputs(job, props), **({MODEL_IS_GONE: True} if is_gone else {})})

    def import_(self, id_: str) -> ReadResult:
        """Reads a job that no state knows."""
        require_id("FineTuningJob", id_)
        inputs = job_inputs(self.api.job(id_), self.settings.profile)
        return ReadResult(id_, self.read(id_, inputs).outs, inputs)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Pauses, resumes, waits on, or says again why the job failed."""
        inputs = self.inputs(news)
        resume = bool(olds.get("paused")) and not inputs.get("paused")
        job = self.jobs.find(id_)
        outs = self._settled(job, inputs, {**news, ASKED: asked(news)}, resume=resume)
        if olds.get(MODEL_IS_GONE) and not self.jobs.has_model(job):
            raise JobFailedError(model_gone(job), {**outs, MODEL_IS_GONE: True})
        return UpdateResult(outs)

    def planned(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """What cannot change stays; the service resolves the rest."""
        return {**planned(olds, news), "base_url": self.settings.base_url}

    def left(self, id_: str, outs: Mapping[str, Any], error: Exception) -> str:
        """That the job goes on."""
        return goes_on(id_, str(outs.get("status")), error)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Cancels the job if it is not finished. Its model stays unless `delete_model_on_destroy`."""
        if self.jobs.adopted.spares(id_):
            return
        job = self.jobs.cancel(self.jobs.find(id_))
        if props.get("delete_model_on_destroy") and job.fine_tuned_model:
            self.jobs.delete_model(job.fine_tuned_model)

    def _finish(self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any]) -> CreateResult:
        return self.host.finish(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: CreateResult(job.id, self._settled(job, inputs, props)),
        )

    def _settled(
        self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any], *, resume: bool = False
    ) -> dict[str, Any]:
        """The state of a job once it is where the inputs want it, else `UnfinishedError`."""
        try:
            job = self.jobs.settle(job, inputs, resume=resume)
        except OpenAIFTError as error:
            raise UnfinishedError(goes_on(job.id, job.status, error), self._outputs(job, props)) from error
        outs = self._outputs(job, props)
        if job.status in FAILED:
            raise JobFailedError(failure(job), outs)
        if job.status == "paused" and not inputs.get("paused"):
            raise UnfinishedError(paused_elsewhere(job), outs)
        if differences("method", props, outputs(job, {})):
            self.host.say(
                f"job {job.id}: the service changed the method that it was asked for: look at `method`"
            )
        return outs

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
            "training_file": file_id(training_file),
            "validation_file": file_id(validation_file),
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
            FILE_HASHES["training_file"]: file_hash(training_file),
            FILE_HASHES["validation_file"]: file_hash(validation_file),
            IDENTITY: identity(resource_name, type(self).__name__, opts),
            FORMER_IDENTITIES: former_identities(resource_name, type(self).__name__, opts),
            **dict.fromkeys(OUTPUTS),
        }
        props[_inputs.SECRET_INPUTS] = secret_inputs(props)
        super().__init__(FineTuningJobProvider(), resource_name, props, keeping_secret(opts, ASKED))


OUTPUTS = tuple(
    name for name in FineTuningJob.__annotations__ if name not in FineTuningJobInputs.model_fields
)
"""Properties that only the service fills in."""

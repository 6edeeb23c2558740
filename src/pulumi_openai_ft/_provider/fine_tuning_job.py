"""What `FineTuningJob` does: how its inputs become a job, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from pulumi_openai_ft._client.objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.base import DetailedDiff, Provider
from pulumi_openai_ft._provider.job import estimate
from pulumi_openai_ft._provider.job.diff import differences, input_digests
from pulumi_openai_ft._provider.job.idempotency import idempotency_keys
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE, FineTuningJobInputs
from pulumi_openai_ft._provider.job.manager import FAILED, JobManager
from pulumi_openai_ft._provider.job.messages import (
    estimate_message,
    failed_message,
    model_deleted_message,
    paused_externally_message,
    still_running_message,
)
from pulumi_openai_ft._provider.job.state import (
    MODEL_DELETED,
    needs_update,
    outputs,
    preview_outputs,
    updated,
)
from pulumi_openai_ft._provider.job.validation import (
    conflicting_inputs,
    load_catalog,
    model_warnings,
    split_hyperparameters,
    unsupported_features,
    with_hyperparameters,
)
from pulumi_openai_ft._provider.resource_import import job_inputs, require_id
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import ESTIMATE, ESTIMATED, FILE_HASHES, REQUESTED_INPUTS
from pulumi_openai_ft.errors import IncompleteResourceError, JobFailedError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.catalog import Catalog


class FineTuningJobProvider(Provider):
    """Keeps one fine-tuning job."""

    inputs_model = FineTuningJobInputs
    inputs_used_in_diff = tuple(FILE_HASHES.values())

    @locked_cached_property
    def jobs(self) -> JobManager:
        """The service's jobs."""
        return JobManager(self.api, self.host)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds rules between inputs. A service's own hyperparameters are for the service to check."""
        known, _ = split_hyperparameters(_asked_for(props), self.profile.hyperparameters)
        return [*super().input_problems(known), *conflicting_inputs(props)]

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What the service does not offer."""
        return unsupported_features(props, self.profile)

    def data_problems(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What the service would refuse of the training file for this job."""
        if _is_same(olds, news):
            return []
        return estimate.data_errors(news, self.catalog, self.profile.name, self.host)

    def warnings(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What to know of the model and the training file before a job is bought."""
        if _is_same(olds, news):
            return []
        days, today = int(self.settings.shutdown_warning_days), self.host.time.today()
        of_model = model_warnings(news, self.catalog, days, today)
        return [*of_model, *estimate.data_warnings(news, self.catalog, self.host)]

    def with_computed_inputs(self, olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Adds what training is likely to come to; of a job that is there, as it was estimated then."""
        news = {**news, **_hashes_that_stay(olds, news)}
        if _is_same(olds, news):
            found = olds.get(ESTIMATE)
        else:
            found = estimate.estimate(news, self.catalog, self.profile, self.host)
        if not found:
            return news
        news = {**news, ESTIMATE: found}
        return {**news, **{name: one for name, one in estimate.estimated(news).items() if one is not None}}

    def require_settings(self, settings: Settings) -> None:
        """Adds what the user says of models."""
        super().require_settings(settings)
        _ = self.catalog

    @locked_cached_property
    def catalog(self) -> Catalog:
        """What is known of models. Raises `SettingsError` where what the user says of them is malformed."""
        return load_catalog(self.settings)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Adds a service's own hyperparameters as they are."""
        known, extra = split_hyperparameters(_asked_for(props), self.profile.hyperparameters)
        return with_hyperparameters(super().inputs(known), extra)

    def probe(self, api: Client) -> None:
        """Looks for one job."""
        next(api.jobs(limit=1), None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Compares what is asked for with the job that is there."""
        replaces = [path for name in REPLACE_ON_CHANGE for path in differences(name, news, olds)]
        if olds.get("status") in FAILED and news.get("recreate_on_failure"):
            replaces.append("recreate_on_failure")
        return DetailedDiff(
            replaces,
            updated(olds, news),
            is_unfinished=needs_update(olds, news),
            delete_before_replace=bool(replaces) and olds.get("status") not in TERMINAL_STATUSES,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Obtains the job and waits for it."""
        inputs = self.inputs(props)
        job = self.jobs.get_or_create(
            idempotency_keys(props, inputs, self.settings.idempotency_scope), inputs
        )
        props = {**props, REQUESTED_INPUTS: input_digests(props), **estimate.estimated(props)}
        return self.host.complete_create(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: self._finish(self.jobs.resolve_duplicate(job), inputs, props),
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks at the job, and whether its model is still there."""
        job = self.jobs.find(id_)
        is_gone = job.status == "succeeded" and not self.jobs.model_is_listed(job)
        return ReadResult(id_, {**self._outputs(job, props), **({MODEL_DELETED: True} if is_gone else {})})

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
        kept = {name: input_models.integers_from_floats(olds.get(name)) for name in ESTIMATED}
        outs = self._settled(
            job, inputs, {**news, REQUESTED_INPUTS: input_digests(news), **kept}, resume=resume
        )
        if olds.get(MODEL_DELETED) and not self.jobs.has_model(job):
            raise JobFailedError(model_deleted_message(job), {**outs, MODEL_DELETED: True})
        return UpdateResult(outs)

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """What cannot change stays; the service resolves the rest. Of a new job, its price is told."""
        if olds is None and (found := input_models.integers_from_floats(news.get(ESTIMATE))):
            self.host.info(estimate_message(found))
        return {**preview_outputs(olds, news), "base_url": self.settings.base_url}

    def unfinished_message(self, id_: str, outs: Mapping[str, Any], error: Exception) -> str:
        """That the job goes on."""
        seen = self.jobs.last_seen(id_)
        return still_running_message(id_, seen.status if seen else str(outs.get("status")), error)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Cancels the job if it is not finished. Its model stays unless `delete_model_on_destroy`."""
        if self.jobs.adopted.was_adopted(id_):
            return
        job = self.jobs.cancel(self.jobs.find(id_))
        if props.get("delete_model_on_destroy") and job.fine_tuned_model:
            self.jobs.delete_model(job.fine_tuned_model)

    def _finish(self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any]) -> CreateResult:
        return self.host.complete_create(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: CreateResult(job.id, self._settled(job, inputs, props)),
        )

    def _settled(
        self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any], *, resume: bool = False
    ) -> dict[str, Any]:
        """The state of a job once it is where the inputs want it, else `IncompleteResourceError`."""
        try:
            job = self.jobs.reconcile(job, inputs, resume=resume)
        except OpenAIFTError as error:
            seen = self.jobs.last_seen(job.id) or job
            raise IncompleteResourceError(
                still_running_message(job.id, seen.status, error), self._outputs(seen, props)
            ) from error
        outs = self._outputs(job, props)
        if job.status in FAILED:
            raise JobFailedError(failed_message(job), outs)
        if job.status == "paused" and not inputs.get("paused"):
            raise IncompleteResourceError(paused_externally_message(job), outs)
        if differences("method", props, outputs(job, {})):
            self.host.info(
                f"job {job.id}: the service changed the method that it was asked for: look at `method`"
            )
        return outs

    def _outputs(self, job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**outputs(job, props), "base_url": self.settings.base_url}


BUYING = (*REPLACE_ON_CHANGE, "recreate_on_failure")
"""Inputs whose change may buy another job."""


def _is_same(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the inputs ask for the job of the last time: one that is paid for is neither judged nor priced again."""
    return all(
        input_models.integers_from_floats(olds.get(name)) == input_models.integers_from_floats(news.get(name))
        for name in BUYING
    )


def _asked_for(props: Mapping[str, Any]) -> dict[str, Any]:
    """The properties without those that check has added."""
    return {name: value for name, value in props.items() if name not in ESTIMATED}


def _hashes_that_stay(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Hashes of files whose ids are those of the last time: `ignore_changes` gives back the id alone."""
    return {
        hash_: olds[hash_]
        for name, hash_ in FILE_HASHES.items()
        if olds.get(hash_) is not None and olds.get(name) == news.get(name)
    }

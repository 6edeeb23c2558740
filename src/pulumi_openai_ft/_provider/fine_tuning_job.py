"""Provider of `FineTuningJob`: the operations on a job, and the messages about it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from pulumi_openai_ft._client.objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.base import DetailedDiff, Provider
from pulumi_openai_ft._provider.job import estimate
from pulumi_openai_ft._provider.job.diff import differences, input_digests
from pulumi_openai_ft._provider.job.existing import ExistingJobs
from pulumi_openai_ft._provider.job.idempotency import (
    CarriedIdentities,
    JobKeys,
    former_name,
    job_keys,
    props_known_at_preview,
)
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE, FineTuningJobInputs
from pulumi_openai_ft._provider.job.manager import FAILED, JobManager
from pulumi_openai_ft._provider.job.messages import (
    NO_MODEL,
    adoption_message,
    estimate_message,
    failed_message,
    kept_by_alias_message,
    model_deleted_message,
    paused_externally_message,
    still_running_message,
)
from pulumi_openai_ft._provider.job.model_descriptions import described_models
from pulumi_openai_ft._provider.job.replacement import replacement_reason
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
    metadata_warnings,
    method_warnings,
    model_warnings,
    split_hyperparameters,
    unsupported_features,
    with_hyperparameters,
)
from pulumi_openai_ft._provider.job.validation_losses import known_losses, with_losses
from pulumi_openai_ft._provider.redaction import redacted
from pulumi_openai_ft._provider.resource_import import job_inputs, require_id
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import (
    ESTIMATE,
    ESTIMATED,
    FILE_HASHES,
    IDENTITY,
    REQUESTED_INPUTS,
)
from pulumi_openai_ft.errors import IncompleteResourceError, InputError, JobFailedError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.catalog import Catalog


class FineTuningJobProvider(Provider):
    """Provider of a fine-tuning job."""

    inputs_model = FineTuningJobInputs
    inputs_used_in_diff = tuple(FILE_HASHES.values())

    @locked_cached_property
    def jobs(self) -> JobManager:
        """Jobs of the service."""
        return JobManager(self.api, self.host)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Add conflicts between valid inputs. Hyperparameters that only this service has are validated by the service."""
        added = self.profile.hyperparameters
        known, _ = split_hyperparameters(_without_estimates(props), added)
        found = input_models.problems_by_input(self.inputs_model, known, {"hyperparameters": added})
        problems = [
            f"{problem}: set a base model or the output of a job; {NO_MODEL}"
            if problem == _NO_BASE_MODEL
            else problem
            for messages in found.values()
            for problem in messages
        ]
        valid = {name: value for name, value in props.items() if name not in found}
        return [*problems, *conflicting_inputs(valid, self.profile)]

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Return messages about the features that the inputs use and the service does not support."""
        return unsupported_features(props, self.profile)

    def data_problems(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """Return the problems for which the service would reject the training file of this job."""
        if _is_same(olds, news):
            return []
        return estimate.data_errors(news, self.catalog, self.profile.name, self.host)

    def warnings(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """Return the warnings about the inputs and the training file of a new job."""
        if _is_same(olds, news):
            return []
        days, today = int(self.settings.shutdown_warning_days), self.host.time.today()
        of_inputs = [
            *model_warnings(news, self.catalog, days, today),
            *method_warnings(news),
            *metadata_warnings(news),
        ]
        return [*of_inputs, *estimate.data_warnings(news, self.catalog, self.profile.name, self.host)]

    def with_computed_inputs(self, olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Add former identities, and the estimated tokens and cost.

        An existing job keeps the estimate from before its creation.
        """
        news = self._carried_identities.add_to(olds, {**news, **_unchanged_hashes(olds, news)})
        if _is_same(olds, news):
            found = olds.get(ESTIMATE)
        else:
            found = estimate.estimate(news, self.catalog, self.profile, self.host)
        if not found and _is_same(olds, news):
            return news
        figures = estimate.estimated({**news, ESTIMATE: found})
        # a plan must contain all inputs that `up` adds once they are known
        is_pending = not all(map(input_models.is_known, figures.values()))
        computed = {**figures, ESTIMATE: input_models.unknown() if is_pending else found}
        return {**news, **{name: value for name, value in computed.items() if value is not None}}

    def require_settings(self, settings: Settings) -> None:
        """Also raise `SettingsError` if the user's catalog entries are invalid."""
        super().require_settings(settings)
        load_catalog(settings)

    @locked_cached_property
    def _carried_identities(self) -> CarriedIdentities:
        return CarriedIdentities()

    @locked_cached_property
    def catalog(self) -> Catalog:
        """Catalog of models, with the user's entries. Raises `SettingsError` if these are invalid.

        If the service describes its models but does not respond, they are unknown; the operation reports why.
        """
        if not self.profile.describes_models:
            return load_catalog(self.settings)
        with self._impatient_client() as api, suppress(OpenAIFTError):
            return load_catalog(self.settings, described_models(api.models(unreadable=[])))
        return load_catalog(self.settings)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Add the hyperparameters that only this service has, without validation."""
        known, extra = split_hyperparameters(_without_estimates(props), self.profile.hyperparameters)
        return with_hyperparameters(super().inputs(known), extra)

    def probe(self, api: Client) -> None:
        """List the newest jobs, which `preview_outputs` compares with new ones."""
        self._existing_jobs = ExistingJobs.listed(api)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Compare the inputs with the existing job."""
        replaces = [path for name in REPLACE_ON_CHANGE for path in differences(name, news, olds)]
        if olds.get("status") in FAILED and news.get("recreate_on_failure"):
            replaces.append("recreate_on_failure")
        if replaces and self.host.previews_creates:
            reason = replacement_reason(id_, replaces, olds, news)
            self._replacements[str(news.get(IDENTITY))] = redacted(reason)
        return DetailedDiff(
            replaces,
            updated(olds, news),
            is_unfinished=needs_update(olds, news),
            delete_before_replace=bool(replaces) and olds.get("status") not in TERMINAL_STATUSES,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create or adopt the job and wait for it."""
        inputs = self.inputs(props)
        if reason := self._replacement(props):
            self.host.set_status(reason)
        job = self.jobs.get_or_create(job_keys(props, inputs, self.settings.idempotency_scope), inputs)
        props = {**props, REQUESTED_INPUTS: input_digests(props), **estimate.estimated(props)}
        return self.host.complete_create(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: self._finish(self.jobs.resolve_duplicate(job), inputs, props),
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the job, and check whether its model still exists."""
        return ReadResult(id_, self._outputs_with_model_check(self.jobs.find(id_), props))

    def import_(self, id_: str) -> ReadResult:
        """Read an existing job for `pulumi import`."""
        require_id("FineTuningJob", id_)
        job = self.api.job(id_)
        inputs = job_inputs(job, self.settings.profile)
        return ReadResult(id_, self._outputs_with_model_check(job, inputs), inputs)

    def _outputs_with_model_check(self, job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
        is_deleted = job.status == "succeeded" and not self.jobs.model_is_listed(job)
        return {**self._outputs(job, props), **({MODEL_DELETED: True} if is_deleted else {})}

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Pause, resume or wait for the job. If it failed, raise the error again."""
        inputs = self.inputs(news)
        resume = bool(olds.get("paused")) and not inputs.get("paused")
        job = self.jobs.find(id_)
        kept = {name: input_models.integers_from_floats(olds.get(name)) for name in ESTIMATED}
        kept |= known_losses(olds)
        outs = self._reconciled(
            job, inputs, {**news, REQUESTED_INPUTS: input_digests(news), **kept}, resume=resume
        )
        if olds.get(MODEL_DELETED) and not self.jobs.has_model(job):
            raise JobFailedError(model_deleted_message(job), {**outs, MODEL_DELETED: True})
        return UpdateResult(outs)

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs that are known in advance. For a new job, print the likely cost, or the job to adopt."""
        if olds is None:
            self._describe_create(news)
        return {**preview_outputs(olds, news), "base_url": self.settings.base_url}

    def _describe_create(self, news: dict[str, Any]) -> None:
        """Print the cost of a new job and the reason for it, unless it is not created because such a job exists."""
        now, keys = self.host.time.wall(), self._keys_at_preview(news)
        if keys and (own := self._existing_jobs.of_resource(keys)):
            self.host.info(adoption_message(own, now))
            return
        if keys and (found := self._existing_jobs.of_another_resource(keys)):
            job, resource = found
            former = former_name(keys.resource, resource or "")
            self.warn_below_rows([kept_by_alias_message(job, now, resource, former)])
            return
        estimated = input_models.integers_from_floats(news.get(ESTIMATE))
        if reason := self._replacement(news):
            self.host.info(reason)
        elif isinstance(estimated, dict):
            no_price = estimate.no_price(news, self.catalog, self.profile)
            self.host.info(estimate_message(estimated, no_price))

    def _replacement(self, news: Mapping[str, Any]) -> str | None:
        """Return the reason why a job is replaced, and the likely cost of the new job; None for other jobs."""
        reason = self._replacements.pop(str(news.get(IDENTITY)), None)
        return reason and f"{reason}, {estimate.likely_cost(news, self.catalog, self.profile)}"

    def _keys_at_preview(self, news: Mapping[str, Any]) -> JobKeys | None:
        """Return the keys of a new job, or None if they depend on values that are not known yet."""
        props = props_known_at_preview(news)
        if not input_models.is_known(input_models.public_properties(_without_estimates(props))):
            return None
        with suppress(InputError):  # a policy changed the inputs
            return job_keys(props, self.inputs(props), self.settings.idempotency_scope)
        return None

    @locked_cached_property
    def _replacements(self) -> dict[str, str]:
        """Reasons for replacements that `diff` has found, for the row of the new job, by the resource's identity."""
        return {}

    @locked_cached_property
    def _existing_jobs(self) -> ExistingJobs:
        """The newest jobs: empty if the service did not respond, which the operation reports."""
        return ExistingJobs()

    def unfinished_message(self, id_: str, outs: Mapping[str, Any], error: Exception) -> str:
        """Return a message that the job is still running."""
        seen = self.jobs.last_seen(id_)
        return still_running_message(id_, seen.status if seen else str(outs.get("status")), error)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Cancel the job if it is not finished. Delete its model if `delete_model_on_destroy` is set."""
        if self.jobs.adopted.was_adopted(id_):
            return
        job = self.jobs.cancel(self.jobs.find(id_))
        if props.get("delete_model_on_destroy") and job.fine_tuned_model:
            self.jobs.delete_model(job.fine_tuned_model)

    def _finish(self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any]) -> CreateResult:
        return self.host.complete_create(
            CreateResult(job.id, self._outputs(job, props)),
            lambda: CreateResult(job.id, self._reconciled(job, inputs, props)),
        )

    def _reconciled(
        self, job: Job, inputs: Mapping[str, Any], props: Mapping[str, Any], *, resume: bool = False
    ) -> dict[str, Any]:
        """Return the state of a job after `JobManager.reconcile`.

        Raises:
            IncompleteResourceError: The job failed, or it is not in the status that the inputs request.
        """
        try:
            job = self.jobs.reconcile(job, inputs, resume=resume)
        except OpenAIFTError as error:
            seen = self.jobs.last_seen(job.id) or job
            raise IncompleteResourceError(
                still_running_message(job.id, seen.status, error), self._outputs(seen, props)
            ) from error
        outs = with_losses(self.api, job, self._outputs(job, props))
        if job.status in FAILED:
            raise JobFailedError(failed_message(job), outs)
        if job.status == "paused" and not inputs.get("paused"):
            if not inputs.get("wait_for_completion", True):
                self.host.warn(paused_externally_message(job))
                return outs
            raise IncompleteResourceError(paused_externally_message(job), outs)
        actual = {name: value for name, value in outs.items() if name != REQUESTED_INPUTS}
        if differences("method", props, actual):
            self.host.info(f"job {job.id}: the service changed the requested method: see the output `method`")
        return outs

    def _outputs(self, job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**outputs(job, props), "base_url": self.settings.base_url}


_NO_BASE_MODEL = f"model: {input_models.MISSING}"
CREATE_ON_CHANGE = (*REPLACE_ON_CHANGE, "recreate_on_failure")
"""Inputs whose change may create a new job."""


def _is_same(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether the inputs describe the same job as in the last `up`. If so, it is not checked again."""
    return all(
        input_models.integers_from_floats(olds.get(name)) == input_models.integers_from_floats(news.get(name))
        for name in CREATE_ON_CHANGE
    )


def _without_estimates(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties without the estimates that `check` has added."""
    return {name: value for name, value in props.items() if name not in ESTIMATED}


def _unchanged_hashes(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded hashes of files with unchanged ids, because `ignore_changes` resets only the id."""
    return {
        hash_: olds[hash_]
        for name, hash_ in FILE_HASHES.items()
        if olds.get(hash_) is not None and olds.get(name) == news.get(name)
    }

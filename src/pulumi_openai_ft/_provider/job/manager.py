"""Operations on jobs: adopt, create, wait, pause, resume, cancel.

This is the only module that creates jobs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.inputs import PROVIDER_INPUTS
from pulumi_openai_ft._provider.job.lookup import JobLookup
from pulumi_openai_ft._provider.job.poller import Poller
from pulumi_openai_ft._provider.lost_response import LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft._provider.progress.status_row import JobProgressReporter
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    JobTimeoutError,
    NotFoundError,
    RequestError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

FAILED = frozenset({"failed", "cancelled"})
UNSUPPORTED_STATUSES = frozenset({404, 405, 501})
"""HTTP statuses that mean that the service does not support an endpoint."""
MODEL_LIST_TTL = 30.0
"""Seconds for which a list of models is reused."""
LAST_EVENTS = 20
"""Number of events read after a job has ended. They include the checkpoints, the moderation and the model."""
CANCEL_TIMEOUT = 120.0
"""Seconds to wait for a cancelled job to end."""


@dataclass(slots=True)
class JobManager:
    """A manager of the jobs of a service.

    Attributes:
        api: The client.
        host: The host, for messages, clock and sleep.
        adopted: Ids of jobs that a new resource adopted instead of creating a job.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    _created: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _models: set[str] | None = None
    _models_listed_at: float = float("-inf")
    _poller: Poller = field(init=False)
    _search: JobLookup = field(init=False)

    def __post_init__(self) -> None:
        self._poller = Poller(self.api, self.host.time)
        self._search = JobLookup(self.api, self.host.time)

    def find(self, job_id: str) -> Job:
        """Return the current job.

        Raises:
            NotFoundError: The service does not return the job. Because jobs cannot be deleted, the key, the project or
                the base URL must have changed.
        """
        try:
            return self.api.job(job_id)
        except NotFoundError as error:
            raise NotFoundError(
                f"job {job_id} was not found: {error}. Jobs cannot be deleted, so this stack uses another project or "
                f"service than the job: check the key, openai-ft:project and openai-ft:baseUrl. "
                f"To remove the job from the state, run `pulumi state delete` with its URN",
                status=error.status,
                code=error.code,
                param=error.param,
                request_id=error.request_id,
            ) from error

    def get_or_create(self, keys: Sequence[str], inputs: Mapping[str, Any]) -> Job:
        """Adopt an existing job with one of the idempotency keys, or create a job if none of them is adoptable.

        Args:
            keys: The idempotency key of a new job, followed by the keys under former names of the resource.
            inputs: The job's inputs.
        """
        known = [job for key in keys for job in self._search.find_before_create(key)]
        if job := next((job for job in known if self._is_adoptable(job, inputs)), None):
            age = timedelta(seconds=max(0, int(self.host.time.wall() - job.created_at)))
            self.host.info(
                f"adopted job {job.id} ({job.status}, {age} old), which was created with the same inputs"
            )
            self.adopted.add(job.id)
            return job
        return self._create(keys[0], inputs, {job.id for job in known})

    def resolve_duplicate(self, job: Job) -> Job:
        """Cancel a job if another process created the same job first, and return the other job.

        The other process may be the host of an engine that was killed while its create request was sent. Both
        processes receive the jobs in the service's order, newest first, so they agree on the first job.
        """
        if job.id not in self._created:
            return job
        key, known = self._created.pop(job.id)
        try:
            new = [found for found in self._search.find_created_with(job, key) if found.id not in known]
            first = [job, *(found for found in new if found.status not in FAILED)][-1]
            if first.id != job.id:
                self.host.info(
                    f"job {first.id} with the same inputs was created at the same time: cancelling {job.id}"
                )
                self.cancel(job)
        except (CommandInterruptedError, RequestError, JobTimeoutError) as error:
            self.host.info(f"could not check for a concurrent duplicate of job {job.id}: {error}")
            return job
        return first

    def reconcile(self, job: Job, inputs: Mapping[str, Any], *, resume: bool = False) -> Job:
        """Pause or resume a job and wait for it, as the inputs require.

        Raises:
            RequestError: A request failed. The job keeps running.
        """
        pause = bool(inputs.get("paused"))
        if resume and job.status == "paused":
            job = self.api.resume_job(job.id)
        if not inputs.get("wait_for_completion", True):
            return self._pause(job) if pause else job
        return self._wait(job, pause=pause, seconds=inputs.get("cancel_after_timeout"))

    def last_seen(self, job_id: str) -> Job | None:
        """Return a job as this process last read it while waiting, or None if the process never waited for it."""
        return self._poller.last_seen(job_id)

    def cancel(self, job: Job) -> Job:
        """Cancel a job unless it has ended, and wait until it has."""
        if job.is_terminal:
            return job
        job = self._act(self.api.cancel_job, job)
        return self._poller.wait(
            job, lambda seen: seen.is_terminal, deadline=self.host.time.wall() + CANCEL_TIMEOUT
        )

    def delete_model(self, model: str) -> None:
        """Delete a fine-tuned model. Do nothing if it does not exist or if the service cannot delete models."""
        if not self.api.settings.profile.supports("models"):
            return
        try:
            self.api.delete_model(model)
        except NotFoundError:
            return

    def _list_models(self) -> set[str] | None:
        """Return the names of all models, or None if the service does not list them."""
        try:
            return {model.id for model in self.api.models()}
        except ServiceError as error:
            if error.status in UNSUPPORTED_STATUSES:
                return None
            raise

    def _is_adoptable(self, job: Job, inputs: Mapping[str, Any]) -> bool:
        if job.status == "succeeded":
            return self.has_model(job)
        if job.status in FAILED and inputs.get("recreate_on_failure"):
            return False
        return job.status != "cancelled" or self._was_cancelled_by_deadline(
            job, inputs.get("cancel_after_timeout")
        )

    def _was_cancelled_by_deadline(self, job: Job, seconds: float | None) -> bool:
        """Return whether a cancelled job ended after its deadline.

        Such a job was cancelled by an `up` that was interrupted before it recorded the job.
        """
        if seconds is None or not self.api.settings.profile.supports("events"):
            return False
        last = next(self.api.events(job.id, limit=1), None)
        return last is not None and last.created_at >= job.created_at + seconds

    def has_model(self, job: Job) -> bool:
        """Return whether the model of a succeeded job exists. Assume so if the service does not support models."""
        if not job.fine_tuned_model or not self.api.settings.profile.supports("models"):
            return bool(job.fine_tuned_model)
        try:
            return bool(self.api.model(job.fine_tuned_model))
        except NotFoundError:
            return False

    def model_is_listed(self, job: Job) -> bool:
        """Return whether the list of all models contains the job's model.

        The list is reused for `MODEL_LIST_TTL` seconds, for all jobs. The result is True if the service has no list.
        """
        if not self.api.settings.profile.supports("models"):
            return True
        with self._lock:
            now = self.host.time.clock()
            if now - self._models_listed_at > MODEL_LIST_TTL:
                self._models, self._models_listed_at = self._list_models(), now
            return self._models is None or job.fine_tuned_model in self._models

    def _create(self, key: str, inputs: Mapping[str, Any], known: set[str]) -> Job:
        self.host.raise_if_interrupted()
        try:
            job = self.api.create_job(self._body(key, inputs))
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._recover_lost_create(key, known, error)
        self.host.info(f"created job {job.id}")
        self._created[job.id] = key, known
        return job

    def _body(self, key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of the create request: the API's inputs and the idempotency key."""
        body = {name: value for name, value in inputs.items() if name not in PROVIDER_INPUTS}
        if self.api.settings.profile.supports("metadata"):
            body["metadata"] = {**inputs.get("metadata", {}), TOKEN_KEY: key}
        return {**body, **inputs.get("extra_body", {})}

    def _recover_lost_create(self, key: str, known: set[str], error: RequestError) -> Job:
        """Return the job of a create request whose response was lost. A create request is never repeated."""
        if not self.api.settings.profile.supports("metadata"):
            raise ServiceConnectionError(
                f"no response to the create request, and the service does not store the metadata needed to find the "
                f"job: {error}. Check at the service whether the job was created before you run the command again",
                may_have_acted=True,
            ) from error
        found = poll_until_found(
            lambda: next((job for job in self._search.find(key) if job.id not in known), None),
            self.host.time,
        )
        if found is None:
            raise ServiceConnectionError(
                f"no response to the create request, and no matching job appeared within {sum(LOOKUP_DELAYS):.0f} s: "
                f"{error}. Run the command again: if the job appears later, it is adopted and not created twice",
                may_have_acted=True,
            ) from error
        self.host.info(f"job {found.id} was created although the service's response was lost")
        return found

    def _wait(self, job: Job, *, pause: bool, seconds: float | None) -> Job:
        def done(seen: Job) -> bool:
            return seen.is_terminal or seen.status == "paused"

        deadline = None if seconds is None else job.created_at + seconds
        try:
            if pause:
                job = self._wait_with_progress(
                    job, lambda seen: done(seen) or seen.status == "running", deadline
                )
                job = self._pause(job)
            return self._wait_with_progress(job, done, deadline)
        except JobTimeoutError:
            self.host.info(f"job {job.id} has not ended {seconds} s after its creation: cancelling it")
            return self.cancel(job)

    def _wait_with_progress(self, job: Job, done: Callable[[Job], bool], deadline: float | None) -> Job:
        """Wait for a job, and report its progress and its last events if the host displays progress."""
        if done(job) or not (self.host.shows_progress and self.api.settings.profile.supports("events")):
            return self._poller.wait(job, done, deadline=deadline)
        follower = JobProgressReporter.of(job, self.host)
        job = self._poller.wait(job, done, deadline=deadline, follow=follower.update)
        with suppress(RequestError):
            follower.update(job, list(self.api.events(job.id, limit=LAST_EVENTS)))
        return job

    def _pause(self, job: Job) -> Job:
        """Pause a running job. A job that is not running cannot be paused."""
        return self._act(self.api.pause_job, job) if job.status == "running" else job

    def _act(self, action: Any, job: Job) -> Job:
        """Send a cancel or pause request for a job. Return the job as is if it ended before the request."""
        try:
            acted: Job = action(job.id)
        except RequestError as error:
            seen = self.api.job(job.id)
            if seen.is_terminal:
                return seen
            raise error from None
        return acted

"""Operations on jobs: adopt, create, wait, pause, resume, cancel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.refusals import UNSUPPORTED_STATUSES
from pulumi_openai_ft._client.retries import SUCCESSES
from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.file_processing import FileProcessing
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.creation import JobCreator, unclear_error
from pulumi_openai_ft._provider.job.lookup import JobLookup
from pulumi_openai_ft._provider.job.messages import (
    concurrent_content_message,
    not_cancelled_message,
    same_content_message,
    status_and_age,
)
from pulumi_openai_ft._provider.job.poller import Poller
from pulumi_openai_ft._provider.progress.status_row import JobProgressReporter
from pulumi_openai_ft._provider.wait_limit import current_limit
from pulumi_openai_ft._shared.state_names import CONTENT_KEY, RESOURCE_KEY, TOKEN_KEY
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    DuplicateJobError,
    InputError,
    InvalidResponseError,
    JobTimeoutError,
    NotFoundError,
    RequestError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._provider.job.idempotency import JobKeys

FAILED = frozenset({"failed", "cancelled"})
MODEL_LIST_TTL = 30.0
"""Seconds for which a list of models is reused."""
LAST_EVENTS = 20
"""Number of events read after a job has ended. They include the checkpoints, the moderation and the model."""
CANCEL_TIMEOUT = 120.0
"""Seconds to wait for a cancelled job to end."""


@dataclass(frozen=True)
class _ModelList:
    """The names of the service's models.

    Attributes:
        names: The names that can be read.
        is_complete: Whether all names can be read.
        is_offered: Whether the service lists models.
    """

    names: frozenset[str] = frozenset()
    is_complete: bool = False
    is_offered: bool = True


@dataclass(slots=True)
class _Claim:
    """The creation of a job in this process.

    Attributes:
        resource: Identity of the resource that creates the job.
        job_id: Id of the job; None until it is created.
    """

    resource: str
    job_id: str | None = None


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
    _claims: dict[str, _Claim] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _models: _ModelList = field(default_factory=_ModelList)
    _models_listed_at: float = float("-inf")
    _poller: Poller = field(init=False)
    _search: JobLookup = field(init=False)
    _creator: JobCreator = field(init=False)

    def __post_init__(self) -> None:
        self._poller = Poller(self.api, self.host.time)
        self._search = JobLookup(self.api, self.host.time)
        self._creator = JobCreator(self.api, self.host, self._search)

    def find(self, job_id: str) -> Job:
        """Return the current job.

        Raises:
            NotFoundError: The service does not return the job. Because OpenAI's jobs cannot be deleted, the key, the
                project or the base URL must have changed there.
        """
        try:
            return self.api.job(job_id)
        except NotFoundError as error:
            raise NotFoundError(
                f"job {job_id} was not found: {error}. {self._missing_job_reason()}: check the key, openai-ft:project "
                f"and openai-ft:baseUrl. To remove the job from the state, run `pulumi state delete` with its URN",
                status=error.status,
                code=error.code,
                param=error.param,
                request_id=error.request_id,
            ) from error

    def _missing_job_reason(self) -> str:
        if self.api.settings.profile.name == "openai":
            return "Jobs cannot be deleted, so this stack uses another project or service than the job"
        return (
            "The job was deleted at the service, or this stack uses another project or service than the job"
        )

    def get_or_create(self, keys: JobKeys, inputs: Mapping[str, Any]) -> Job:
        """Adopt an existing job with one of the idempotency keys, or create a job if none of them is adoptable.

        Args:
            keys: The keys of the job.
            inputs: The job's inputs.

        Raises:
            DuplicateJobError: Another resource has a job with the same content.
        """
        known = [job for key in keys.of_resource for job in self._search.find_before_create(key)]
        if known:
            self._creator.forget(keys.of_resource)
            return self._adopt_or_create(keys, inputs, known)
        with self._creator.turn(inputs):
            known = self._creator.recorded(keys, inputs) or self._unidentified(keys, inputs)
            return self._adopt_or_create(keys, inputs, known)

    def _unidentified(self, keys: JobKeys, inputs: Mapping[str, Any]) -> list[Job]:
        """Return the jobs that show their key only when they are requested by id.

        Raises:
            InvalidResponseError: A job without metadata may be the resource's, so that another one would be paid twice.
        """
        jobs = self._creator.unidentified(keys, inputs)
        if own := [job for job in jobs if job.metadata]:
            return own
        unclear = [job for job in jobs if job.status not in FAILED and self._is_adoptable(job, inputs)]
        if unclear:
            raise unclear_error(unclear)
        return []

    def _adopt_or_create(self, keys: JobKeys, inputs: Mapping[str, Any], known: Sequence[Job]) -> Job:
        """Adopt one of the jobs that earlier create requests created, or create a job."""
        if job := next((job for job in known if self._is_adoptable(job, inputs)), None):
            self.host.info(
                f"adopted job {job.id} ({status_and_age(job, self.host.time.wall())}), which was created with the same "
                f"inputs"
            )
            self.adopted.add(job.id)
            return job
        if not self._creator.relies_on_metadata:
            return self._create_when_processed(keys, inputs, known)
        self._require_new_content(keys)
        claim = self._claim(keys)
        try:
            job = self._create_when_processed(keys, inputs, known)
        except (InputError, RequestError) as error:
            if not (isinstance(error, RequestError) and error.may_have_acted):
                self._release(keys, claim)
            raise
        claim.job_id = job.id
        return job

    def _create_when_processed(self, keys: JobKeys, inputs: Mapping[str, Any], known: Sequence[Job]) -> Job:
        files = {name: inputs.get(name) for name in ("training_file", "validation_file")}
        return FileProcessing(self.api, self.host).create_when_processed(
            lambda: self._create(keys, inputs, {job.id for job in known}), files
        )

    def _require_new_content(self, keys: JobKeys) -> None:
        """Raise an error if another resource has a job with the same content, which would be paid for twice."""
        for job in self._search.find_before_create(keys.content, CONTENT_KEY):
            metadata = job.metadata or {}
            if metadata.get(TOKEN_KEY) not in keys.of_resource:
                self._require_ended(job, metadata.get(RESOURCE_KEY))

    def _claim(self, keys: JobKeys) -> _Claim:
        """Record that a resource creates a job, because a search does not find a job that is being created.

        Raises:
            DuplicateJobError: Another resource of the program creates or has created a job with the same content.
        """
        with self._lock:
            other = self._claims.get(keys.content)
            if other and other.resource != keys.resource:
                if other.job_id is None:
                    raise DuplicateJobError(concurrent_content_message(other.resource))
                self._require_ended(self.api.job(other.job_id), other.resource)
            claim = self._claims[keys.content] = _Claim(keys.resource)
        return claim

    def _release(self, keys: JobKeys, claim: _Claim) -> None:
        """Remove the claim of a create that was refused, so that it created no job."""
        with self._lock:
            if self._claims.get(keys.content) is claim:
                del self._claims[keys.content]

    def _require_ended(self, job: Job, resource: str | None) -> None:
        """Raise an error if a job of another resource has a model, or may still have one."""
        if self.has_model(job) if job.status == "succeeded" else job.status not in FAILED:
            raise DuplicateJobError(same_content_message(job, self.host.time.wall(), resource))

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
            job = self._act(self.api.resume_job, job)
        if not inputs.get("wait_for_completion", True):
            return self._pause(job) if pause else job
        return self._wait(job, pause=pause, seconds=inputs.get("cancel_after_timeout"))

    def last_seen(self, job_id: str) -> Job | None:
        """Return a job as this process last read it while waiting, or None if the process never waited for it."""
        return self._poller.last_seen(job_id)

    def cancel(self, job: Job) -> Job:
        """Cancel a job unless it has ended, and wait until it has.

        Raises:
            JobTimeoutError: The job has not ended in `CANCEL_TIMEOUT` seconds, or in the operation's `custom_timeouts`.
        """
        if job.is_terminal:
            return job
        job, limit = self._act(self.api.cancel_job, job), current_limit()
        deadline = limit.ends_at if limit else self.host.time.wall() + CANCEL_TIMEOUT
        try:
            return self._poller.wait(job, lambda seen: seen.is_terminal, deadline=deadline)
        except JobTimeoutError:
            reached = str(limit or f"{CANCEL_TIMEOUT:g} s")
            raise JobTimeoutError(not_cancelled_message(self.last_seen(job.id) or job, reached)) from None

    def delete_model(self, model: str) -> None:
        """Delete a fine-tuned model. Do nothing if it does not exist or if the service cannot delete models."""
        if not self.api.settings.profile.supports("models"):
            return
        try:
            self.api.delete_model(model)
        except NotFoundError:
            return

    def _list_models(self) -> _ModelList:
        unreadable: list[str] = []
        try:
            names = frozenset(model.id for model in self.api.models(unreadable=unreadable))
        except InvalidResponseError as error:
            if error.status not in (*SUCCESSES, *UNSUPPORTED_STATUSES):
                raise
            return _ModelList(is_offered=error.status in SUCCESSES)
        except ServiceError as error:
            if error.status in UNSUPPORTED_STATUSES:
                return _ModelList(is_offered=False)
            raise
        return _ModelList(names, is_complete=not unreadable)

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
        last = next(self.api.events(job.id, limit=1, unreadable=[]), None)
        if last is None or last.created_at is None or job.created_at is None:
            return False
        return last.created_at >= job.created_at + seconds

    def has_model(self, job: Job) -> bool:
        """Return whether the model of a succeeded job exists.

        Assume so if the service does not support models, or did not return the model's name.
        """
        if not job.fine_tuned_model or not self.api.settings.profile.supports("models"):
            return True
        try:
            return bool(self.api.model(job.fine_tuned_model))
        except NotFoundError:
            return False

    def model_is_listed(self, job: Job) -> bool:
        """Return whether the list of all models contains the job's model.

        The list is reused for `MODEL_LIST_TTL` seconds, for all jobs. The result is True if the service has no list, or
        did not return the model's name. A model that is missing from a list with unreadable models is requested.
        """
        if not job.fine_tuned_model or not self.api.settings.profile.supports("models"):
            return True
        with self._lock:
            now = self.host.time.clock()
            if now - self._models_listed_at > MODEL_LIST_TTL:
                self._models, self._models_listed_at = self._list_models(), now
            models = self._models
        if not models.is_offered or job.fine_tuned_model in models.names:
            return True
        return not models.is_complete and self.has_model(job)

    def _create(self, keys: JobKeys, inputs: Mapping[str, Any], known: set[str]) -> Job:
        job = self._creator.create(keys, inputs, known)
        self.host.info(f"created job {job.id}")
        self._created[job.id] = keys.own, known
        return job

    def _wait(self, job: Job, *, pause: bool, seconds: float | None) -> Job:
        def done(seen: Job) -> bool:
            return seen.is_terminal or seen.status == "paused"

        began = self.host.time.wall() if job.created_at is None else self.api.local_time(job.created_at)
        cancel_at = None if seconds is None else began + seconds
        limit = current_limit()
        ends = (cancel_at, limit.ends_at if limit else None)
        deadline = min((at for at in ends if at is not None), default=None)
        try:
            if pause:
                job = self._wait_with_progress(
                    job, lambda seen: done(seen) or seen.status == "running", deadline
                )
                job = self._pause(job)
            return self._wait_with_progress(job, done, deadline)
        except JobTimeoutError:
            if limit and (cancel_at is None or limit.ends_at < cancel_at):
                raise JobTimeoutError(f"waiting ended after the time limit ({limit})") from None
            self.host.info(f"job {job.id} has not ended {seconds} s after its creation: cancelling it")
            return self.cancel(job)

    def _wait_with_progress(self, job: Job, done: Callable[[Job], bool], deadline: float | None) -> Job:
        """Wait for a job, and report its progress and its last events if the host displays progress."""
        if done(job) or not (self.host.shows_progress and self.api.settings.profile.supports("events")):
            return self._poller.wait(job, done, deadline=deadline)
        follower = JobProgressReporter.of(job, self.host)
        job = self._poller.wait(job, done, deadline=deadline, follow=follower.update)
        with suppress(RequestError):
            follower.update(job, list(self.api.events(job.id, limit=LAST_EVENTS, unreadable=[])))
        return job

    def _pause(self, job: Job) -> Job:
        """Pause a running job. A job that is not running cannot be paused."""
        return self._act(self.api.pause_job, job) if job.status == "running" else job

    def _act(self, action: Any, job: Job) -> Job:
        """Send a cancel, pause or resume request for a job, and return the job.

        Read the job again if it ended before the request, or if the response does not show the job.
        """
        try:
            acted: Job = action(job.id)
        except RequestError as error:
            seen = self.api.job(job.id)
            was_accepted = isinstance(error, InvalidResponseError) and error.is_json
            if seen.is_terminal or was_accepted:
                return seen
            raise error from None
        return acted
